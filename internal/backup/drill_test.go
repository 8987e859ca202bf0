package backup_test

import (
	"os"
	"strings"
	"testing"

	"auth-v2-service/internal/backup"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/pgtest"
)

func TestDrill_WhatWasLostComesBack(t *testing.T) {
	t.Parallel()
	for name, onlyAuth := range map[string]bool{"whole database": false, "schema auth": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := populated(t)
			before := d.rows()
			path, _ := d.create(onlyAuth)
			m := d.verify(path)
			if m.VerifiedAt == nil || !m.GrantsVerified {
				t.Errorf("verified at %v, grants %t", m.VerifiedAt, m.GrantsVerified)
			}
			d.exec("DELETE FROM auth.users WHERE token_balance % 3 = 0")
			d.exec("UPDATE auth.users SET token_balance = 7")
			d.people(20)
			d.exec("CREATE TABLE auth.of_a_later_release (user_id uuid REFERENCES auth.users)") // dropped with the schema
			d.exec("ALTER TABLE auth.users ADD COLUMN later text")
			d.restore(path)
			if d.rows() != before {
				t.Error("the rows are not those of the backup")
			}
			report, err := schema.Validate(t.Context(), d)
			if err != nil || report.State != schema.InStep {
				t.Errorf("the restored schema is %s, %v (%v)", report.State, report.Differences, err)
			}
			d.people(1)
		})
	}
}

func TestCreate_WritesPrivateFilesAndNothingElse(t *testing.T) {
	t.Parallel()
	d := populated(t)
	path, _ := d.create(true)
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("the folder holds %v, expected a dump and a manifest", entries)
	}
	for _, file := range []string{path, backup.ManifestPath(path)} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	content, err := os.ReadFile(backup.ManifestPath(path))
	if err != nil || strings.Contains(string(content), "@example.com") {
		t.Errorf("the manifest holds somebody's address (%v)", err)
	}
}

func TestCreate_AgreesWithItsManifestWhileOthersWrite(t *testing.T) {
	t.Parallel()
	d := populated(t)
	d.people(5_000)
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				stopped <- n
				return
			default:
			}
			_, err := d.Exec(background(t), `WITH person AS (
				INSERT INTO auth.users (email, password_hash) VALUES (gen_random_uuid() || '@example.com', 'hash') RETURNING id
			) INSERT INTO auth.audit_events (action, actor, user_id) SELECT 'written', 'system', id FROM person`)
			if err != nil {
				t.Errorf("a writer was disturbed: %v", err)
			}
		}
	}()
	path, m := d.create(false)
	close(stop)
	written := <-stopped
	verified := d.verify(path)
	of := map[string]int64{}
	for _, table := range m.Tables {
		of[table.Name] = table.Rows
	}
	if written == 0 || of["auth.users"] < 5_500 || of["auth.audit_events"]-of["auth.users"] != 500 {
		t.Errorf("%d written, manifest says %v: expected one instant of both tables", written, of)
	}
	if verified.SHA256 != m.SHA256 {
		t.Error("verifying has changed the backup")
	}
}

func TestRestore_IntoAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	for name, onlyAuth := range map[string]bool{"whole database": false, "schema auth": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, fresh := populated(t), open(t, pgtest.Empty(t))
			role := "reader_" + d.lines("SELECT pg_backend_pid()::text")
			d.exec("CREATE ROLE " + role)
			t.Cleanup(func() {
				for _, statement := range []string{"REVOKE ALL ON SCHEMA auth FROM " + role, "REVOKE ALL ON auth.users FROM " + role} {
					for _, db := range []database{d, fresh} {
						if _, err := db.Exec(background(t), statement); err != nil {
							t.Error(err)
						}
					}
				}
				if _, err := d.Exec(background(t), "DROP ROLE "+role); err != nil {
					t.Error(err)
				}
			})
			d.exec("GRANT USAGE ON SCHEMA auth TO " + role)
			d.exec("GRANT SELECT ON auth.users TO " + role)
			path, _ := d.create(onlyAuth)
			d.verify(path)
			if _, err := backup.Restore(t.Context(), fresh.options(), path, false); err != nil {
				t.Fatal(err)
			}
			if fresh.rows() != d.rows() {
				t.Error("the rows are not those of the backup")
			}
			if may := fresh.lines("SELECT has_table_privilege($1, 'auth.users', 'SELECT')::text", role); may != "true" {
				t.Error("the grant was not restored")
			}
		})
	}
}

func TestCreate_TakesOddTables(t *testing.T) {
	t.Parallel()
	d := populated(t)
	d.exec(`CREATE TABLE auth."Odd 'Name" (row_of_it int, line text, f float8, b bytea, i interval, t timestamptz, n numeric, "x y" text[])`)
	d.exec(`INSERT INTO auth."Odd 'Name" SELECT 1, NULL, 0.1 + 0.2, '\x00ff', '1 year 2 days -3 hours', now(), 'NaN', ARRAY['a"', NULL, E'\\']
		FROM generate_series(1, 3)`)
	d.exec(`CREATE TABLE public.elsewhere (id int PRIMARY KEY, said text)`)
	d.exec(`INSERT INTO public.elsewhere VALUES (1, E'tab\there')`)
	d.exec(`CREATE TABLE auth.without_columns ()`)
	before := d.lines(`SELECT o::text FROM auth."Odd 'Name" AS o`)
	path, m := d.create(false)
	d.verify(path)
	d.exec(`UPDATE public.elsewhere SET said = 'spoilt'`)
	d.restore(path)
	if after := d.lines(`SELECT o::text FROM auth."Odd 'Name" AS o`); after != before {
		t.Errorf("was %s, is %s", before, after)
	}
	if said := d.lines("SELECT said FROM public.elsewhere"); said != "tab\there" {
		t.Errorf("the table of another schema holds %q", said)
	}
	if !strings.Contains(strings.Join(names(m), " "), "public.elsewhere") {
		t.Errorf("the manifest knows %v", names(m))
	}
}

func names(m backup.Manifest) (out []string) {
	for _, table := range m.Tables {
		out = append(out, table.Name)
	}
	return out
}
