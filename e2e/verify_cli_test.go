package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/compare"
	"auth-v2-service/internal/proof"
	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

func usersVerify(t *testing.T, s *servicetest.Stack, other map[string]string, flags ...string) (code int, said, warned string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), programs.Authd(t), append([]string{"users", "verify"}, flags...)...)
	command.Env = []string{}
	for _, settings := range []map[string]string{s.Environment(), other} {
		for name, value := range settings {
			command.Env = append(command.Env, name+"="+value)
		}
	}
	return endOf(t, command)
}

func TestUsersVerifyCommand_ReportsSignsAndProves_M8(t *testing.T) {
	t.Parallel()
	s := servicetest.NewStack(t)
	id, account := atFirebaseRow(t, s)
	in := func(name string) string { return filepath.Join(t.TempDir(), name) }
	key, before, after, shown := in("auth.key"), in("before.ndjson"), in("after.ndjson"), in("proof.json")
	expect := func(want int, says string, flags ...string) string {
		t.Helper()
		code, said, warned := usersVerify(t, s, nil, flags...)
		if code != want || !strings.Contains(said+warned, says) {
			t.Fatalf("verify %v ended with %d, expected %d and %q:\n%s%s", flags, code, want, says, said, warned)
		}
		return said
	}
	expect(0, "keep it", "--new-key", key)
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
	expect(2, "exists", "--new-key", key)
	expect(0, "root", "--report", before, "--sign-with", key)
	expect(2, "exists", "--report", before, "--sign-with", key)
	expect(0, "are what they were", "--check", before, "--key", key+".pub")
	var summary compare.Summary
	if err := json.Unmarshal([]byte(expect(0, "", "--json")), &summary); err != nil || summary.Rows != 1 || !summary.Equal() {
		t.Errorf("the summary is %+v, %v", summary, err)
	}

	if err := os.WriteFile(shown, []byte(expect(0, id.String(), "--prove", id.String())), 0o600); err != nil {
		t.Fatal(err)
	}
	against := []string{"--check-proof", shown, "--check", before, "--key", key + ".pub"}
	expect(0, summary.Hash.String(), against...)
	text, err := os.ReadFile(shown)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(shown, bytes.Replace(text, []byte(",true,"), []byte(",false,"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(1, "not in the tree", against...)
	forged, err := json.Marshal(forgedProof(t, id))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(shown, forged, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(1, "another tree", against...)
	expect(1, "no user", "--prove", uuid.NewString())

	execute(t, s, "UPDATE auth.users SET token_balance = token_balance + 1 WHERE id = $1", id)
	expect(1, "not what they were", "--check", before, "--key", key+".pub")
	s.Identity.SetEmail(account.UID, servicetest.Email(), true)
	expect(1, "differ: email", "--report", after, "--sign-with", key)
	text, err = os.ReadFile(after)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"kind":"email","id":"` + id.String() + `"`; !strings.HasPrefix(string(text), want) || strings.Contains(string(text), "@") {
		t.Errorf("the report is\n%s", text)
	}
	if err := os.WriteFile(after, bytes.Replace(text, []byte(`"email"`), []byte(`"balance"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(1, "lines were changed", "--check", after, "--key", key+".pub")
}

// forgedProof is of a tree that has the wanted row alone.
func forgedProof(t *testing.T, id uuid.UUID) compare.Proof {
	t.Helper()
	p := compare.Proof{Record: json.RawMessage(`["` + id.String() + `","rich","user",true,1000000,"",1000000]`)}
	tree := &proof.Tree{}
	if err := tree.Add(p.Record); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.Hash, err = tree.Root(); err != nil {
		t.Fatal(err)
	}
	p.Rows, p.Inclusion.Size = 1, 1
	if err := p.Check(); err != nil {
		t.Fatalf("the forged proof does not even hold in its own tree: %v", err)
	}
	return p
}

func TestUsersVerifyCommand_SaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for what, c := range map[string]struct {
		env   map[string]string
		flags []string
		says  string
	}{
		"no provider":              {map[string]string{"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:1"}, nil, "not complete"},
		"no database":              {map[string]string{"DATABASE_URL": "postgres://one@127.0.0.1:1/none"}, nil, "database"},
		"a wrong setting":          {map[string]string{"DB_POOL_MAX": "many"}, nil, "DB_POOL_MAX"},
		"a signature on nothing":   {nil, []string{"--sign-with", "key"}, "--report"},
		"a key that is none":       {nil, []string{"--report", filepath.Join(t.TempDir(), "r"), "--sign-with", "/dev/null"}, "no key"},
		"a check without a key":    {nil, []string{"--check", "/dev/null"}, "--key"},
		"no id":                    {nil, []string{"--prove", "jane"}, "not an id"},
		"a proof without a root":   {nil, []string{"--check-proof", "/dev/null"}, "--check"},
		"a proof that is none":     {nil, []string{"--check-proof", "/dev/null", "--check", "/dev/null", "--key", "/dev/null"}, "no proof"},
		"another project":          {map[string]string{"FIREBASE_PROJECT_ID": "another-project"}, nil, "another-project"},
		"two things at once":       {nil, []string{"--check-proof", "a", "--prove", "b"}, "can't be used together"},
		"a report that is nowhere": {nil, []string{"--report", "/nowhere/report"}, "no such file"},
	} {
		if code, said, warned := usersVerify(t, s.Stack, c.env, c.flags...); code != 2 || !strings.Contains(warned, c.says) {
			t.Errorf("%s: ended with %d, expected 2 and %q:\n%s%s", what, code, c.says, said, warned)
		}
	}
}
