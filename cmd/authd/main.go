// Command authd is the authentication federation service.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/redis/go-redis/v9/logging"

	"auth-v2-service/internal/app"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/httpapi"
	"auth-v2-service/internal/telemetry"
)

const description = `The authentication federation service: Firebase says who somebody is, PostgreSQL what they are to the business.

Everything is configured by the environment; "authd config" shows what it amounts to, secrets masked.

Examples:
  authd serve                                     run the service
  set -a; . .dev/run.env; PORT=3009 authd serve   run one more instance beside "make run"
  authd schema status                             which migrations the database has
  authd backup create                             back the database up, and prove that it can be restored
  authd rollout show                              what share of the users is moved to Firebase
  authd users promote --email jane@example.com    make a user an admin
  authd keys create --name chat --scope events    make a key for a service
  authd doctor                                    examine all that the service stands on
  authd config                                    check the configuration and show it`

type commands struct {
	Serve   serveCommand    `cmd:"" help:"Run the service until SIGINT or SIGTERM."`
	Schema  schemaCommands  `cmd:"" help:"Migrate the database, or say whether it is what this program was built for."`
	Backup  backupCommands  `cmd:"" help:"Back the database up, prove that a backup can be restored, and restore it."`
	Rollout rolloutCommands `cmd:"" help:"Show and change what share of the users is moved to Firebase, and of the traffic comes here."`
	Users   usersCommands   `cmd:"" help:"Show a user, and give or take the right to operate the platform."`
	Keys    keysCommands    `cmd:"" help:"Make, list and revoke the API keys of services."`
	Doctor  doctorCommand   `cmd:"" help:"Examine the Firebase project, the keys, the clocks, PostgreSQL and Redis: what is well, and what to do where it is not."`
	Config  configCommand   `cmd:"" help:"Check the configuration and show it, secrets masked. Exit code 1 when it is not valid."`
	Version versionCommand  `cmd:"" help:"Show which build this is."`
}

func main() {
	logging.Disable() // the Redis client's: the service logs Redis itself
	program := kong.Parse(&commands{}, kong.Name("authd"), kong.Description(description), kong.UsageOnError(), kong.Exit(exit))
	program.FatalIfErrorf(program.Run())
}

const kongUsageError = 80

// exit replaces kong's code for bad arguments by the documented 2.
func exit(code int) {
	if code == kongUsageError {
		code = couldNotSay
	}
	os.Exit(code)
}

// gcPercent is the default of GOGC. Most live memory is a cache, which each collection scans: 150 makes collections a third rarer.
const gcPercent = 150

type serveCommand struct{}

// Run ends at once after a second signal.
func (serveCommand) Run() error {
	c, err := config.Load(environment())
	if err != nil {
		return err
	}
	secrets, err := httpapi.SecretFields()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	lines := telemetry.NewBufferedWriter(os.Stderr)
	defer func() { _ = lines.Flush() }()
	logger := telemetry.NewLogger(lines, c.LogLevel, secrets)
	slog.SetDefault(logger) // libraries get the same redaction
	return app.Run(ctx, c, app.Options{Logger: logger, Version: version()})
}

type configCommand struct{}

func (configCommand) Run() error {
	c, err := config.Load(environment())
	if err != nil {
		return err
	}
	_, err = fmt.Print(c.Describe())
	return err
}

type versionCommand struct{}

func (versionCommand) Run() error {
	_, err := fmt.Println(version())
	return err
}

func environment() map[string]string {
	out := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		out[name] = value
	}
	return out
}

// revision is set by -ldflags "-X main.revision=...", because images are built without git.
var revision string

func version() string {
	if revision != "" {
		return revision
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return "devel"
}
