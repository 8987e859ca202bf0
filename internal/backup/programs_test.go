package backup_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"auth-v2-service/internal/backup"
	"auth-v2-service/internal/testkit/pgtest"
)

func TestPrograms_SaysWhatToInstall(t *testing.T) {
	t.Parallel()
	_, err := backup.ChoosePrograms(t.Context(), environ(), []string{t.TempDir()}, 15)
	cannotSay(t, err, "not installed", "apt-get install postgresql-client", "brew install libpq")
	_, err = backup.FindPrograms(t.Context(), environ(), 99)
	cannotSay(t, err, "older than PostgreSQL 99", "apt-get install postgresql-client-99")
}

func TestPrograms_ChoosesTheOldestThatIsNewEnough(t *testing.T) {
	t.Parallel()
	folders := map[string]string{}
	for _, version := range []string{"14.3", "16.1", "18.4"} {
		folders[version] = t.TempDir()
		for _, name := range []string{"pg_dump", "pg_restore", "psql"} {
			script := "#!/bin/sh\necho '" + name + " (PostgreSQL) " + version + " (Debian)'\n"
			if err := os.WriteFile(filepath.Join(folders[version], name), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := []string{folders["18.4"], folders["14.3"], folders["16.1"]}
	for major, want := range map[int]string{13: "14.3", 14: "14.3", 15: "16.1", 17: "18.4"} {
		if found, err := backup.ChoosePrograms(t.Context(), environ(), all, major); err != nil || found != folders[want] {
			t.Errorf("for %d it takes %s (%v), expected %s", major, found, err, want)
		}
	}
}

func TestVerify_NeedsARoleThatMayCreateDatabases(t *testing.T) {
	t.Parallel()
	d := populated(t)
	path, _ := d.create(true)
	role := "plain_" + d.lines("SELECT pg_backend_pid()::text")
	d.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'plain'")
	t.Cleanup(func() {
		if _, err := d.Exec(background(t), "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	reseal(t, path, func(m *backup.Manifest) { m.Owners = nil }) // skips the owners' check
	location, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	location.User = url.UserPassword(role, "plain")
	o := d.options()
	o.VerifyURL = location.String()
	_, err = backup.Verify(t.Context(), o, path)
	cannotSay(t, err, "may not create", "CREATEDB", "BACKUP_VERIFY_URL")
}

func TestVerify_NeedsAServer(t *testing.T) {
	t.Parallel()
	d := populated(t)
	path, _ := d.create(true)
	o := d.options()
	o.VerifyURL = "postgres://nobody:secret@127.0.0.1:1/none"
	_, err := backup.Verify(t.Context(), o, path)
	cannotSay(t, err, "connect")
}

func TestVerify_OnANamedServer(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.Empty(t))
	d.exec("CREATE TABLE public.something (n int)")
	d.exec("INSERT INTO public.something VALUES (1)")
	path, m := d.create(false)
	if len(m.Tables) != 1 || m.Migrations != nil {
		t.Errorf("the manifest says %v, %v", m.Tables, m.Migrations)
	}
	o := d.options()
	o.VerifyURL = os.Getenv(pgtest.EnvURL)
	if _, err := backup.Verify(t.Context(), o, path); err != nil {
		t.Fatal(err)
	}
}

func TestVerify_WithoutTheOwnersRole(t *testing.T) {
	t.Parallel()
	d := populated(t)
	owner := "owner_" + d.lines("SELECT pg_backend_pid()::text")
	me := d.lines("SELECT current_user::text")
	d.exec("CREATE ROLE " + owner)
	t.Cleanup(func() {
		for _, statement := range []string{"REVOKE %m FROM %o", "GRANT %o TO %m", "ALTER TABLE auth.tombstones OWNER TO %m", "REVOKE ALL ON SCHEMA auth FROM %o", "DROP ROLE %o"} {
			if _, err := d.Exec(background(t), strings.NewReplacer("%o", owner, "%m", me).Replace(statement)); err != nil {
				t.Error(err)
			}
		}
	})
	d.exec("GRANT CREATE, USAGE ON SCHEMA auth TO " + owner)
	d.exec("GRANT " + owner + " TO " + me)
	d.exec("ALTER TABLE auth.tombstones OWNER TO " + owner)
	d.exec("SET ROLE " + owner + "; GRANT SELECT ON auth.tombstones TO " + me + "; RESET ROLE")
	d.exec("REVOKE " + owner + " FROM " + me)
	d.exec("GRANT " + me + " TO " + owner) // so its code is no danger
	path, _ := d.create(true)
	if m := d.verify(path); m.VerifiedAt == nil || m.GrantsVerified {
		t.Errorf("verified at %v, grants %t, expected a verification without grants", m.VerifiedAt, m.GrantsVerified)
	}
}
