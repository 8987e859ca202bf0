package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"
)

// The commands about many users, in the order of a move.
func TestManyUsersCommands_PreflightMoveVerify(t *testing.T) {
	_, host := platform(t)
	t.Setenv("LEGACY_EMAIL_VERIFIED", "trust")
	people, err := pgx.Connect(t.Context(), os.Getenv("DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = people.Close(t.Context()) })
	hash, err := bcrypt.GenerateFromPassword([]byte("TestPassword123"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	execute := func(sql string, args ...any) {
		t.Helper()
		if _, err := people.Exec(t.Context(), sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	execute(`INSERT INTO auth.users (username, email, password_hash)
		SELECT 'user ' || n, 'user' || n || '@example.com', CASE n WHEN 4 THEN 'md5' ELSE $1 END FROM generate_series(1, 4) AS n`, string(hash))
	execute("UPDATE auth.rollout SET traffic_buckets = 10000")
	var id string
	if err := people.QueryRow(t.Context(), "SELECT id FROM auth.users WHERE username = 'user 1'").Scan(&id); err != nil {
		t.Fatal(err)
	}
	expect := func(code int, says string, run func() error) string {
		t.Helper()
		t.Setenv("FIREBASE_AUTH_EMULATOR_HOST", host) // internal/firebase removes it
		said, err := printed(t, run)
		if codeOf(err) != code || !strings.Contains(said+"\n"+errorText(err), says) {
			t.Fatalf("ended with %d (%v), expected %d and %q:\n%s", codeOf(err), err, code, says, said)
		}
		return said
	}
	expectNothing := func(code int, run func() error) {
		t.Helper()
		if said := expect(code, "", run); said != "" {
			t.Errorf("it printed:\n%s", said)
		}
	}
	in := t.TempDir()
	key, report, proof, ids := filepath.Join(in, "key"), filepath.Join(in, "report"), filepath.Join(in, "proof"), filepath.Join(in, "ids")
	if err := os.WriteFile(ids, []byte(id+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	execute("UPDATE auth.rollout SET traffic_buckets = 9900")
	expect(2, "3 can move", usersPreflightCommand{Rate: 1000}.Run)
	execute("UPDATE auth.rollout SET traffic_buckets = 10000")
	expect(1, "such as", usersPreflightCommand{Rate: 1000}.Run)
	expect(1, "{", usersPreflightCommand{Rate: 1000, JSON: true}.Run)
	expectNothing(0, usersMoveCommand{selection: selection{IDs: ids}, Parallel: 1, MaxErrors: 10, DryRun: true}.Run)
	expect(0, `"moved":1`, usersMoveCommand{selection: selection{IDs: ids}, Parallel: 1, MaxErrors: 10, Yes: true}.Run)
	expect(1, `"failed":{"invalid_hash":1}`, usersMoveCommand{Parallel: 1, MaxErrors: 10, Yes: true, JSON: true}.Run)
	var moved int
	if err := people.QueryRow(t.Context(), "SELECT count(*) FROM auth.users WHERE firebase_uid = id::text").Scan(&moved); err != nil || moved != 3 {
		t.Errorf("%d users moved (%v), expected 3", moved, err)
	}
	expect(0, "", usersReturnCommand{MaxErrors: 10, DryRun: true}.Run)
	expect(0, `"home": 3`, usersReturnCommand{MaxErrors: 10, DryRun: true, JSON: true}.Run)
	expect(couldNotSay, "give --yes", usersReturnCommand{MaxErrors: 10}.Run)
	expect(couldNotSay, "numbers from 1 on", usersReturnCommand{}.Run)
	expect(couldNotSay, "is not the id of a run", usersReturnCommand{OfRun: "x", MaxErrors: 10}.Run)
	listed := expect(0, "done", usersRunsCommand{}.Run)
	run := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).FindString(listed)
	expect(0, run, usersRunsCommand{ID: run}.Run)
	expect(0, run, usersRunsCommand{ID: run, JSON: true, Follow: true}.Run)
	expect(2, "the state of this run", usersPauseCommand{runArgument{ID: run}}.Run)
	expect(2, "the state of this run", usersResumeCommand{runArgument{ID: run}}.Run)
	expect(2, "the state of this run", usersStopCommand{runArgument{ID: run}}.Run)
	expect(0, "is running", usersRetryCommand{runArgument{ID: run}}.Run)
	expect(2, "is not the id of a run", usersRunsCommand{ID: "no id"}.Run)

	expect(0, "keep it", usersVerifyCommand{NewKey: key}.Run)
	expect(0, "checks the report", usersVerifyCommand{Report: report, SignWith: key}.Run)
	expect(0, "what they were", usersVerifyCommand{Check: report, Key: key + ".pub"}.Run)
	shown := expect(0, id, usersVerifyCommand{Prove: id}.Run)
	if err := os.WriteFile(proof, []byte(shown), 0o600); err != nil {
		t.Fatal(err)
	}
	against := usersVerifyCommand{CheckProof: proof, Check: report, Key: key + ".pub"}
	expect(0, "is in the tree", against.Run)
	if err := os.WriteFile(proof, []byte(strings.Replace(shown, "user 1", "user 2", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(differs, "not in the tree", against.Run)
	execute("UPDATE auth.users SET email = 'other@example.com' WHERE username = 'user 1'")
	var summary struct {
		Differences map[string]int `json:"differences"`
	}
	if err := json.Unmarshal([]byte(expect(differs, "", usersVerifyCommand{JSON: true}.Run)), &summary); err != nil || summary.Differences["email"] != 1 {
		t.Errorf("the summary is %+v, %v", summary, err)
	}
	for _, refused := range []struct {
		says    string
		command usersVerifyCommand
	}{
		{"name its file by --report", usersVerifyCommand{SignWith: key}},
		{"name its file by --key", usersVerifyCommand{Check: report}},
		{"is not an id", usersVerifyCommand{Prove: "no id"}},
		{"file exists", usersVerifyCommand{NewKey: key}},
		{"name a new file by --report", usersVerifyCommand{Report: report}},
		{os.DevNull, usersVerifyCommand{Report: key + ".new", SignWith: os.DevNull}},
		{"name the report of its tree", usersVerifyCommand{CheckProof: proof}},
	} {
		expect(couldNotSay, refused.says, refused.command.Run)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
