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
  authd users promote --email jane@example.com    make somebody an admin
  authd keys create --name chat --scope events    make a key for a service
  authd doctor                                    examine all that the service stands on
  authd config                                    check the configuration and show it`

// commands are the program's; a flag of the environment stands in internal/config instead.
type commands struct {
	Serve   serveCommand    `cmd:"" help:"Run the service until SIGINT or SIGTERM."`
	Schema  schemaCommands  `cmd:"" help:"Migrate the database, or say whether it is what this program was built for."`
	Backup  backupCommands  `cmd:"" help:"Back the database up, prove that a backup can be restored, and restore it."`
	Rollout rolloutCommands `cmd:"" help:"Show and change what share of the users is moved to Firebase, and of the traffic comes here."`
	Users   usersCommands   `cmd:"" help:"Show somebody, and say who may operate the platform."`
	Keys    keysCommands    `cmd:"" help:"Make, list and revoke the API keys of services."`
	Doctor  doctorCommand   `cmd:"" help:"Examine the Firebase project, the keys, the clocks, PostgreSQL and Redis: what is well, and what to do where it is not."`
	Config  configCommand   `cmd:"" help:"Check the configuration and show it, secrets masked. Exit code 1 when it is not valid."`
	Version versionCommand  `cmd:"" help:"Show which build this is."`
}

func main() {
	logging.Disable() // of the Redis client: the service's own lines, which are JSON, tell of Redis
	program := kong.Parse(&commands{}, kong.Name("authd"), kong.Description(description), kong.UsageOnError(), kong.Exit(exit))
	program.FatalIfErrorf(program.Run())
}

// kongUsageError is kong's own exit code for arguments that it does not understand.
const kongUsageError = 80

// exit ends the program with one of the documented codes: arguments that are wrong are 2, as everything that could not be said.
func exit(code int) {
	if code == kongUsageError {
		code = couldNotSay
	}
	os.Exit(code)
}

// gcPercent is how much garbage may gather, in percent of what lives, unless GOGC says otherwise: most of what lives is a cache, which
// is looked through in each collection, and half a time more garbage makes them rarer by a third.
const gcPercent = 150

type serveCommand struct{}

// Run serves until a signal; a second signal ends at once.
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
	defer func() { _ = lines.Flush() }() // nobody is left to tell
	logger := telemetry.NewLogger(lines, c.LogLevel, secrets)
	slog.SetDefault(logger) // libraries that log by themselves get the same redaction
	return app.Run(ctx, c, app.Options{Logger: logger, Version: version()})
}

type configCommand struct{}

// Run shows the configuration as it was understood.
func (configCommand) Run() error {
	c, err := config.Load(environment())
	if err != nil {
		return err
	}
	_, err = fmt.Print(c.Describe())
	return err
}

type versionCommand struct{}

// Run shows the version.
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

// revision is what the build names the binary (-ldflags "-X main.revision=..."): an image is built where git is not.
var revision string

// version is what the build named the binary, else the revision that Go has found it was built from, or "devel".
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
