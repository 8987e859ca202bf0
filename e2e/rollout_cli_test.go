package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"os/user"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/programs"
)

const (
	firstListed  = "0b6f3c3e-8a52-4b9e-9a41-6f1f2d8a7c11"
	secondListed = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
)

// decision is LEGACY_EMAIL_VERIFIED.
func rolloutCommand(t *testing.T, authd, databaseURL, decision, arguments string) (code int, output, warnings string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), authd, append([]string{"rollout"}, strings.Fields(arguments)...)...)
	command.Env = append(os.Environ(), "DATABASE_URL="+databaseURL, "DATABASE_DIRECT_URL=", "DATABASE_OWNER_URL=", "DB_PASSWORD=", "AUTH_DB_PASSWORD=", "LEGACY_EMAIL_VERIFIED="+decision)
	return endOf(t, command)
}

func changesOf(t *testing.T, databaseURL string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	const sql = "SELECT count(*) FROM auth.audit_events WHERE action = 'rollout.changed' AND actor LIKE 'cli:_%' AND user_id IS NULL"
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRolloutCommand_TheWayUpAndDown(t *testing.T) {
	t.Parallel()
	authd, at := programs.Authd(t), pgtest.New(t)
	for _, step := range []struct {
		decision, arguments string
		want                int
		says, warns         string
	}{
		{"", "show", 0, "users               0 %\ntraffic             0 %\nnew users           firebase\nallow               none\ndeny                none\nbelow full traffic  no\nrevision            0, ", ""},
		{"", "set", 2, "", "nothing to set was given"},
		{"", "set --users 12.5", 1, "", "set LEGACY_EMAIL_VERIFIED to unverified, trust or column:<name>"},
		{"", "set --allow " + firstListed, 1, "", "LEGACY_EMAIL_VERIFIED"},
		{"trust", "set --users 12.5", 0, "users               0 % -> 12.5 %\nrevision            0 -> 1, by cli:", "Nobody is moved while traffic is at 0 %: set --traffic 100, or insist"},
		{"", "show", 0, "users               12.5 %", "Nobody is moved while traffic is at 0 %"},
		{"", "set --below-full-traffic", 0, "below full traffic  no -> yes\n", ""},
		{"", "set --no-below-full-traffic --traffic 100", 0, "traffic             0 % -> 100 %\nbelow full traffic  yes -> no\n", ""},
		{"", "set --users 12.5 --traffic 100", 0, "It stands like that already, at revision 3", ""},
		{"trust", "set --allow " + firstListed + "," + secondListed + " --deny " + secondListed, 0, "allow               none -> " + firstListed + "," + secondListed, ""},
		{"", "set --new-users local --deny none", 0, "new users           firebase -> local\ndeny                " + secondListed + " -> none\n", ""},
		{"trust", "set --users 12.345 --new-users mars", 1, "", "newUsers must be firebase or local"},
		{"trust", "set --users 101", 1, "", "usersPercent must be 0 to 100"},
		{"trust", "set --users NaN", 1, "", "usersPercent must be 0 to 100"},
		{"trust", "set --traffic=-1", 1, "", "trafficPercent must be 0 to 100"},
		{"trust", "set --allow jane", 2, "", `--allow: "jane" is not an id`},
		{"trust", "set --deny " + firstListed + "," + firstListed, 1, "", "deny holds " + firstListed + " twice"},
		{"", "set --users 0 --allow none --traffic 0", 0, "users               12.5 % -> 0 %\n", ""},
	} {
		code, said, warned := rolloutCommand(t, authd, at, step.decision, step.arguments)
		if code != step.want || !strings.Contains(said, step.says) || !strings.Contains(warned, step.warns) || step.warns == "" && warned != "" {
			t.Errorf("authd rollout %s ended with %d, expected %d, %q and %q:\n%s\n%s", step.arguments, code, step.want, step.says, step.warns, said, warned)
		}
	}
	if n := changesOf(t, at); n != 6 {
		t.Errorf("O4: 6 changes left %d events of a person's", n)
	}
}

func TestRolloutCommand_ForPrograms(t *testing.T) {
	t.Parallel()
	authd, at := programs.Authd(t), pgtest.New(t)
	if code, _, warned := rolloutCommand(t, authd, at, "unverified", "set --users 0.07 --traffic 100 --allow "+firstListed); code != 0 {
		t.Fatalf("set ended with %d: %s", code, warned)
	}
	code, said, _ := rolloutCommand(t, authd, at, "", "show --json")
	var got map[string]any
	if err := json.Unmarshal([]byte(said), &got); err != nil || code != 0 {
		t.Fatalf("show --json ended with %d (%v):\n%s", code, err, said)
	}
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if at, _ := got["updatedAt"].(string); !strings.HasSuffix(at, "Z") {
		t.Errorf("updatedAt is %q, expected an instant in UTC", at)
	}
	delete(got, "updatedAt")
	want := map[string]any{
		"users": 0.07, "traffic": 100.0, "newUsers": "firebase", "allow": []any{firstListed}, "deny": []any{}, "belowFullTraffic": false,
		"revision": 1.0, "updatedBy": "cli:" + who.Username,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the rollout is %v, expected %v", got, want)
	}
}

func TestRolloutCommand_CouldNotSay(t *testing.T) {
	t.Parallel()
	authd, at := programs.Authd(t), pgtest.New(t)
	wire, through := netfault.URL(t, at)
	wire.Cut()
	for _, test := range []struct{ at, arguments, warns string }{
		{through, "show", "could not be asked"},
		{through, "set --traffic 5", "could not be asked"},
		{"", "show", "DATABASE_URL (or DB_PASSWORD) is not set"},
		{stranger(t, pgtest.New(t)), "set --traffic 5", "permission denied"},
	} {
		if code, _, warned := rolloutCommand(t, authd, test.at, "", test.arguments); code != 2 || !strings.Contains(warned, test.warns) {
			t.Errorf("authd rollout %s ended with %d, expected 2 and %q:\n%s", test.arguments, code, test.warns, warned)
		}
	}
	if code, _, warned := rolloutCommand(t, authd, pgtest.Empty(t), "", "show"); code != 1 || !strings.Contains(warned, "authd schema migrate") {
		t.Errorf("on an empty database show ended with %d:\n%s", code, warned)
	}
	wire.Restore()
	if code, said, _ := rolloutCommand(t, authd, through, "", "show"); code != 0 || !strings.Contains(said, "revision            0,") {
		t.Errorf("the database is back: %d\n%s", code, said)
	}
}

func TestRolloutCommand_AtOnce(t *testing.T) {
	t.Parallel()
	authd, at := programs.Authd(t), pgtest.New(t)
	changes := []string{"--users 5", "--traffic 100", "--new-users local", "--deny " + firstListed}
	var all sync.WaitGroup
	for _, change := range changes {
		all.Go(func() {
			if code, _, warned := rolloutCommand(t, authd, at, "trust", "set "+change); code != 0 {
				t.Errorf("set %s ended with %d: %s", change, code, warned)
			}
		})
	}
	all.Wait()
	_, said, _ := rolloutCommand(t, authd, at, "", "show")
	for _, line := range []string{"users               5 %", "traffic             100 %", "new users           local", "deny                " + firstListed, "revision            4,"} {
		if !strings.Contains(said, line) {
			t.Errorf("R5: of changes at once %q was lost:\n%s", line, said)
		}
	}
	if n := changesOf(t, at); n != len(changes) {
		t.Errorf("O4: %d changes left %d events", len(changes), n)
	}
}
