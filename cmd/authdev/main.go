// Command authdev is the development stack of authd. Deployments never use it, except `authdev identity` in docker-compose.yml.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"

	"auth-v2-service/internal/devstack"
	"auth-v2-service/internal/devstack/identity"
)

const description = `The development stack: PostgreSQL, Redis, an identity provider and authd, private to this folder.

Examples:
  authdev up                          everything, on :3008 or the next free port, until Ctrl-C
  authdev up --identity=emulator      the same with Firebase's official emulator (unsigned tokens)
  authdev status                      where the running stack is
  authdev test -- go test ./...       a command with TEST_DATABASE_URL and TEST_REDIS_URL set
  authdev clean                       remove .dev with all its data`

type cli struct {
	Dir string `help:"Folder of the stack's data." default:".dev" type:"path"`

	Up       upCmd       `cmd:"" help:"Bring the whole stack up, and stay in the foreground with authd's log until Ctrl-C."`
	Seed     seedCmd     `cmd:"" help:"Put the seeded people back where the running stack lacks them."`
	Status   statusCmd   `cmd:"" help:"Say where the running stack is; exit 1 when none is running."`
	Test     testCmd     `cmd:"" help:"Run a command with a scratch PostgreSQL and a Redis; exit as it does."`
	Scratch  scratchCmd  `cmd:"" help:"Make a migrated database on a server and print its URL."`
	Identity identityCmd `cmd:"" help:"Run the development identity provider alone."`
	Probe    probeCmd    `cmd:"" help:"Exit 0 when a URL answers 200: a health check for images without a shell."`
	Clean    cleanCmd    `cmd:"" help:"Remove the stack's data. Refused while it is running."`
}

type upCmd struct {
	Port        int    `help:"Where authd serves; the next free port where this one is in use." default:"3008" env:"PORT"`
	MetricsPort int    `help:"Where authd's metrics are; the next free port where this one is in use." default:"9464" env:"METRICS_PORT"`
	Identity    string `help:"Identity provider: ours (embedded) or Firebase's (emulator)." enum:"embedded,emulator" default:"embedded" env:"IDENTITY"`
	Authd       string `help:"The service's program. Default: authd beside this program." type:"path"`
}

func (c *upCmd) Run(ctx context.Context, root *cli) error {
	if c.Authd == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find authd: %w", err)
		}
		c.Authd = filepath.Join(filepath.Dir(self), "authd")
	}
	return devstack.Up(ctx, devstack.Options{
		Folder: devstack.Folder(root.Dir), Authd: c.Authd, Port: c.Port, MetricsPort: c.MetricsPort, Identity: c.Identity,
		Out: os.Stdout,
	})
}

type seedCmd struct {
	DatabaseURL string `help:"Another stack's database (with --identity-url)." env:"DATABASE_URL"`
	IdentityURL string `help:"Another stack's identity provider (with --database-url)." env:"IDENTITY_URL"`
	Project     string `help:"Firebase project." default:"demo-auth" env:"FIREBASE_PROJECT_ID"`
}

// Run seeds this folder's stack, or the given one.
func (c *seedCmd) Run(ctx context.Context, root *cli) error {
	env := devstack.Env{
		{Name: "DATABASE_URL", Value: c.DatabaseURL},
		{Name: "IDENTITY_URL", Value: c.IdentityURL},
		{Name: "FIREBASE_PROJECT_ID", Value: c.Project},
	}
	if c.DatabaseURL == "" || c.IdentityURL == "" {
		var err error
		if env, err = devstack.Folder(root.Dir).Running(); err != nil {
			return err
		}
	}
	if err := devstack.Seed(ctx, env); err != nil {
		return err
	}
	fmt.Printf("%d people are there\n", len(devstack.People))
	return nil
}

type statusCmd struct{}

func (*statusCmd) Run(root *cli) error {
	env, err := devstack.Folder(root.Dir).Running()
	if err != nil {
		return err
	}
	fmt.Println(devstack.Places(env))
	return nil
}

type testCmd struct {
	Command []string `arg:"" passthrough:"" help:"The command and its arguments, after --."`
}

func (c *testCmd) Run(ctx context.Context) error {
	command := c.Command
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	if len(command) == 0 {
		return errors.New("name a command after --")
	}
	err := devstack.RunWithServers(ctx, command)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return commandFailed(exit.ExitCode())
	}
	return err
}

// commandFailed is a tested command's exit code.
type commandFailed int

func (c commandFailed) Error() string { return fmt.Sprintf("the command ended with %d", int(c)) }

type identityCmd struct {
	Listen   string `help:"Address to listen on." default:"127.0.0.1:9099"`
	Project  string `help:"Firebase project." default:"demo-auth" env:"FIREBASE_PROJECT_ID"`
	Snapshot string `help:"File that keeps accounts between runs. Default: nothing is kept." env:"IDENTITY_SNAPSHOT"`
}

func (c *identityCmd) Run(ctx context.Context) error {
	provider, err := identity.New(identity.Options{ProjectID: c.Project, SnapshotPath: c.Snapshot})
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Printf("Identity provider of project %s ready on %s\n", c.Project, listener.Addr())
	return provider.Serve(ctx, listener)
}

type probeCmd struct {
	URL string `arg:"" help:"What to ask."`
}

func (c *probeCmd) Run(ctx context.Context) error { return devstack.Probe(ctx, c.URL) }

type cleanCmd struct{}

func (*cleanCmd) Run(root *cli) error { return devstack.Folder(root.Dir).Clean() }

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// The second signal ends us at once.
	context.AfterFunc(ctx, stop)
	var root cli
	command := kong.Parse(&root, kong.Name("authdev"), kong.Description(description), kong.UsageOnError(), kong.Exit(exit),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(&root))
	return exitCode(command.Run())
}

// kong exits with 80 for bad arguments.
func exit(code int) {
	if code == 80 {
		code = 2
	}
	os.Exit(code)
}

func exitCode(err error) int {
	var failed commandFailed
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failed):
		return int(failed)
	default:
		fmt.Fprintln(os.Stderr, "authdev:", err)
		return 1
	}
}
