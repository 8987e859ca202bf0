package schema_test

import (
	"strings"
	"testing"
)

// D5: each migration's down undoes its up, and its up again ends where the first one did, with every person kept.
func TestMigrations_UpDownUp_D5(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo(1)
	d.legacyPeople(20)
	people, before := d.people(), d.shape()
	for n := 2; n <= len(names(t)); n++ {
		name := names(t)[n-1]
		d.upTo(n)
		after := d.shape()
		if after == before {
			t.Errorf("%s changes nothing", name)
		}
		if err := d.mate(n).Rollback(); err != nil {
			t.Fatalf("%s: down: %v", name, err)
		}
		expectSame(t, name+" down", before, d.shape())
		d.upTo(n)
		expectSame(t, name+" up again", after, d.shape())
		expectSame(t, "people after "+name, people, d.people())
		before = after
	}
}

// D5: all the way down from the end, and up again.
func TestMigrations_AllTheWayDownAndUp_D5(t *testing.T) {
	t.Parallel()
	d := empty(t)
	all := len(names(t))
	d.migrate()
	shape := d.shape()
	for n := all; n > 0; n-- {
		if err := d.mate(all).Rollback(); err != nil {
			t.Fatalf("%s: down: %v", names(t)[n-1], err)
		}
	}
	if left := d.shape(); strings.Contains(left, "auth.users") {
		t.Errorf("something is left after the last down:\n%s", left)
	}
	d.migrate()
	expectSame(t, "up again", shape, d.shape())
}

func expectSame(t *testing.T, what, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	expected := map[string]bool{}
	for line := range strings.SplitSeq(want, "\n") {
		expected[line] = true
	}
	for line := range strings.SplitSeq(got, "\n") {
		if !expected[line] {
			t.Errorf("%s: unexpected: %s", what, line)
		}
		delete(expected, line)
	}
	for line := range expected {
		t.Errorf("%s: missing: %s", what, line)
	}
}

// D5: a down that would lose somebody refuses and changes nothing.
func TestMigrations_DownRefusesToLosePeople_D5(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo(1)
	d.legacyPeople(1)
	shape := d.shape()
	if err := d.mate(1).Rollback(); err == nil || !strings.Contains(err.Error(), "would lose them") {
		t.Errorf("the table with people went down with: %v", err)
	}
	expectSame(t, "a refused down", shape, d.shape())

	d.upTo(4) // up to the optional password
	d.exec("INSERT INTO auth.users (email, auth_provider, firebase_uid) VALUES ('new@example.com', 'firebase', 'a-firebase-uid-of-28-letters')")
	shape = d.shape()
	if err := d.mate(4).Rollback(); err == nil {
		t.Error("the down of optional passwords went through, although somebody has none")
	}
	expectSame(t, "a refused down", shape, d.shape())
	if got := strings.Count(d.people(), "\n") + 1; got != 2 {
		t.Errorf("%d people are left, expected 2", got)
	}
}

// D3: a platform's own table is taken as it is: same rows, and the same shape as in a new database.
func TestMigrations_AdoptTheLegacyTable_D3(t *testing.T) {
	t.Parallel()
	fresh, adopted := empty(t), empty(t)
	fresh.migrate()
	adopted.exec(`CREATE SCHEMA auth; CREATE EXTENSION "uuid-ossp" WITH SCHEMA public;
		CREATE TABLE auth.users (
			id UUID PRIMARY KEY DEFAULT uuid_generate_v4(), username VARCHAR(100) UNIQUE, email VARCHAR(255) NOT NULL UNIQUE,
			password_hash VARCHAR(255) NOT NULL, user_type VARCHAR(20) DEFAULT 'user', is_active BOOLEAN DEFAULT true,
			token_balance INTEGER DEFAULT 0, last_login TIMESTAMP, created_at TIMESTAMP DEFAULT NOW(), updated_at TIMESTAMP DEFAULT NOW())`)
	adopted.legacyPeople(500)
	people := adopted.people()
	adopted.migrate()
	expectSame(t, "the adopted people", people, adopted.people())
	expectSame(t, "the adopted schema", fresh.shape(), adopted.shape())
	if left := adopted.lines("SELECT id::text FROM auth.users WHERE auth_provider <> 'local' OR federation_status <> 'active' OR firebase_uid IS NOT NULL"); left != "" {
		t.Errorf("D3: people who were never at Firebase: %s", left)
	}
}
