package schema_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"auth-v2-service/internal/schema"
)

func (d database) ownStep(up, down string) (takeBack func() error) {
	d.t.Helper()
	const name = "900_of_ones_own.sql"
	d.exec(up)
	d.exec("INSERT INTO auth.schema_migrations (version) VALUES ('900')")
	folder := fstest.MapFS{"migrations/" + name: {Data: []byte("-- migrate:up\n" + up + "\n-- migrate:down" + down)}}
	return func() error {
		return schema.DownOf(d.t.Context(), schema.Options{DatabaseURL: d.url, Logger: quiet, Patience: 5 * time.Second}, folder, name)
	}
}

func TestDown_LosesNothing_D5(t *testing.T) {
	t.Parallel()
	const (
		locale = "ALTER TABLE auth.users ADD COLUMN locale text;"
		keep   = `INSERT INTO auth.federation_archive AS kept (relation, key, facts)
			SELECT 'auth.users', id::text, jsonb_build_object('locale', locale) FROM auth.users WHERE locale IS NOT NULL;`
	)
	for name, test := range map[string]struct {
		up, down string // follows "-- migrate:down"
		fill     string // inserts data
		lost     string // names the loss, or ""
	}{
		"a column":                    {locale, "\nALTER TABLE auth.users DROP COLUMN locale;", "UPDATE auth.users SET locale = 'id'", "auth.users.locale holds 2 values"},
		"a column, without the word":  {locale, "\nALTER TABLE auth.users DROP locale;", "UPDATE auth.users SET locale = 'id' WHERE username = 'person 1'", "auth.users.locale holds 1 values"},
		"a column in a DO block":      {locale, "\nDO $$BEGIN EXECUTE 'ALTER TABLE auth.users DROP COLUMN loc' || 'ale'; END$$;", "UPDATE auth.users SET locale = 'id'", "auth.users.locale"},
		"a column with a capital":     {`ALTER TABLE auth.users ADD COLUMN "Locale" text;`, "\n" + `ALTER TABLE auth.users DROP COLUMN "Locale";`, `UPDATE auth.users SET "Locale" = 'id'`, `auth.users."Locale" holds 2`},
		"a column that is kept":       {locale, "\n" + keep + "ALTER TABLE auth.users DROP COLUMN locale;", "UPDATE auth.users SET locale = 'id'", ""},
		"a column kept in part":       {locale, "\n" + keep + "DELETE FROM auth.federation_archive WHERE key = (SELECT min(key) FROM auth.federation_archive); ALTER TABLE auth.users DROP COLUMN locale;", "UPDATE auth.users SET locale = 'id'", "of which the archive gets 1"},
		"one of two columns is kept":  {locale + "ALTER TABLE auth.users ADD COLUMN nickname text;", "\n" + keep + "ALTER TABLE auth.users DROP COLUMN locale, DROP COLUMN nickname;", "UPDATE auth.users SET locale = 'id', nickname = 'x'", "auth.users.nickname holds 2"},
		"a column renamed":            {locale, "\nALTER TABLE auth.users RENAME locale TO language;", "UPDATE auth.users SET locale = 'id'", ""},
		"a column made again":         {locale, "\nALTER TABLE auth.users DROP COLUMN locale; ALTER TABLE auth.users ADD COLUMN locale text;", "UPDATE auth.users SET locale = 'id'", "auth.users.locale holds 2"},
		"a column at its default":     {"ALTER TABLE auth.users ADD COLUMN beta boolean NOT NULL DEFAULT false;", "\nALTER TABLE auth.users DROP COLUMN beta;", "SELECT 1", ""},
		"a column beside its default": {"ALTER TABLE auth.users ADD COLUMN beta boolean NOT NULL DEFAULT false;", "\nALTER TABLE auth.users DROP COLUMN beta;", "UPDATE auth.users SET beta = true WHERE username = 'person 1'", "auth.users.beta holds 1"},
		"a NULL beside a default":     {"ALTER TABLE auth.users ADD COLUMN beta text DEFAULT 'no';", "\nALTER TABLE auth.users DROP COLUMN beta;", "UPDATE auth.users SET beta = NULL WHERE username = 'person 1'", "auth.users.beta holds 1"},
		"a default that moves":        {"ALTER TABLE auth.users ADD COLUMN seen timestamptz DEFAULT clock_timestamp();", "\nALTER TABLE auth.users DROP COLUMN seen;", "SELECT 1", "auth.users.seen holds 2"},
		"a computed column":           {"ALTER TABLE auth.users ADD COLUMN handle text GENERATED ALWAYS AS (username || '!') STORED;", "\nALTER TABLE auth.users DROP COLUMN handle;", "SELECT 1", ""},
		"a table":                     {"CREATE TABLE auth.notes (id int PRIMARY KEY, note text);", "\nDROP TABLE auth.notes;", "INSERT INTO auth.notes VALUES (1, 'x'), (2, 'y')", "the table auth.notes holds 2 rows"},
		"a table that is kept": {"CREATE TABLE auth.notes (id int PRIMARY KEY, note text);", `
			INSERT INTO auth.federation_archive (relation, key, facts) SELECT 'auth.notes', id::text, to_jsonb(gone) FROM auth.notes AS gone; DROP TABLE auth.notes;`, "INSERT INTO auth.notes VALUES (1, 'x')", ""},
		"what the archive keeps, deleted": {
			"SELECT 1;", "\nDELETE FROM auth.federation_archive WHERE relation = 'auth.gone';",
			`INSERT INTO auth.federation_archive (relation, key, facts) VALUES ('auth.gone', '1', '{"a": 1}')`,
			"the archive has 1 values of auth.gone.a, and 0 after it",
		},
		"what the archive keeps, written over": {
			locale, "\n" + strings.TrimSuffix(keep, ";") + ` ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;
			ALTER TABLE auth.users DROP COLUMN locale;`,
			`UPDATE auth.users SET locale = 'id'; INSERT INTO auth.federation_archive (relation, key, facts) SELECT 'auth.users', id::text, '{"other": 1}' FROM auth.users`,
			"the archive has 2 values of auth.users.other, and 0 after it",
		},
		"what the archive keeps, added to": {
			locale, "\n" + strings.TrimSuffix(keep, ";") + ` ON CONFLICT (relation, key) DO UPDATE SET facts = kept.facts || excluded.facts, archived_at = excluded.archived_at;
			ALTER TABLE auth.users DROP COLUMN locale;`,
			`UPDATE auth.users SET locale = 'id'; INSERT INTO auth.federation_archive (relation, key, facts) SELECT 'auth.users', id::text, '{"other": 1}' FROM auth.users`,
			"",
		},
		"a table elsewhere":            {"CREATE TABLE public.notes (id int PRIMARY KEY);", "\nDROP TABLE public.notes;", "INSERT INTO public.notes VALUES (1)", "the table public.notes holds 1 rows"},
		"by CASCADE":                   {"CREATE TYPE auth.tier AS ENUM ('free', 'paid'); ALTER TABLE auth.users ADD COLUMN tier auth.tier;", "\nDROP TYPE auth.tier CASCADE;", "UPDATE auth.users SET tier = 'paid'", "auth.users.tier holds 2"},
		"a value of an enum":           {"CREATE TYPE auth.tier AS ENUM ('free', 'paid', 'vip'); ALTER TABLE auth.users ADD COLUMN tier auth.tier;", "\nCREATE TYPE auth.tier2 AS ENUM ('free', 'paid'); ALTER TABLE auth.users ALTER COLUMN tier TYPE auth.tier2 USING (CASE WHEN tier = 'vip' THEN 'paid' ELSE tier::text END)::auth.tier2;", "UPDATE auth.users SET tier = 'vip' WHERE username = 'person 1'", "auth.users.tier holds 1 values, some of which read otherwise"},
		"an enum's value of no row":    {"CREATE TYPE auth.tier AS ENUM ('free', 'paid', 'vip'); ALTER TABLE auth.users ADD COLUMN tier auth.tier;", "\nCREATE TYPE auth.tier2 AS ENUM ('free', 'paid'); ALTER TABLE auth.users ALTER COLUMN tier TYPE auth.tier2 USING tier::text::auth.tier2;", "UPDATE auth.users SET tier = 'paid'", ""},
		"a narrower type":              {"ALTER TABLE auth.users ADD COLUMN score numeric(8,3);", "\nALTER TABLE auth.users ALTER COLUMN score TYPE numeric(8,1);", "UPDATE auth.users SET score = 1.234", "auth.users.score"},
		"a column cut short":           {"ALTER TABLE auth.users ALTER COLUMN username TYPE varchar(120);", "\nALTER TABLE auth.users ALTER COLUMN username TYPE varchar(100) USING substr(username, 2)::varchar(100);", "SELECT 1", "auth.users.username"},
		"a type that all values fit":   {"ALTER TABLE auth.users ALTER COLUMN username TYPE varchar(120);", "\nALTER TABLE auth.users ALTER COLUMN username TYPE varchar(100);", "SELECT 1", ""},
		"an index and a constraint":    {"CREATE INDEX mine ON auth.users (last_login); ALTER TABLE auth.users ADD CONSTRAINT mine_check CHECK (username <> 'x') NOT VALID;", "\nDROP INDEX auth.mine; ALTER TABLE auth.users DROP CONSTRAINT mine_check;", "SELECT 1", ""},
		"rows deleted":                 {"SELECT 1;", "\nDELETE FROM auth.users WHERE username = 'person 1';", "SELECT 1", "1 rows of auth.users are deleted"},
		"rows written over":            {"SELECT 1;", "\nUPDATE auth.users SET username = 'x' || username;", "SELECT 1", "2 rows of auth.users are deleted or written over"},
		"rows emptied":                 {"CREATE TABLE auth.notes (id int);", "\nTRUNCATE auth.notes;", "INSERT INTO auth.notes VALUES (1)", "auth.notes is emptied"},
		"a sequence":                   {"CREATE SEQUENCE auth.numbers;", "\nDROP SEQUENCE auth.numbers;", "SELECT nextval('auth.numbers')", "the sequence auth.numbers"},
		"a sequence that nobody asked": {"CREATE SEQUENCE auth.numbers;", "\nDROP SEQUENCE auth.numbers;", "SELECT 1", ""},
		"what it may drop":             {"CREATE TABLE auth.notes (id int);", "\n-- may drop: auth.notes\nDROP TABLE auth.notes;", "INSERT INTO auth.notes VALUES (1)", ""},
		"outside a transaction":        {locale, " transaction:false\nALTER TABLE auth.users DROP COLUMN locale;", "UPDATE auth.users SET locale = 'id'", "does not declare what it keeps"},
		"an index outside":             {"CREATE INDEX mine ON auth.users (last_login);", " transaction:false\nDROP INDEX CONCURRENTLY auth.mine;", "SELECT 1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := migrated(t)
			d.legacyPeople(2)
			takeBack := d.ownStep(test.up, test.down)
			if test.lost != "" && !strings.Contains(test.down, "transaction:false") && !strings.HasPrefix(test.fill, "SELECT") {
				shape := d.shape()
				if err := takeBack(); err != nil {
					t.Fatalf("D5: without data in it: %v", err)
				}
				if strings.Contains(test.down, "DROP COLUMN locale; ALTER") || strings.Contains(test.down, "TYPE") || strings.Contains(test.down, "TRUNCATE") {
					return
				}
				d.exec(test.up + "INSERT INTO auth.schema_migrations (version) VALUES ('900')")
				expectSame(t, "up again", shape, d.shape())
			}
			d.exec(test.fill)
			shape := d.shape()
			rows := d.lines("SELECT to_jsonb(u)::text FROM auth.users AS u ORDER BY id")
			err := takeBack()
			if test.lost == "" {
				if err != nil || strings.Contains(d.applied(), "900") {
					t.Errorf("D5: it was not taken back: %v", err)
				}
				return
			}
			if !errors.Is(err, schema.ErrWouldLose) || !strings.Contains(err.Error(), test.lost) || !strings.Contains(err.Error(), "Nothing was changed") {
				t.Errorf("D5: answered %v, expected a refusal that says %q", err, test.lost)
			}
			expectSame(t, "after a refusal", shape, d.shape())
			expectSame(t, "the rows after a refusal", rows, d.lines("SELECT to_jsonb(u)::text FROM auth.users AS u ORDER BY id"))
			if !strings.Contains(d.applied(), "900") {
				t.Error("D5: a refused step counts as taken back")
			}
		})
	}
}
