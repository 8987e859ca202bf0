package schema_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/schema"
)

// unbalanced finds violations of W3.
const unbalanced = `
	SELECT coalesce(u.id, e.user_id)::text || ' has ' || coalesce(u.token_balance, 0) || ' and entries of ' || coalesce(e.total, 0)
	FROM auth.users AS u
	FULL JOIN (SELECT user_id, sum(amount) AS total FROM auth.ledger_entries GROUP BY user_id) AS e ON e.user_id = u.id
	WHERE coalesce(u.token_balance, 0) <> coalesce(e.total, 0)
	UNION ALL
	SELECT user_id::text || ' does not add up at entry ' || id
	FROM (SELECT id, user_id, balance_after, sum(amount) OVER (PARTITION BY user_id ORDER BY id) AS total FROM auth.ledger_entries) AS entries
	WHERE balance_after <> total`

func (d database) expectBalanced(after string) {
	d.t.Helper()
	if wrong := d.lines(unbalanced); wrong != "" {
		d.t.Errorf("W3: after %s:\n%.2000s", after, wrong)
	}
}

func (d database) entries(email string) string {
	d.t.Helper()
	return d.lines(`SELECT format('%s %s %s', amount, balance_after, kind) FROM auth.ledger_entries
		WHERE user_id = (SELECT id FROM auth.users WHERE email = $1) ORDER BY id`, email)
}

func TestLedger_EntersWhatOthersChange_W3(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	for _, statement := range []string{
		"INSERT INTO auth.users (email, password_hash, token_balance) VALUES ('a@example.com', 'x', 7), ('b@example.com', 'x', NULL), ('c@example.com', 'x', 0)",
		"INSERT INTO auth.users (email, password_hash) VALUES ('d@example.com', 'x')",
		"UPDATE auth.users SET token_balance = coalesce(token_balance, 0) + 5",
		"UPDATE auth.users SET token_balance = NULL WHERE email = 'b@example.com'",
		"UPDATE auth.users SET token_balance = 0, last_login = now() WHERE email = 'b@example.com'",
		"UPDATE auth.users SET token_balance = -3 WHERE email = 'c@example.com'",
		"UPDATE auth.users SET token_balance = 2147483647 WHERE email = 'c@example.com'",
		"UPDATE auth.users SET token_balance = -2147483648 WHERE email = 'c@example.com'",
		"UPDATE auth.users SET token_balance = 2147483647 WHERE email = 'c@example.com'",
		`INSERT INTO auth.users (email, password_hash, token_balance) VALUES ('a@example.com', 'x', 1)
			ON CONFLICT (email) DO UPDATE SET token_balance = auth.users.token_balance + excluded.token_balance`,
		"UPDATE auth.users SET id = gen_random_uuid() WHERE email = 'd@example.com'",
		"WITH paid AS (UPDATE auth.users SET token_balance = token_balance - 1 WHERE email = 'a@example.com' RETURNING id) SELECT count(*) FROM paid",
		"UPDATE auth.users SET username = 'someone' WHERE email = 'a@example.com'",
	} {
		d.exec(statement)
		d.expectBalanced(statement)
	}
	if got, want := d.entries("a@example.com"), "7 7 external\n5 12 external\n1 13 external\n-1 12 external"; got != want {
		t.Errorf("W3: entered are\n%s\nexpected\n%s", got, want)
	}
	if got, want := d.entries("b@example.com"), "5 5 external\n-5 0 external"; got != want {
		t.Errorf("W3: entered are\n%s\nexpected\n%s", got, want)
	}
	rows := [][]any{{"e@example.com", "x", 3}, {"f@example.com", "x", nil}}
	if _, err := d.CopyFrom(t.Context(), pgx.Identifier{"auth", "users"}, []string{"email", "password_hash", "token_balance"}, pgx.CopyFromRows(rows)); err != nil {
		t.Fatal(err)
	}
	d.expectBalanced("COPY")
	a := d.lines("SELECT id::text FROM auth.users WHERE email = 'a@example.com'")
	d.exec("DELETE FROM auth.users")
	d.expectBalanced("deletion")
	if got := d.lines("SELECT format('%s %s', amount, kind) FROM auth.ledger_entries WHERE user_id = $1::text::uuid ORDER BY id DESC LIMIT 1", a); got != "-12 closing" {
		t.Errorf("W3: the last entry of a deleted row is %q, expected -12 closing", got)
	}
	d.exec("INSERT INTO auth.users (id, email, password_hash, token_balance) VALUES ($1::text::uuid, 'a@example.com', 'x', 9)", a)
	d.expectBalanced("a deleted row's return")
}

func TestLedger_EntersWhatIsThereAndNoMore_W3(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.exec("INSERT INTO auth.users (email, password_hash, token_balance) VALUES ('a@example.com', 'x', 7)")
	tx, err := d.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "UPDATE auth.users SET token_balance = 1000"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.expectBalanced("a change that was rolled back")
	d.exec("ALTER TABLE auth.users DISABLE TRIGGER USER")
	d.exec("UPDATE auth.users SET token_balance = 9")
	d.exec("ALTER TABLE auth.users ENABLE TRIGGER USER")
	d.exec("UPDATE auth.users SET token_balance = token_balance + 1")
	d.expectBalanced("the change after one that nobody saw")
	if got, want := d.entries("a@example.com"), "7 7 external\n2 9 external\n1 10 external"; got != want {
		t.Errorf("W3: entered are\n%s\nexpected\n%s", got, want)
	}
}

func TestLedger_OtherRolesNeedNoRight_W3(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	role := "ledger_" + strings.ReplaceAll(d.lines("SELECT gen_random_uuid()::text"), "-", "")
	d.exec("CREATE ROLE " + role)
	d.exec("GRANT " + role + " TO CURRENT_USER")
	t.Cleanup(func() {
		_, _ = d.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY "+role+"; DROP ROLE "+role)
	})
	d.exec("GRANT USAGE ON SCHEMA auth TO " + role)
	d.exec("GRANT SELECT, INSERT, UPDATE, DELETE ON auth.users TO " + role)
	as := func(statement string) error {
		return pgx.BeginFunc(t.Context(), d, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SET LOCAL ROLE "+role); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), statement)
			return err
		})
	}
	for _, statement := range []string{
		"INSERT INTO auth.users (email, password_hash, token_balance) VALUES ('a@example.com', 'x', 7)",
		"UPDATE auth.users SET token_balance = 8", "DELETE FROM auth.users",
	} {
		if err := as(statement); err != nil {
			t.Errorf("W3: %s: %v", statement, err)
		}
		d.expectBalanced(statement)
	}
	for _, statement := range []string{
		"INSERT INTO auth.ledger_entries (user_id, amount, balance_after, kind, caller) VALUES (gen_random_uuid(), 1, 1, 'external', 'x')",
		"CREATE TEMP TABLE mine (id uuid, token_balance int); CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION auth.enter_balance()",
	} {
		if err := as(statement); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("W3: %s: %v, expected it denied", statement, err)
		}
	}
	if n := d.lines("SELECT count(*)::text FROM auth.ledger_entries WHERE caller = 'database:' || session_user"); n != "3" {
		t.Errorf("W3: %s entries name their database role, expected 3", n)
	}
}

func TestLedger_IsAppendOnly_W3(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.exec("INSERT INTO auth.users (email, password_hash, token_balance) VALUES ('a@example.com', 'x', 7)")
	for _, statement := range []string{"UPDATE auth.ledger_entries SET amount = 1", "DELETE FROM auth.ledger_entries", "TRUNCATE auth.ledger_entries"} {
		if _, err := d.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("W3: %s: %v, expected it refused", statement, err)
		}
	}
	d.expectBalanced("attempts to change it")
}

func TestLedger_OpensWithWhatStands_W3(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("021")
	d.legacyPeople(3_000)
	d.exec("UPDATE auth.users SET token_balance = -5 WHERE username = 'person 2'")
	d.exec("UPDATE auth.users SET id = '00000000-0000-0000-0000-000000000000' WHERE username = 'person 3'")
	d.migrate()
	d.expectBalanced("adoption")
	if got := d.lines("SELECT string_agg(DISTINCT kind, ',') || ' ' || count(*) FROM auth.ledger_entries"); got != "opening 2400" {
		t.Errorf("W3: entered are %s, expected an opening entry for each of the 2400 who have something", got)
	}
	d.exec("UPDATE auth.users SET token_balance = token_balance + 1")
	d.expectBalanced("the first change after adoption")
}

func (d database) balanceTraffic(people int) (end func()) {
	d.t.Helper()
	ctx, stop := context.WithCancel(d.t.Context())
	var all sync.WaitGroup
	for n := range 3 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				some := fmt.Sprintf("person %d", rand.IntN(people)+1)
				_, err := d.Exec(context.WithoutCancel(ctx), []string{
					"UPDATE auth.users SET token_balance = coalesce(token_balance, 0) + 1 WHERE username = $1",
					"UPDATE auth.users SET token_balance = NULL WHERE username = $1",
					"DELETE FROM auth.users WHERE username = $1 AND random() < 0.1",
					"INSERT INTO auth.users (username, email, password_hash, token_balance) VALUES ($1 || 'x' || random(), gen_random_uuid()::text, 'x', 3)",
				}[(i+n)%4], some)
				if err != nil {
					d.t.Errorf("a writer failed: %v", err)
					return
				}
			}
		})
	}
	return func() {
		stop()
		all.Wait()
	}
}

func TestLedger_OpensBesideWritersAndCutShort_W3(t *testing.T) {
	t.Parallel()
	const people = 20_000
	d := empty(t)
	d.upTo("021")
	d.legacyPeople(people)
	end := d.balanceTraffic(people)
	cuts := 0
	for limit := 100 * time.Millisecond; ; limit += 50 * time.Millisecond {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		err := schema.Migrate(ctx, d.options())
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("D4: after %d cuts: %v", cuts, err)
		}
		cuts++
	}
	end()
	t.Logf("it was cut short %d times", cuts)
	d.expectBalanced("opening beside writers")
	if twice := d.lines("SELECT user_id::text FROM auth.ledger_entries WHERE kind = 'opening' GROUP BY user_id HAVING count(*) > 1"); twice != "" {
		t.Errorf("W3: opened twice: %.500s", twice)
	}
}

func TestLedger_ComesBackAfterADown_D5(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.bothWorlds(3_000)
	d.exec("UPDATE auth.users SET token_balance = token_balance + 1 WHERE token_balance % 2 = 0")
	before := d.lines("SELECT to_jsonb(e)::text FROM auth.ledger_entries AS e ORDER BY id")
	if err := d.downTo("021"); err != nil {
		t.Fatal(err)
	}
	if kept, want := d.lines("SELECT count(*)::text FROM auth.federation_archive WHERE relation = 'auth.ledger_entries'"), strings.Count(before, "\n")+1; kept != fmt.Sprint(want) {
		t.Errorf("D5: the archive keeps %s entries, expected %d", kept, want)
	}
	d.exec("UPDATE auth.users SET token_balance = token_balance + 10 WHERE username = 'person 7'")
	d.exec("INSERT INTO auth.users (email, password_hash, token_balance) VALUES ('new@example.com', 'x', 4)")
	d.migrate()
	d.expectBalanced("a way down and up")
	after := d.lines("SELECT to_jsonb(e)::text FROM auth.ledger_entries AS e ORDER BY id")
	if !strings.HasPrefix(after, before) {
		t.Error("D5: the old entries are not what they were")
	}
	if got := d.lines("SELECT format('%s %s', amount, kind) FROM auth.ledger_entries ORDER BY id DESC LIMIT 2"); got != "10 external\n4 opening" && got != "4 opening\n10 external" {
		t.Errorf("D5: new entries are %q, expected 10 external and 4 opening", got)
	}
	if left := d.lines("SELECT count(*)::text FROM auth.federation_archive"); left != "0" {
		t.Errorf("D5: %s rows are left in the archive", left)
	}
}
