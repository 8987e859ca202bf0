package e2e

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/programs"
)

// Scripts rely on the codes: 0 fine, 1 differs, pending or refused, 2 unable.
func TestSchemaCommand_ExitCodes(t *testing.T) {
	t.Parallel()
	authd := programs.Authd(t)
	empty, migrated, legacy := pgtest.Empty(t), pgtest.New(t), pgtest.Empty(t)
	drifted, forbidden := pgtest.New(t), stranger(t, pgtest.New(t))
	change(t, drifted, "DROP INDEX auth.idx_users_is_active")
	const nowhere = "postgres://nobody@127.0.0.1:1/nothing"
	for _, test := range []struct {
		at, arguments string
		want          int
		says          string
	}{
		{migrated, "status", 0, "exactly what the migrations produce"},
		{empty, "status", 1, "run `authd schema migrate`"},
		{nowhere, "status", 2, "is DATABASE_OWNER_URL (or DATABASE_DIRECT_URL, or DATABASE_URL) right"},
		{"", "status", 2, "DATABASE_URL (or DB_PASSWORD) is not set"},
		{migrated, "validate", 0, "in_step"},
		{empty, "validate", 1, "missing table auth.users"},
		{nowhere, "validate --json", 2, "could not be asked"},
		{migrated, "migrate --dry-run", 0, "nothing is pending"},
		{migrated, "migrate --require-backup-younger-than 24h --backup-dir /nowhere", 1, "authd backup create --dir /nowhere"},
		{legacy, "adopt --require-backup-younger-than 24h --backup-dir /nowhere", 1, "there is no backup to go back to"},
		{empty, "migrate --dry-run", 1, "would apply 000_legacy_users.sql"},
		{nowhere, "migrate", 2, "could not be asked"},
		{migrated, "rollback --to 777", 2, "there is no migration 777"},
		{empty, "rollback", 1, "nothing to roll back"},
		{empty, "migrate --to 9", 2, "there is no migration 9"},
		{drifted, "status", 1, "the schema differs"},
		{drifted, "validate", 1, "missing index auth.idx_users_is_active"},
		{forbidden, "validate", 2, "permission denied"},
		{empty, "adopt --dry-run", 1, "authd schema migrate"},
		{legacy, "migrate --to 000", 0, "migrations are pending"},
		{legacy, "migrate", 0, "exactly"},
	} {
		command := exec.CommandContext(t.Context(), authd, append([]string{"schema"}, strings.Fields(test.arguments)...)...)
		command.Env = append(os.Environ(), "DATABASE_URL="+test.at, "DATABASE_DIRECT_URL=", "DATABASE_OWNER_URL=", "DB_PASSWORD=", "AUTH_DB_PASSWORD=")
		output, err := command.CombinedOutput()
		code := 0
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		}
		if code != test.want || !strings.Contains(string(output), test.says) {
			t.Errorf("authd schema %s ended with %d, expected %d and %q:\n%s", test.arguments, code, test.want, test.says, output)
		}
	}
}

func TestSchemaCommand_NewNumbersOn(t *testing.T) {
	t.Parallel()
	authd, folder := programs.Authd(t), t.TempDir()
	run := func(arguments ...string) (string, error) {
		output, err := exec.CommandContext(t.Context(), authd, append([]string{"schema", "new", "--dir", folder}, arguments...)...).CombinedOutput()
		return string(output), err
	}
	for _, want := range []string{"000_first.sql", "001_second.sql"} {
		name, _, _ := strings.Cut(want[4:], ".")
		if said, err := run(name); err != nil || !strings.Contains(said, want) {
			t.Errorf("new %s said %q (%v), expected %s", name, said, err, want)
		}
	}
	for _, name := range []string{"Add Locale", "../escape", "", "a;b"} {
		if said, err := run(name); err == nil {
			t.Errorf("new %q was taken: %s", name, said)
		}
	}
}

func change(t *testing.T, databaseURL, statement string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// stranger returns the URL of a role that may only connect.
func stranger(t *testing.T, databaseURL string) string {
	t.Helper()
	location, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	role := "stranger_" + strings.Trim(location.Path, "/")[:20]
	change(t, databaseURL, "CREATE ROLE "+role+" LOGIN PASSWORD 'strange'")
	t.Cleanup(func() { change(t, databaseURL, "DROP ROLE "+role) })
	location.User = url.UserPassword(role, "strange")
	return location.String()
}
