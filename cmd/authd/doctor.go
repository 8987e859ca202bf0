package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/doctor"
)

const doctorHelp = `Examine what the service stands on, and change nothing: the Firebase project's settings, the service account and the API key, the
clocks, PostgreSQL with the people in it, and Redis.

It asks with the configuration that "authd serve" would have, so run it where the service runs. Green is well, yellow is worth
knowing, red wants doing; what cannot be asked says why. The table of people is read from end to end. Exit codes: 0 nothing is red, 1
something is, 2 the configuration is not valid.

Examples:
  authd doctor                                          the report for people
  authd doctor --json | jq '.findings[] | select(.level == "red")'
  set -a; . .dev/run.env; set +a; bin/authd doctor      the development stack of "make run"`

type doctorCommand struct {
	JSON bool `help:"Print the report as JSON."`
}

func (doctorCommand) Help() string { return doctorHelp }

func (c doctorCommand) Run() error {
	settings, err := config.Load(environment())
	if err != nil {
		return failure{err, couldNotSay}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	report := doctor.Examine(ctx, settings)
	if err := c.print(report); err != nil {
		return failure{err, couldNotSay}
	}
	if n := report.Count(doctor.Red); n > 0 {
		return failure{fmt.Errorf("%d of %d findings are red", n, len(report.Findings)), differs}
	}
	return nil
}

func (c doctorCommand) print(report doctor.Report) error {
	if c.JSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(report)
	}
	area := ""
	for _, f := range report.Findings {
		if f.Area != area {
			area = f.Area
			fmt.Printf("\n%s\n", area)
		}
		fmt.Printf("  %-10s%s: %s\n", f.Level, f.Check, f.Found)
		if f.Advice != "" {
			fmt.Printf("  %-10s-> %s\n", "", f.Advice)
		}
	}
	fmt.Printf("\n%d green, %d yellow, %d red, %d not checked\n",
		report.Count(doctor.Green), report.Count(doctor.Yellow), report.Count(doctor.Red), report.Count(doctor.Unchecked))
	return nil
}
