package main

import (
	"strings"
	"testing"
)

const users = `-- name: UserByID :one
-- Served by users_pkey.
SELECT
    id, firebase_uid, auth_provider, username, locale,
    email
FROM auth.users
WHERE id = $1;

INSERT INTO auth.users (
    id, firebase_uid, auth_provider, email, username
)
RETURNING
    id, firebase_uid, auth_provider, username, email;
`

func TestRewrite_TheListOfOneQueryIsThatOfAll(t *testing.T) {
	t.Parallel()
	columns, err := columnsOf(users)
	if err != nil || strings.Join(columns, " ") != "id firebase_uid auth_provider username locale email" {
		t.Fatalf("the columns are %q: %v", columns, err)
	}
	for name, c := range map[string]struct{ sql, want string }{
		"returned":           {"RETURNING\n    id, firebase_uid, auth_provider, username, email;\n", "RETURNING\n    id, firebase_uid, auth_provider, username, locale, email;\n"},
		"of an alias":        {"SELECT\n    u.id, u.firebase_uid,\n    u.auth_provider, u.username, u.email, o.email, x\n", "SELECT\n    u.id, u.firebase_uid, u.auth_provider, u.username, u.locale, u.email, o.email, x\n"},
		"with more":          {"    id, firebase_uid, auth_provider, username, email, seen\n", "    id, firebase_uid, auth_provider, username, locale, email, seen\n"},
		"two":                {"    id, firebase_uid, auth_provider, username\n;\n    id, firebase_uid, auth_provider, username, email\n", "    id, firebase_uid, auth_provider, username\n;\n    id, firebase_uid, auth_provider, username, locale, email\n"},
		"an INSERT's stays":  {"    id, firebase_uid, auth_provider, email, username\n", "    id, firebase_uid, auth_provider, email, username\n"},
		"of another meaning": {"SELECT id, email FROM x\n", "SELECT id, email FROM x\n"},
	} {
		if got := rewrite(c.sql, columns); got != c.want {
			t.Errorf("%s: %q became\n%q, expected\n%q", name, c.sql, got, c.want)
		}
	}
	if again := rewrite(users, columns); rewrite(again, columns) != again {
		t.Error("a second run changes the queries again")
	}
}

func TestRewrite_LinesAreShort(t *testing.T) {
	t.Parallel()
	columns := []string{"id", "firebase_uid", "auth_provider", "username"}
	for range 30 {
		columns = append(columns, "another_column")
	}
	text := rewrite("    users.id, users.firebase_uid, users.auth_provider, users.username, users.another_column\n", columns)
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > maxLine {
			t.Errorf("a line has %d characters: %s", len(line), line)
		}
	}
}

func TestColumns_AreRefusedWhereTheyCannotBeKnown(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{"", "-- name: UserByID :one\nSELECT email, id\nFROM auth.users\n"} {
		if columns, err := columnsOf(sql); err == nil {
			t.Errorf("%q gave %v", sql, columns)
		}
	}
}

func TestMethods_AreOfRowsWithEachColumn(t *testing.T) {
	t.Parallel()
	user := row{names: []string{"ID", "Email"}, types: map[string]string{"ID": "uuid.UUID", "Email": "string"}}
	code, err := methods(map[string]row{
		reference:  user,
		"WholeRow": {types: map[string]string{"ID": "uuid.UUID", "Email": "string", "More": "int32"}},
		"SameRow":  user,
		"HalfRow":  {types: map[string]string{"ID": "uuid.UUID"}},
		"OtherRow": {types: map[string]string{"ID": "uuid.UUID", "Email": "*string"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := string(code); strings.Count(text, "func (r") != 2 || !strings.Contains(text, "return UserByIDRow(r)") || !strings.Contains(text, "func (r WholeRow) User() UserByIDRow") ||
		!strings.Contains(text, "Email: r.Email,") {
		t.Errorf("the methods are\n%s", code)
	}
	if _, err := methods(nil); err == nil {
		t.Error("methods were made without UserByIDRow")
	}
}
