package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"
)

// Options configure a run.
type Options struct {
	Rounds      int           `default:"5" help:"Rounds; in each, every server has its turn."`
	Length      time.Duration `name:"seconds" default:"3s" help:"The longest that a turn lasts."`
	Connections int           `default:"32" help:"Connections that send at once."`
	Tokens      int           `default:"8000" help:"New tokens for a turn of cold and first sight, which ends with the last of them."`
	Warm        int           `default:"300" help:"Tokens that warm uses again and again, and accounts that log in."`
	Pool        int           `default:"4" help:"DB_POOL_MAX of both servers; 4 is pgx's own default on up to four processors, and better than 20 on two."`
	Users       int           `help:"People in the table, among whom the tokens are scattered: a million to see what size costs."`
	CommitDelay time.Duration `help:"What a commit takes beside this disk's time, at most 100ms: 2ms stands for a disk across the network or a synchronous standby."`
	Only        []string      `help:"Paths to measure: warm, cold, sight, login. Default: all."`
	Log         string        `default:"info" enum:"debug,info,warn,error" help:"LOG_LEVEL of the service; at info, production's default, it writes a line for each request."`
	Node        bool          `default:"true" negatable:"" help:"Measure the plan's own design, on Node, as one more row."`
	Pin         bool          `default:"true" negatable:"" help:"Give the measured server a processor of its own."`
	Authd       string        `default:"bin/authd" type:"path" help:"The service's program."`
	Authdev     string        `default:"bin/authdev" type:"path" help:"The development stack's program."`
	Self        string        `kong:"-"`
	Pins        pins          `kong:"-"`
}

const fewestPeople = 5000

// run fails when one request failed.
func run(ctx context.Context, o Options, out io.Writer) (table []group, err error) {
	if o.Self == "" {
		if o.Self, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
	}
	if err := checkKeys(o.Only); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "auth-v2-service-bench")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // PostgreSQL may run as another user, which needs access
		return nil, fmt.Errorf("open the folder: %w", err)
	}
	s := &stack{options: o, dir: dir}
	defer func() { err = errors.Join(err, s.stop()) }()
	m, err := prepare(ctx, s)
	if err != nil {
		return nil, err
	}
	table = measureAll(ctx, o, paths(m, s.authd, s.bare, s.node))
	return table, report(out, o, s.pins, table, ctx.Err())
}

// prepare signs tokens on all processors before it steps aside.
func prepare(ctx context.Context, s *stack) (material, error) {
	o, began := s.options, time.Now()
	rows, once := max(o.Users, fewestPeople), o.Tokens*(o.Rounds+1)
	accounts := people("login", o.Warm)
	provider, err := prepareIdentity(s.dir, accounts)
	if err != nil {
		return material{}, err
	}
	m, minted := material{accounts: accounts}, 0
	for _, batch := range []struct {
		to     *[]string
		key    string
		people []person
	}{
		{&m.warm, "warm", scattered(rows, o.Warm)},
		{&m.cold, "cold", scattered(rows, once)},
		{&m.fresh, "sight", people("stranger", once)},
		{&m.planned, "sight", people("newcomer", o.forNode(once))},
	} {
		if !o.measures(batch.key) {
			continue
		}
		if *batch.to, err = mint(ctx, provider, batch.people, minted); err != nil {
			return material{}, errors.Join(err, provider.Close())
		}
		minted += len(batch.people)
	}
	if err := provider.Close(); err != nil {
		return material{}, err
	}
	say("%d tokens signed (%.1f s)", minted, time.Since(began).Seconds())
	if s.pins = o.Pins; o.Pin && s.pins == (pins{}) {
		s.pins = choosePins()
	}
	if err := s.pins.stepAside(); err != nil {
		return material{}, err
	}
	if err := s.start(ctx); err != nil {
		return material{}, err
	}
	return m, s.fill(ctx, map[string]int{"login": len(accounts), "known": rows})
}

func (o Options) forNode(once int) int {
	if !o.Node {
		return 0
	}
	return once / 2
}

func (o Options) measures(key string) bool { return len(o.Only) == 0 || slices.Contains(o.Only, key) }

func measureAll(ctx context.Context, o Options, all []path) []group {
	var table []group
	for _, p := range all {
		if !o.measures(p.key) {
			continue
		}
		began := time.Now()
		rows := measurePath(ctx, o, p)
		table = append(table, group{path: p.key, rows: rows})
		say("%s: %d rounds (%.1f s)", p.key, o.Rounds, time.Since(began).Seconds())
	}
	return table
}

// measurePath runs all sides in each round, so slow phases hit all. Round 0 warms up.
func measurePath(ctx context.Context, o Options, p path) []row {
	rows := make([]row, len(p.sides))
	for i := range o.Rounds + 1 {
		limit := o.Length
		if i == 0 {
			limit /= 3
		}
		for _, j := range turns(i, len(p.sides)) {
			s := p.sides[j]
			m := measureTurn(ctx, s.server, load{
				addr: s.server.addr, requests: s.round(i, o.Rounds+1, p.once), once: p.once,
				connections: o.Connections, limit: limit,
			})
			rows[j].name, rows[j].role, rows[j].noBody = s.name, s.role, s.noBody
			if i > 0 || m.failed > 0 {
				rows[j].rounds = append(rows[j].rounds, m)
			}
		}
	}
	return rows
}

// turns alternates the order, so drift favours no side.
func turns(round, n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
		if round%2 == 1 {
			order[i] = n - 1 - i
		}
	}
	return order
}

func measureTurn(ctx context.Context, s server, l load) measured {
	forgetPeak(s.pid)
	server, generator := cpuTime(s.pid), cpuTime(os.Getpid())
	r := l.run(ctx)
	return measure(r, usage{
		cpu: cpuTime(s.pid) - server, generator: cpuTime(os.Getpid()) - generator, memory: peakMemory(s.pid),
	})
}

func report(out io.Writer, o Options, p pins, table []group, interrupted error) error {
	if interrupted != nil {
		return interrupted
	}
	where := "server and load share the processors"
	if p.server != "" {
		where = fmt.Sprintf("the measured server on processor %s, all else on %s", p.server, p.rest)
	}
	if o.CommitDelay > 0 {
		where += fmt.Sprintf(", commits %s slower than this disk", o.CommitDelay)
	}
	_, _ = fmt.Fprintf(out, "\n%d rounds of at most %s, %d connections, %d people, log level %s, %s %s/%s: %s\n\n", o.Rounds, o.Length,
		o.Connections, max(o.Users, fewestPeople)+o.Warm, o.Log, runtime.Version(), runtime.GOOS, runtime.GOARCH, where)
	if err := writeTable(out, table); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	_, _ = fmt.Fprintf(out, "\nThe load took at most %.2f of a processor. Where that is near 1, both sides could do more.\n", busiest(table))
	return judge(table)
}

func busiest(table []group) (most float64) {
	for _, g := range table {
		for _, r := range g.rows {
			for _, m := range r.rounds {
				most = max(most, m.generator)
			}
		}
	}
	return most
}

// judge reports failed requests and sides with answers of different size.
func judge(table []group) error {
	var faults []error
	for _, g := range table {
		first := g.rows[0]
		for _, r := range g.rows {
			if n, failure := r.failed(); n > 0 {
				faults = append(faults, fmt.Errorf("%s: %d requests failed, the first with: %w", r.name, n, failure))
			}
			if apart := ratio(r.bodyBytes(), first.bodyBytes()); !r.noBody && (apart < 0.9 || apart > 1.1) {
				faults = append(faults, fmt.Errorf("%s answers %.0f bytes, %s %.0f: not comparable",
					r.name, r.bodyBytes(), first.name, first.bodyBytes()))
			}
		}
	}
	return errors.Join(faults...)
}

func say(format string, args ...any) { _, _ = fmt.Fprintf(os.Stderr, format+"\n", args...) }
