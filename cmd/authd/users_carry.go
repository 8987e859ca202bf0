package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/sleep"
)

// exitInterrupted is the exit code after a signal, as in a shell.
const exitInterrupted = 130

// carriedRun is a run that this command starts and carries. command goes on with it.
type carriedRun struct {
	command string
	asJSON  bool
}

// start asks for users, the number that the run is expected to change.
func (c carriedRun) start(ctx context.Context, runs *bulk.Service, plan bulk.Plan, users int64) error {
	by, carrier := operator.Operator{Actor: "cli:" + osUser()}, uuid.New()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	run, err := runs.Start(ctx, plan, by, carrier)
	if err != nil {
		return unfinished(ctx, runs, err)
	}
	return c.carry(ctx, runs, run, by, carrier, users, signals)
}

func unfinished(ctx context.Context, runs *bulk.Service, err error) error {
	run, readErr := runs.Unfinished(ctx)
	if readErr != nil || fault.CodeOf(err) != fault.RunConflict {
		return err
	}
	return fmt.Errorf("%w\nrun %s (%s, %s). Next: authd users runs %s, or authd users stop %s", err, run.ID, run.Users(), run.State, run.ID, run.ID)
}

func confirmed(question string) bool {
	fmt.Fprint(os.Stderr, question+"? [y/N] ")
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y")
}

const pauseTime = 10 * time.Second

func (c carriedRun) carry(
	ctx context.Context, runs *bulk.Service, run bulk.Run, by operator.Operator, carrier uuid.UUID, users int64, signals <-chan os.Signal,
) error {
	carrying, cancel := context.WithCancel(ctx)
	defer cancel()
	interrupted := make(chan error, 1)
	var listening sync.WaitGroup
	listening.Go(func() {
		select {
		case s := <-signals:
			interrupted <- c.interrupted(ctx, runs, run.ID, by, s, cancel, signals)
		case <-carrying.Done():
		}
	})
	report := newReporter(run, users, c.asJSON)
	err := insistOn(carrying, func() error { return runs.Carry(carrying, run.ID, carrier, report.batch) })
	report.end()
	cancel()
	listening.Wait()
	select {
	case why := <-interrupted:
		return failure{why, exitInterrupted}
	default:
	}
	if err != nil && fault.CodeOf(err) != fault.RunConflict {
		return failure{fmt.Errorf("%w\nThe running instances go on. Next: authd users runs %s", err, run.ID), differs}
	}
	after, readErr := runs.Read(ctx, run.ID)
	if readErr != nil {
		return failure{readErr, differs}
	}
	return ended(after)
}

// interrupted pauses the run, unless only the terminal was lost. A second signal ends the program at once.
func (c carriedRun) interrupted(
	ctx context.Context, runs *bulk.Service, id uuid.UUID, by operator.Operator, s os.Signal, stop func(), more <-chan os.Signal,
) error {
	defer stop()
	if s == syscall.SIGHUP {
		return fmt.Errorf("interrupted by %s: the running instances go on. Next: authd users runs %s", s, id)
	}
	next := fmt.Sprintf("Next: authd users %s, or authd users resume %s", c.command, id)
	fmt.Fprintf(os.Stderr, "\n%s: the run pauses after its batches. A second signal ends the program at once.\n", s)
	go func() {
		s := <-more
		fmt.Fprintf(os.Stderr, "ended by %s. %s\n", s, next)
		os.Exit(exitInterrupted)
	}()
	pausing, done := context.WithTimeout(ctx, pauseTime)
	defer done()
	if _, err := runs.Pause(pausing, id, by, bulk.ReasonInterrupted); err != nil && !errors.Is(err, bulk.ErrWrongState) {
		return fmt.Errorf("interrupted by %s, and the run could not be paused: the running instances go on: %w\nNext: authd users pause %s", s, err, id)
	}
	return fmt.Errorf("interrupted by %s. %s", s, next)
}

const outageTries = 30

// insistOn bridges an outage of the database, such as a failover.
func insistOn(ctx context.Context, carry func() error) (err error) {
	for range outageTries {
		if err = carry(); fault.CodeOf(err) != fault.DependencyUnavailable || sleep.Context(ctx, time.Second) != nil {
			break
		}
	}
	return err
}

func ended(run bulk.Run) error {
	fmt.Fprintf(os.Stderr, "run %s: %s, %d %s, %d skipped, %d failed\n", run.ID, run.State, run.Moved, movedWord(run), run.Skipped, run.Failed)
	switch {
	case run.State == bulk.Done && run.Failed == 0:
		fmt.Fprintln(os.Stderr, "Next: authd users verify")
		return nil
	case run.State == bulk.Done:
		return failure{fmt.Errorf("%s. Next: authd users retry %s", codesOf(run), run.ID), differs}
	case run.State == bulk.Paused:
		return failure{fmt.Errorf("the run has paused: %s. Next: authd users runs %s, then authd users resume %s", run.Reason, run.ID, run.ID), differs}
	}
	return failure{fmt.Errorf("the run is %s. Next: authd users runs %s --follow", run.State, run.ID), differs}
}

func codesOf(run bulk.Run) string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(run.Codes)) {
		parts = append(parts, fmt.Sprintf("%s: %d", code, run.Codes[code]))
	}
	return strings.Join(parts, ", ")
}

// reporter prints a bar on standard error if that is a terminal, else a JSON line a batch.
type reporter struct {
	run    bulk.Run
	users  int64
	bar    bool
	began  time.Time
	moved  int64
	failed int64
}

func newReporter(run bulk.Run, users int64, asJSON bool) *reporter {
	return &reporter{run: run, users: users, bar: !asJSON && isTerminal(os.Stderr), began: time.Now()}
}

// end leaves the bar's line.
func (r *reporter) end() {
	if r.bar {
		fmt.Fprintln(os.Stderr)
	}
}

func (r *reporter) batch(b bulk.BatchDone) {
	r.moved += int64(b.Moved)
	for _, n := range b.Failed {
		r.failed += int64(n)
	}
	rate := float64(r.moved+r.failed) / time.Since(r.began).Seconds()
	left := time.Duration(float64(max(0, r.users-r.moved-r.failed)) / max(rate, 0.1) * float64(time.Second)).Round(time.Second)
	if r.bar {
		const width = 30
		full := int(min(width, width*(r.moved+r.failed)/max(1, r.users)))
		fmt.Fprintf(os.Stderr, "\r[%s%s] %d moved, %d failed, %.0f/s, %s left   ", strings.Repeat("#", full), strings.Repeat(".", width-full), r.moved, r.failed, rate, left)
		return
	}
	line := map[string]any{
		"run": r.run.ID, "users": b.Users, "moved": b.Moved, "skipped": b.Skipped, "pending": b.Pending, "failed": b.Failed,
		"seconds": b.Took.Seconds(), "rate": rate, "seconds_left": left.Seconds(), "total_moved": r.moved, "total_failed": r.failed,
	}
	if b.Pace > 0 {
		line["slowed_to"] = b.Pace
	}
	if b.Trouble != nil {
		line["trouble"] = fault.CodeOf(b.Trouble)
	}
	_ = json.NewEncoder(os.Stdout).Encode(line)
}
