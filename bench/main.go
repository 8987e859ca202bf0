// Command bench measures the service beside a bare net/http handler. Only their ratio is meaningful; see docs/performance.md.
//
// It runs bin/authd on its own PostgreSQL (with fsync), Redis and identity provider. When the contract's paths or auth.users change, adapt
// paths.go, stack.go and bare.go.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	Run    runCmd    `cmd:"" default:"withargs" help:"Measure and print the table; exit 1 when a request failed."`
	Check  checkCmd  `cmd:"" help:"Measure, and exit 1 when a path lost more than a fifth against the committed ratios."`
	Spread spreadCmd `cmd:"" help:"Simulate instances behind a round robin: how often they know who asks, with and without the cache that they share in Redis."`
	Bare   bareCmd   `cmd:"" hidden:"" help:"Serve the bare handler."`
}

type runCmd struct {
	Options
	WriteRatios string `type:"path" placeholder:"FILE" help:"Write the ratios of the measured paths there: bench/ratios.json is what check keeps."`
}

func (c *runCmd) Run(ctx context.Context) error {
	table, err := run(ctx, c.Options, os.Stdout)
	if err != nil || c.WriteRatios == "" {
		return err
	}
	return writeRatios(c.WriteRatios, ratios(table))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var root cli
	command := kong.Parse(&root, kong.Name("bench"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := command.Run(); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop has run
	}
}
