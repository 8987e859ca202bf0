package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

type checkCmd struct {
	Options
	Ratios string `default:"bench/ratios.json" type:"path" help:"The committed ratios."`
}

// Run omits the plan's design.
func (c *checkCmd) Run(ctx context.Context) error {
	c.Node = false
	return check(ctx, c.Options, c.Ratios, os.Stdout, run)
}

// check measures lost paths twice: a busy minute is no regression.
func check(
	ctx context.Context, o Options, file string, out io.Writer, measure func(context.Context, Options, io.Writer) ([]group, error),
) error {
	committed, err := readRatios(file)
	if err != nil {
		return err
	}
	if o.Pin {
		o.Pins = choosePins() // stepAside leaves none
	}
	var lost []loss
	for range 2 {
		table, err := measure(ctx, o, out)
		if err != nil {
			return err
		}
		if lost, err = regressions(committed, ratios(table)); err != nil {
			return fmt.Errorf("%w\nWhere rows have changed on purpose: tools/bench.sh --write-ratios %s", err, file)
		}
		if len(lost) == 0 {
			_, _ = fmt.Fprintf(out, "\nNo path lost more than %.0f %% against %s.\n", 100*tolerance, file)
			return nil
		}
		o.Only = pathsOf(lost)
		_, _ = fmt.Fprintf(out, "\n%s\n", list(lost))
	}
	return fmt.Errorf(`these paths lost more than %.0f %%, twice:
%s
Look at what has changed with the profile that docs/performance.md names. Where the loss is the price of something wanted, or the
machine is another one: tools/bench.sh --write-ratios %s, and say why in the commit`, 100*tolerance, list(lost), file)
}

func pathsOf(lost []loss) []string {
	all := each(lost, func(l loss) string { return l.now.Path })
	return slices.Compact(all) // sorted by path
}

func list(lost []loss) string { return strings.Join(each(lost, loss.String), "\n") }
