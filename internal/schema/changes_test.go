package schema_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	queries "auth-v2-service/gen/db"
)

type listener struct {
	*pgx.Conn
	t *testing.T
	d database
}

func (d database) listener() listener {
	d.t.Helper()
	conn, err := pgx.Connect(d.t.Context(), d.url)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if err := queries.New().ListenForUserChanges(d.t.Context(), conn); err != nil {
		d.t.Fatal(err)
	}
	return listener{conn, d.t, d}
}

// told sends an end mark: notifications keep their order.
func (l listener) told(work func()) (messages []string) {
	l.t.Helper()
	work()
	end := uuid.NewString()
	l.d.exec("SELECT pg_notify('auth_users_changed', $1)", end)
	for {
		n, err := l.WaitForNotification(l.t.Context())
		if err != nil {
			l.t.Fatal(err)
		}
		if n.Payload == end {
			return messages
		}
		messages = append(messages, n.Payload)
	}
}

func TestUserChanges_AreToldByTheTable_T5(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	l := d.listener()
	id := d.lines("INSERT INTO auth.users (email, username, password_hash) VALUES ('jane@example.com', 'jane', 'x') RETURNING id::text")
	session := uuid.NewString()
	d.exec(`INSERT INTO auth.legacy_sessions (id, user_id, began_at, seed, rotated_at, expires_at) VALUES ($1, $2, now(), '\x00', now(), now())`, session, id)
	decides := map[string]string{
		"is_active": "false", "federation_status": "'disabled'", "tokens_valid_after": "now()", "legacy_tokens_valid_after": "now()",
		"user_type": "'admin'", "firebase_uid": "'a-firebase-uid-of-somebody'",
	}
	for _, column := range slices.Sorted(maps.Keys(decides)) {
		change := "UPDATE auth.users SET " + column + " = " + decides[column] + " WHERE id = $1"
		if got := l.told(func() { d.exec(change, id) }); !slices.Equal(got, []string{id}) {
			t.Errorf("T5: a change of %s told %v, expected the row's id", column, got)
		}
		same := "UPDATE auth.users SET " + column + " = " + column + " WHERE id = $1"
		if got := l.told(func() { d.exec(same, id) }); len(got) > 0 {
			t.Errorf("%s was set to what it was, and told %v", column, got)
		}
	}
	for _, change := range []string{
		"last_login = now()", "token_balance = 7", "updated_at = now()", "provider_data = '{}'", "password_hash = 'y'",
		"username = 'joe'", "email = 'joe@example.com'", "auth_provider = 'hybrid'",
	} {
		if got := l.told(func() { d.exec("UPDATE auth.users SET "+change+" WHERE id = $1", id) }); len(got) > 0 {
			t.Errorf("%s told %v: it keeps nobody out", change, got)
		}
	}
	end := "UPDATE auth.legacy_sessions SET ended_at = now() WHERE id = $1"
	if got := l.told(func() { d.exec(end, session) }); !slices.Equal(got, []string{id}) {
		t.Errorf("T5: the end of a session told %v, expected the person's id", got)
	}
	if got := l.told(func() { d.exec("UPDATE auth.legacy_sessions SET generation = 5 WHERE id = $1", session) }); len(got) > 0 {
		t.Errorf("a refresh told %v", got)
	}
	if got := l.told(func() { d.exec("DELETE FROM auth.users WHERE id = $1", id) }); !slices.Equal(got, []string{id}) {
		t.Errorf("T5: a deletion told %v, expected the row's id", got)
	}
	if got := l.told(func() { d.exec("TRUNCATE auth.users CASCADE") }); !slices.Equal(got, []string{"everybody"}) {
		t.Errorf("T5: a truncation told %v, expected everybody", got)
	}
}

// T5: a transaction over 1,000 rows sends one message for everybody.
func TestUserChanges_OfManyRowsFillNoQueue_D4(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.legacyPeople(2_500)
	l := d.listener()
	deactivate := func(tx pgx.Tx, from, to int) {
		t.Helper()
		_, err := tx.Exec(t.Context(), `UPDATE auth.users SET is_active = NOT coalesce(is_active, true)
			WHERE substring(username FROM 8)::int BETWEEN $1 AND $2`, from, to)
		if err != nil {
			t.Fatal(err)
		}
	}
	undone := errors.New("undone")
	inTx := func(work func(tx pgx.Tx) error) func() {
		return func() {
			t.Helper()
			if err := pgx.BeginFunc(t.Context(), d, work); err != nil && !errors.Is(err, undone) {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		what      string
		work      func(tx pgx.Tx) error
		ids       int
		everybody bool
	}{
		{"1,000 rows", func(tx pgx.Tx) error { deactivate(tx, 1, 1_000); return nil }, 1_000, false},
		{"one more", func(tx pgx.Tx) error { deactivate(tx, 1, 1_001); return nil }, 1_000, true},
		{"2,500 rows by three statements", func(tx pgx.Tx) error {
			deactivate(tx, 1, 900)
			deactivate(tx, 901, 1_800)
			deactivate(tx, 1_801, 2_500)
			return nil
		}, 1_000, true},
		{"nothing that lasts", func(tx pgx.Tx) error { deactivate(tx, 1, 2_500); return undone }, 0, false},
		{"20 rows after 2,000 that were undone", func(tx pgx.Tx) error {
			err := pgx.BeginFunc(t.Context(), tx, func(inner pgx.Tx) error { deactivate(inner, 1, 2_000); return undone })
			deactivate(tx, 1, 20)
			return map[bool]error{true: nil, false: err}[errors.Is(err, undone)]
		}, 20, false},
		{"one row, later on the same connection", func(tx pgx.Tx) error { deactivate(tx, 7, 7); return nil }, 1, false},
	} {
		got := l.told(inTx(c.work))
		everybody := len(got) > 0 && got[len(got)-1] == "everybody"
		ids := len(slices.DeleteFunc(got, func(m string) bool { return strings.HasPrefix(m, "every") }))
		if ids != c.ids || everybody != c.everybody {
			t.Errorf("%s: told of %d rows, of everybody: %t; expected %d, %t", c.what, ids, everybody, c.ids, c.everybody)
		}
	}
}

func TestUserChanges_NoWriterKeepsThemBack_T5(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	id := d.lines("INSERT INTO auth.users (email, password_hash) VALUES ('jane@example.com', 'x') RETURNING id::text")
	l := d.listener()
	role, login := d.writer("SELECT, UPDATE")
	d.exec("CREATE SCHEMA own AUTHORIZATION " + role)
	for _, test := range []struct{ setting, want string }{
		{"SET authd.changes_told = '5000'", "everybody"},
		{"SET authd.changes_told = '1001'", "everybody"},
		{"SET authd.changes_told = '999999999999'", id},
		{"SET authd.changes_told = '-1'", id},
		{"SET authd.changes_told = 'x'", id},
		{"CREATE FUNCTION own.pg_notify(text, text) RETURNS void LANGUAGE sql AS ''; SET search_path = own, pg_catalog", id},
	} {
		got := l.told(func() {
			say(t, login, test.setting, "UPDATE auth.users SET is_active = NOT coalesce(is_active, true)")
		})
		if !slices.Equal(got, []string{test.want}) {
			t.Errorf("T5: after %s told %v, expected %s", test.setting, got, test.want)
		}
	}
}
