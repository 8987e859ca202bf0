package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// spreadCmd counts the reads of instances behind a round robin.
type spreadCmd struct {
	Users     int             `default:"100000" help:"Active people."`
	Sample    int             `default:"100" help:"One in so many of them is simulated, and rates are multiplied. Of one instance without a shared cache all are, to see whether its cache holds them."`
	Instances []int           `default:"1,3,10" help:"Instances behind the round robin."`
	Every     []time.Duration `default:"2s,10s,60s" help:"How often a person sends a request, on average."`
	Length    time.Duration   `name:"seconds" default:"30s" help:"Virtual time that is counted."`
}

func (c *spreadCmd) Run(ctx context.Context) error { return c.simulateAll(ctx, os.Stdout) }

func (c *spreadCmd) simulateAll(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "auth-v2-service-spread")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var all []spread
	for i, s := range c.scenarios() {
		counted, err := simulate(ctx, s, filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return fmt.Errorf("%d instances, a request every %s: %w", s.instances, s.every, err)
		}
		all = append(all, counted)
		say("%d instances, a request every %s, %s (%.1f s)", s.instances, s.every, s.sharedWord(), counted.took.Seconds())
	}
	return errors.Join(append(each(all, spread.doubt), writeSpreads(out, *c, all))...)
}

func (c *spreadCmd) scenarios() []scenario {
	var all []scenario
	for _, every := range c.Every {
		for _, instances := range c.Instances {
			for _, shared := range []bool{false, true} {
				people := max(1, c.Users/max(1, c.Sample))
				if instances == 1 && !shared {
					people = c.Users
				}
				all = append(all, scenario{people: people, instances: instances, every: every, length: c.Length, shared: shared})
			}
		}
	}
	return all
}

func writeSpreads(out io.Writer, c spreadCmd, all []spread) error {
	_, _ = fmt.Fprintf(out, "\n%d active people, %s counted after %s, one in %d simulated\n\n", c.Users, c.Length, warmUp, c.Sample)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(table,
		"a request every\tinstances\tshared cache\trequests/s\ttoken known\tin memory\tshared\ttogether\trows read/s\tan instance\tlooks into Redis/s\t")
	for _, s := range all {
		rate := func(n int) float64 {
			return float64(n) * ratio(float64(c.Users), float64(s.people)) / s.length.Seconds()
		}
		part := func(n int) float64 { return 100 * ratio(float64(n), float64(s.requests)) }
		inMemory := s.requests - s.reads - s.sharedHits
		_, _ = fmt.Fprintf(table, "%s\t%d\t%s\t%.0f\t%.1f %%\t%.1f %%\t%.1f %%\t%.1f %%\t%.0f\t%.0f\t%.0f\t\n",
			s.every, s.instances, s.sharedWord(), rate(s.requests), part(s.requests-s.verified), part(inMemory), part(s.sharedHits),
			part(inMemory+s.sharedHits), rate(s.reads), rate(s.reads)/float64(s.instances), rate(s.looks))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}
