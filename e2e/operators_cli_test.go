package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

func runAuthd(t *testing.T, authd, databaseURL string, arguments ...string) (code int, output, warnings string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), authd, arguments...)
	command.Env = append(os.Environ(), "DATABASE_URL="+databaseURL, "DATABASE_DIRECT_URL=", "DB_PASSWORD=", "AUTH_DB_PASSWORD=")
	return endOf(t, command)
}

func endOf(t *testing.T, command *exec.Cmd) (code int, output, warnings string) {
	t.Helper()
	var out, warned bytes.Buffer
	command.Stdout, command.Stderr = &out, &warned
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("authd %v: %v", command.Args[1:], err)
	}
	return code, out.String(), warned.String()
}

type step struct {
	arguments   string
	code        int
	says, warns string
}

func (s step) run(t *testing.T, authd, databaseURL string) {
	t.Helper()
	code, said, warned := runAuthd(t, authd, databaseURL, strings.Fields(s.arguments)...)
	if code != s.code || !strings.Contains(said, s.says) || !strings.Contains(warned, s.warns) || s.warns == "" && warned != "" {
		t.Errorf("authd %s ended with %d, expected %d, %q and %q:\n%s\n%s", s.arguments, code, s.code, s.says, s.warns, said, warned)
	}
}

func thisUser(t *testing.T) string {
	t.Helper()
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return "cli:" + who.Username
}

func TestKeysCommand_ALife(t *testing.T) {
	t.Parallel()
	authd, s := programs.Authd(t), servicetest.Start(t)
	code, whole, told := runAuthd(t, authd, s.DirectURL, "keys", "create", "--name", "the rollout's script", "--scope", "admin")
	parts := regexp.MustCompile(`^av2_([a-z2-7]{16})_([A-Za-z0-9_-]{43})\n$`).FindStringSubmatch(whole)
	if code != 0 || parts == nil {
		t.Fatalf("keys create ended with %d and printed %q, expected the key alone\n%s", code, whole, told)
	}
	whole, id, secret := strings.TrimSpace(whole), parts[1], parts[2]
	if !strings.Contains(told, id) || strings.Contains(told, secret) {
		t.Errorf("T6: on standard error is %q, expected the id and no secret", told)
	}
	ask(t, s, "GET", "/v1/admin/rollout", "", keyHeader, whole).expect(t, "the key", 200, "")
	_, listed, _ := runAuthd(t, authd, s.DirectURL, "keys", "list")
	for _, word := range []string{id, "the rollout's script", "admin", thisUser(t)} {
		if !strings.Contains(listed, word) || strings.Contains(listed, secret) {
			t.Errorf("the list does not say %s, or says too much:\n%s", word, listed)
		}
	}
	step{"keys revoke " + id, 0, "Key " + id + " of scope admin for \"the rollout's script\" is revoked", ""}.run(t, authd, s.DirectURL)
	ask(t, s, "GET", "/v1/admin/rollout", "", keyHeader, whole).expect(t, "T5: the key after it was revoked", 401, "token_invalid")
	step{"keys revoke " + id, 0, "was revoked at", ""}.run(t, authd, s.DirectURL)
	step{"keys list", 0, "by " + thisUser(t), ""}.run(t, authd, s.DirectURL)
	if n := count(t, s.Stack, "auth.audit_events WHERE action IN ('api_key.created', 'api_key.revoked') AND actor = $1 AND details ->> 'key' = $2", thisUser(t), id); n != 2 {
		t.Errorf("O4: %d events of a key made and revoked, expected two", n)
	}
	code, said, _ := runAuthd(t, authd, s.DirectURL, "keys", "list", "--json")
	var keys []map[string]any
	if err := json.Unmarshal([]byte(said), &keys); err != nil || code != 0 || len(keys) != 1 {
		t.Fatalf("keys list --json ended with %d (%v):\n%s", code, err, said)
	}
	for _, at := range []string{"createdAt", "lastUsedAt", "revokedAt"} {
		if text, _ := keys[0][at].(string); !strings.HasSuffix(text, "Z") {
			t.Errorf("%s is %v, expected an instant in UTC", at, keys[0][at])
		}
		delete(keys[0], at)
	}
	want := map[string]any{"id": id, "name": "the rollout's script", "scope": "admin", "createdBy": thisUser(t), "revokedBy": thisUser(t)}
	if !reflect.DeepEqual(keys[0], want) {
		t.Errorf("the key is %v, expected %v", keys[0], want)
	}
}

func TestKeysCommand_Refuses(t *testing.T) {
	t.Parallel()
	authd, at := programs.Authd(t), pgtest.New(t)
	wire, through := netfault.URL(t, at)
	wire.Cut()
	for _, c := range []struct {
		at string
		step
	}{
		{at, step{"keys create --name x --scope root", 2, "", "--scope must be one of"}},
		{at, step{"keys create --scope admin", 2, "", "missing flags: --name"}},
		{at, step{"keys create --name x", 2, "", "missing flags: --scope"}},
		{at, step{"users show", 2, "", "name the user by one of --email, --id and --uid"}},
		{at, step{"users show --id jane", 2, "", "\"jane\" is not an id"}},
		{at, step{"users show --email a@example.com --uid b", 2, "", "can't be used together"}},
		{at, step{"users promote --nosuch", 2, "", "unknown flag --nosuch"}},
		{at, step{"nosuch", 2, "", "unexpected argument nosuch"}},
		{at, step{"backup restore nosuch.dump", 2, "", "there is no file"}},
		{at, step{"keys create --scope admin --name " + strings.Repeat("x", 101), 1, "", "1 to 100 characters"}},
		{at, step{"keys revoke aaaaaaaaaaaaaaaa", 1, "", "authd keys list shows them"}},
		{at, step{"keys revoke jane", 1, "", "there is no API key with this id"}},
		{at, step{"keys list", 0, "ID", ""}},
		{at, step{"keys list --json", 0, "[]", ""}},
		{pgtest.Empty(t), step{"keys create --name x --scope admin", 1, "", "authd schema migrate"}},
		{pgtest.Empty(t), step{"keys list", 1, "", "authd schema migrate"}},
		{pgtest.Empty(t), step{"keys revoke aaaaaaaaaaaaaaaa", 1, "", "authd schema migrate"}},
		{through, step{"keys create --name x --scope admin", 2, "", "could not be asked"}},
		{"", step{"keys list", 2, "", "DATABASE_URL (or DB_PASSWORD) is not set"}},
		{stranger(t, pgtest.New(t)), step{"keys create --name x --scope admin", 2, "", "permission denied"}},
	} {
		c.run(t, authd, c.at)
	}
}

// The person operates within 10 s without a new sign-in, and loses it as fast.
func TestUsersCommand_TheFirstAdmin_T5(t *testing.T) {
	t.Parallel()
	authd, s := programs.Authd(t), servicetest.Start(t)
	person := s.Person(t)
	id := person.User.ID.String()
	rollout := func() reply {
		return ask(t, s, "GET", "/v1/admin/rollout", "", "Authorization", "Bearer "+person.IDToken)
	}
	rollout().expect(t, "before", 403, "forbidden")
	step{"users promote --email " + strings.ToUpper(*person.Email), 0, id + ": user -> admin. Every instance knows it within 10 seconds.", "proven the address " + *person.Email}.run(t, authd, s.DirectURL)
	waitFor(t, principal.MaxFactsAge+time.Second, "T5: the promotion", func() bool { return rollout().status == 200 })
	step{"users promote --id " + id, 0, id + " is of type admin already: nothing was changed", "demote --id " + id}.run(t, authd, s.DirectURL)
	step{"users demote --uid " + person.UID, 0, id + ": admin -> user.", ""}.run(t, authd, s.DirectURL)
	waitFor(t, principal.MaxFactsAge+time.Second, "T5: the demotion", func() bool { return rollout().status == 403 })
	step{"users demote --id " + id, 0, "is of type user already", ""}.run(t, authd, s.DirectURL)
	for action, details := range map[string]string{
		"user.promoted": `{"user_type": {"old": "user", "new": "admin"}}`, "user.demoted": `{"user_type": {"old": "admin", "new": "user"}}`,
	} {
		if n := count(t, s.Stack, "auth.audit_events WHERE action = $1 AND actor = $2 AND user_id = $3 AND details = $4", action, thisUser(t), id, details); n != 1 {
			t.Errorf("O4: %d events %s, expected one", n, action)
		}
	}
}

func TestUsersCommand_WarnsOfAdmins(t *testing.T) {
	t.Parallel()
	authd, stack := programs.Authd(t), servicetest.NewStack(t)
	at := stack.DirectURL
	proven := map[string]any{
		"firebase_uid": newUID(), "auth_provider": "firebase", "password_hash": nil, "provider_data": `{"provider": "google.com", "email_verified": true}`,
	}
	local, google, gone, untyped := servicetest.Email(), servicetest.Email(), servicetest.Email(), servicetest.Email()
	legacyRow(t, stack, local, nil)
	legacyRow(t, stack, google, proven)
	legacyRow(t, stack, gone, map[string]any{"is_active": false})
	legacyRow(t, stack, untyped, map[string]any{"user_type": nil})
	for _, s := range []step{
		{"users promote --email " + google, 0, "user -> admin", ""},
		{"users promote --email " + local, 0, "user -> admin", "not linked to Firebase"},
		{"users promote --email " + local, 0, "already", "proven the address " + local},
		{"users promote --email " + gone, 0, "user -> admin", "is deactivated"},
		{"users promote --email " + untyped, 0, "user -> admin", "proven"},
	} {
		s.run(t, authd, at)
	}
}

func TestUsersCommand_Show(t *testing.T) {
	t.Parallel()
	authd, stack := programs.Authd(t), servicetest.NewStack(t)
	uid, email := newUID(), servicetest.Email()
	id := legacyRow(t, stack, email, map[string]any{"firebase_uid": uid, "auth_provider": "hybrid", "password_hash": "a-hash-that-nobody-sees", "username": "Jane Doe"})
	odd := "Odd Address"
	legacyRow(t, stack, odd, nil)
	for _, arguments := range [][]string{{"--email", " " + strings.ToUpper(email)}, {"--id", id.String()}, {"--uid", uid}} {
		code, said, _ := runAuthd(t, authd, stack.DirectURL, append([]string{"users", "show"}, arguments...)...)
		for _, line := range []string{"id             " + id.String(), "firebase uid   " + uid, "e-mail         " + email, "username       Jane Doe", "user type      user", "active         yes", "signs in at    hybrid"} {
			if !strings.Contains(said, line+"\n") || code != 0 {
				t.Errorf("users show %v ended with %d and does not say %q:\n%s", arguments, code, line, said)
			}
		}
		if strings.Contains(said, "nobody-sees") {
			t.Errorf("users show %v shows the password's hash", arguments)
		}
	}
	if code, said, _ := runAuthd(t, authd, stack.DirectURL, "users", "show", "--email", odd); code != 0 || !strings.Contains(said, odd) {
		t.Errorf("an address that no form would take: %d\n%s", code, said)
	}
	code, said, _ := runAuthd(t, authd, stack.DirectURL, "users", "show", "--id", id.String(), "--json")
	var got map[string]any
	if err := json.Unmarshal([]byte(said), &got); err != nil || code != 0 || got["id"] != id.String() || got["email"] != email || got["user_type"] != "user" || got["is_active"] != true {
		t.Errorf("users show --json ended with %d (%v):\n%s", code, err, said)
	}
	wire, through := netfault.URL(t, stack.DirectURL)
	wire.Cut()
	for _, c := range []struct {
		at string
		step
	}{
		{stack.DirectURL, step{"users show --email nobody@example.com", 1, "", "there is no such user"}},
		{stack.DirectURL, step{"users show --id " + uuid.NewString(), 1, "", "there is no such user"}},
		{stack.DirectURL, step{"users promote --uid nobody", 1, "", "there is no such user"}},
		{stack.DirectURL, step{"users demote --email nobody@example.com", 1, "", "there is no such user"}},
		{stack.DirectURL, step{"users show --id jane", 2, "", `"jane" is not an id`}},
		{stack.DirectURL, step{"users show", 2, "", "name the user by one of"}},
		{stack.DirectURL, step{"users show --id " + id.String() + " --uid x", 2, "", "can't be used together"}},
		{pgtest.Empty(t), step{"users show --uid x", 1, "", "authd schema migrate"}},
		{through, step{"users promote --uid x", 2, "", "could not be asked"}},
	} {
		c.run(t, authd, c.at)
	}
}

func TestDocs_KeysAndAdmins(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## API keys and admins\n")
	section, _, _ = strings.Cut(section, "\n## ")
	page := filepath.Join(t.TempDir(), "section.md")
	if err := os.WriteFile(page, []byte(section), 0o600); err != nil || !found {
		t.Fatalf("the section is not there: %v", err)
	}
	stack := servicetest.NewStack(t)
	legacyRow(t, stack, "jane@example.com")
	expectSaid(t, runPage(t, page, stack.DirectURL), "user -> admin", "av2_", "rollout-script", "LAST USED")
}
