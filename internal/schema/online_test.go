package schema_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	migrations "auth-v2-service/db"
)

var (
	upSection      = regexp.MustCompile(`(?s)-- migrate:up.*?-- migrate:down`)
	downSection    = regexp.MustCompile(`(?s)-- migrate:down.*`)
	usersInFull    = regexp.MustCompile(`(?i)(FROM|UPDATE|LOCK TABLE) auth\.users\b`)
	sqlComment     = regexp.MustCompile(`--[^\n]*`)
	createsTable   = regexp.MustCompile(`(?i)CREATE TABLE (?:IF NOT EXISTS )?([\w.]+)`)
	createsIndex   = regexp.MustCompile(`(?is)CREATE (?:UNIQUE )?INDEX (CONCURRENTLY )?.*?\bON ([\w.]+)`)
	addsConstraint = regexp.MustCompile(`(?is)ADD CONSTRAINT (\w+) (?:CHECK|FOREIGN KEY)(.*?)(?:,\s*ADD CONSTRAINT|;)`)
	validates      = regexp.MustCompile(`(?i)VALIDATE CONSTRAINT (\w+)`)
)

// slowLocks checks SQL text: small tables show no long lock (D4).
func slowLocks(up string) (found []string) {
	own := map[string]bool{}
	for _, match := range createsTable.FindAllStringSubmatch(up, -1) {
		own[match[1]] = true
	}
	for _, match := range createsIndex.FindAllStringSubmatch(up, -1) {
		if match[1] == "" && !own[match[2]] {
			found = append(found, "an index on "+match[2]+" is not built CONCURRENTLY")
		}
	}
	added := map[string]bool{}
	for rest := up; ; {
		at := addsConstraint.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		name := rest[at[2]:at[3]]
		added[name] = true
		if !strings.Contains(rest[at[4]:at[5]], "NOT VALID") {
			found = append(found, "the constraint "+name+" is not added NOT VALID")
		}
		rest = rest[at[5]:] // keeps the shared delimiter
	}
	for _, match := range validates.FindAllStringSubmatch(up, -1) {
		if added[match[1]] {
			found = append(found, "the constraint "+match[1]+" is validated under the lock that added it")
		}
	}
	return found
}

func TestMigrations_HoldNoSlowLock_D4(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations.Migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(migrations.Migrations, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range slowLocks(sqlComment.ReplaceAllString(upSection.FindString(string(text)), "")) {
			t.Errorf("D4: %s: %s", file, fault)
		}
		if down := downSection.FindString(string(text)); slowDown(down) && file != "migrations/000_legacy_users.sql" { // it only counts
			t.Errorf("D4: %s: its step down goes through auth.users in one transaction", file)
		}
	}
}

func slowDown(down string) bool {
	head, rest, _ := strings.Cut(down, "\n")
	return !strings.Contains(head, "transaction:false") && usersInFull.MatchString(sqlComment.ReplaceAllString(rest, ""))
}

func TestSlowDowns_AreTold(t *testing.T) {
	t.Parallel()
	for down, want := range map[string]bool{
		"-- migrate:down\nINSERT INTO auth.federation_archive SELECT id FROM auth.users;":                 true,
		"-- migrate:down\nLOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE;":                                true,
		"-- migrate:down\nUPDATE auth.users SET password_hash = '!';":                                     true,
		"-- migrate:down transaction:false\nDO $$ BEGIN INSERT INTO x SELECT id FROM auth.users; END $$;": false,
		"-- migrate:down\nALTER TABLE auth.users DROP CONSTRAINT c;":                                      false,
		"-- migrate:down\n-- nothing is taken FROM auth.users\nDROP FUNCTION auth.canonical_email(text);": false,
		"-- migrate:down\nINSERT INTO auth.federation_archive SELECT id FROM auth.users_of_others;":       false,
	} {
		if got := slowDown(down); got != want {
			t.Errorf("D4: %s: told %t, expected %t", down, got, want)
		}
	}
}

func TestSlowLocks_AreTold(t *testing.T) {
	t.Parallel()
	for up, want := range map[string]int{
		"CREATE INDEX i ON auth.users (a);":                                                                     1,
		"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON auth.users (a);":                                   0,
		"CREATE TABLE auth.t (a int); CREATE INDEX i ON auth.t (a);":                                            0,
		"ALTER TABLE auth.users ADD CONSTRAINT c CHECK (a > 0);":                                                1,
		"ALTER TABLE auth.users ADD CONSTRAINT c CHECK (a > 0) NOT VALID, ADD CONSTRAINT d CHECK (b > 0);":      1,
		"ALTER TABLE auth.users ADD CONSTRAINT c CHECK (a > 0), ADD CONSTRAINT d CHECK (b > 0) NOT VALID;":      1,
		"ALTER TABLE auth.users ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c;": 1,
		"ALTER TABLE auth.users ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES auth.t (a) NOT VALID;":              0,
		"ALTER TABLE auth.users ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES auth.t (a);":                        1,
		"ALTER TABLE auth.users VALIDATE CONSTRAINT c;":                                                         0,
	} {
		if found := slowLocks(up); len(found) != want {
			t.Errorf("D4: %s: found %v, expected %d", up, found, want)
		}
	}
}
