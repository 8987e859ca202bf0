package schema_test

import (
	"testing"

	"auth-v2-service/internal/schema"
)

// kinds change objects that the schema does not have yet.
var kinds = []struct {
	name, made, changed string
	want, back          []string
	word                string
}{
	{
		name: "an enum with a value more", made: "CREATE TYPE auth.mood AS ENUM ('good', 'bad')",
		changed: "ALTER TYPE auth.mood ADD VALUE 'worse'",
		want:    []string{"different enum auth.mood"}, back: []string{"different enum auth.mood"}, word: "'worse'",
	},
	{
		name: "an enum in another order", made: "CREATE TYPE auth.mood AS ENUM ('good', 'bad')",
		changed: "ALTER TYPE auth.mood RENAME VALUE 'bad' TO 'x'; ALTER TYPE auth.mood RENAME VALUE 'good' TO 'bad'; ALTER TYPE auth.mood RENAME VALUE 'x' TO 'good'",
		want:    []string{"different enum auth.mood"}, back: []string{"different enum auth.mood"}, word: "is 'bad', 'good'",
	},
	{
		name: "a generated column of another expression", made: "CREATE TABLE auth.t (a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
		changed: "ALTER TABLE auth.t DROP COLUMN b; ALTER TABLE auth.t ADD COLUMN b int GENERATED ALWAYS AS (a * 3) STORED",
		want:    []string{"different column auth.t.b"}, back: []string{"different column auth.t.b"}, word: "(a * 3)",
	},
	{
		name: "a generated column that is generated no more", made: "CREATE TABLE auth.t (a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
		changed: "ALTER TABLE auth.t ALTER COLUMN b DROP EXPRESSION",
		want:    []string{"different column auth.t.b"}, back: []string{"different column auth.t.b"}, word: "is integer, must",
	},
	{
		name: "a trigger switched off", made: triggered, changed: "ALTER TABLE auth.t DISABLE TRIGGER touch",
		want: []string{"different trigger auth.t.touch"}, back: []string{"different trigger auth.t.touch"}, word: "DISABLED",
	},
	{
		name: "a trigger of another moment", made: triggered,
		changed: "DROP TRIGGER touch ON auth.t; CREATE TRIGGER touch AFTER UPDATE ON auth.t FOR EACH ROW EXECUTE FUNCTION auth.touch()",
		want:    []string{"different trigger auth.t.touch"}, back: []string{"different trigger auth.t.touch"}, word: "AFTER UPDATE",
	},
	{
		name: "a trigger dropped", made: triggered, changed: "DROP TRIGGER touch ON auth.t",
		want: []string{"missing trigger auth.t.touch"}, back: []string{"extra trigger auth.t.touch"}, word: "BEFORE UPDATE",
	},
	{
		name: "a trigger renamed", made: triggered, changed: "ALTER TRIGGER touch ON auth.t RENAME TO stamp",
		want: []string{"missing trigger auth.t.touch", "extra trigger auth.t.stamp"},
		back: []string{"missing trigger auth.t.stamp", "extra trigger auth.t.touch"}, word: "perhaps renamed to auth.t.stamp",
	},
	{
		name: "a trigger's function", made: triggered,
		changed: "CREATE OR REPLACE FUNCTION auth.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
		want:    []string{"different function auth.touch()"}, back: []string{"different function auth.touch()"}, word: "RETURN NULL",
	},
	{
		name: "a policy of other rows", made: "CREATE TABLE auth.t (a int); CREATE POLICY p ON auth.t USING (a > 1)",
		changed: "ALTER POLICY p ON auth.t USING (a > 0)",
		want:    []string{"different policy auth.t.p"}, back: []string{"different policy auth.t.p"}, word: "(a > 0)",
	},
	{
		name: "a policy dropped", made: "CREATE TABLE auth.t (a int); CREATE POLICY p ON auth.t AS RESTRICTIVE FOR SELECT USING (a > 1)",
		changed: "DROP POLICY p ON auth.t",
		want:    []string{"missing policy auth.t.p"}, back: []string{"extra policy auth.t.p"}, word: "restrictive for r to public",
	},
	{
		name: "a view of other rows", made: "CREATE VIEW auth.v AS SELECT id FROM auth.users WHERE is_active",
		changed: "CREATE OR REPLACE VIEW auth.v AS SELECT id FROM auth.users",
		want:    []string{"different view auth.v"}, back: []string{"different view auth.v"}, word: "FROM auth.users;, must",
	},
	{
		name: "a view's barrier", made: "CREATE VIEW auth.v WITH (security_barrier) AS SELECT id FROM auth.users",
		changed: "ALTER VIEW auth.v RESET (security_barrier)",
		want:    []string{"different view auth.v"}, back: []string{"different view auth.v"}, word: "security_barrier",
	},
	{
		name: "a view that became a copy", made: "CREATE VIEW auth.v AS SELECT id FROM auth.users",
		changed: "DROP VIEW auth.v; CREATE MATERIALIZED VIEW auth.v AS SELECT id FROM auth.users",
		want:    []string{"different view auth.v"}, back: []string{"different view auth.v"}, word: "is materialized",
	},
	{
		name: "a rule switched off", made: "CREATE TABLE auth.t (a int); CREATE RULE keep AS ON DELETE TO auth.t DO INSTEAD NOTHING",
		changed: "ALTER TABLE auth.t DISABLE RULE keep",
		want:    []string{"different rule auth.t.keep"}, back: []string{"different rule auth.t.keep"}, word: "DISABLED",
	},
	{
		name: "a domain of another type", made: "CREATE DOMAIN auth.short AS varchar(10)",
		changed: "DROP DOMAIN auth.short; CREATE DOMAIN auth.short AS varchar(20)",
		want:    []string{"different domain auth.short"}, back: []string{"different domain auth.short"}, word: "is character varying(20)",
	},
	{
		name: "a domain's check", made: "CREATE DOMAIN auth.short AS text CONSTRAINT shortness CHECK (length(VALUE) < 10)",
		changed: "ALTER DOMAIN auth.short DROP CONSTRAINT shortness",
		want:    []string{"missing constraint auth.short.shortness"}, back: []string{"extra constraint auth.short.shortness"}, word: "< 10",
	},
	{
		name: "a domain's default", made: "CREATE DOMAIN auth.short AS text DEFAULT 'a'", changed: "ALTER DOMAIN auth.short SET DEFAULT 'b'",
		want: []string{"different domain auth.short"}, back: []string{"different domain auth.short"}, word: "default 'b'",
	},
	{
		name: "a composite type", made: "CREATE TYPE auth.pair AS (a int, b int)", changed: "ALTER TYPE auth.pair ALTER ATTRIBUTE b TYPE bigint",
		want: []string{"different column auth.pair.b"}, back: []string{"different column auth.pair.b"}, word: "is bigint",
	},
	{
		name: "a range", made: "CREATE TYPE auth.span AS RANGE (subtype = float8, multirange_type_name = public.spans)",
		changed: "DROP TYPE auth.span; CREATE TYPE auth.span AS RANGE (subtype = numeric, multirange_type_name = public.spans)",
		want: append([]string{"different range auth.span"}, append(
			constructors("missing", "double precision"), constructors("extra", "numeric")...)...),
		back: append([]string{"different range auth.span"}, append(
			constructors("missing", "numeric"), constructors("extra", "double precision")...)...), word: "(double precision, double precision)",
	},
	{
		name: "an exclusion", made: "CREATE TABLE auth.t (a int4range, CONSTRAINT apart EXCLUDE USING gist (a WITH &&))",
		changed: "ALTER TABLE auth.t DROP CONSTRAINT apart, ADD CONSTRAINT apart EXCLUDE USING gist (a WITH =)",
		want:    []string{"different constraint auth.t.apart"}, back: []string{"different constraint auth.t.apart"}, word: "WITH =)",
	},
	{
		name: "a partition of other values", made: `CREATE TABLE auth.t (a int) PARTITION BY RANGE (a);
			CREATE TABLE auth.t1 PARTITION OF auth.t FOR VALUES FROM (1) TO (10)`,
		changed: "ALTER TABLE auth.t DETACH PARTITION auth.t1; ALTER TABLE auth.t ATTACH PARTITION auth.t1 FOR VALUES FROM (1) TO (20)",
		want:    []string{"different table auth.t1"}, back: []string{"different table auth.t1"}, word: "FROM (1) TO (20)",
	},
	{
		name: "a partition cut off", made: `CREATE TABLE auth.t (a int) PARTITION BY RANGE (a);
			CREATE TABLE auth.t1 PARTITION OF auth.t FOR VALUES FROM (1) TO (10)`,
		changed: "ALTER TABLE auth.t DETACH PARTITION auth.t1",
		want:    []string{"different table auth.t1"}, back: []string{"different table auth.t1"}, word: "is permanent, must be permanent inherits auth.t",
	},
	{
		name: "a grant that may be passed on", made: "GRANT SELECT ON auth.users TO pg_monitor",
		changed: "GRANT SELECT ON auth.users TO pg_monitor WITH GRANT OPTION",
		want:    []string{"different grant SELECT on auth.users to pg_monitor"}, back: []string{"different grant SELECT on auth.users to pg_monitor"},
		word: "with grant option",
	},
	{
		name: "a grant to one role revoked", made: "GRANT SELECT ON auth.users TO pg_monitor", changed: "REVOKE SELECT ON auth.users FROM pg_monitor",
		want: []string{"missing grant SELECT on auth.users to pg_monitor"}, back: []string{"extra grant SELECT on auth.users to pg_monitor"},
	},
	{
		name: "a function that runs as its owner", made: "CREATE FUNCTION auth.f() RETURNS int LANGUAGE sql RETURN 1",
		changed: "ALTER FUNCTION auth.f() SECURITY DEFINER",
		want:    []string{"different function auth.f()"}, back: []string{"different function auth.f()"}, word: "SECURITY DEFINER",
	},
	{
		name: "a procedure", made: "CREATE PROCEDURE auth.p() LANGUAGE sql AS 'SELECT 1'", changed: "CREATE OR REPLACE PROCEDURE auth.p() LANGUAGE sql AS 'SELECT 2'",
		want: []string{"different function auth.p()"}, back: []string{"different function auth.p()"}, word: "SELECT 2",
	},
	{
		name: "a sequence of another type", made: "CREATE SEQUENCE auth.s AS int", changed: "ALTER SEQUENCE auth.s AS bigint",
		want: []string{"different sequence auth.s"}, back: []string{"different sequence auth.s"}, word: "is bigint",
	},
	{
		name: "names that need quoting", made: `CREATE TABLE auth."Odd ""Table" ("a.b" int DEFAULT 1)`,
		changed: `ALTER TABLE auth."Odd ""Table" ALTER COLUMN "a.b" SET DEFAULT 2`,
		want:    []string{`different default auth."Odd ""Table"."a.b"`}, back: []string{`different default auth."Odd ""Table"."a.b"`}, word: "is 2",
	},
}

func constructors(change, subtype string) (names []string) {
	for _, arguments := range []string{subtype + ", " + subtype, subtype + ", " + subtype + ", text"} {
		names = append(names, change+" function auth.span("+arguments+")", change+" grant EXECUTE on auth.span("+arguments+") to public")
	}
	return names
}

const triggered = `CREATE TABLE auth.t (a int);
	CREATE FUNCTION auth.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER touch BEFORE UPDATE ON auth.t FOR EACH ROW EXECUTE FUNCTION auth.touch()`

func TestCompare_NamesKindsThatMayCome_D2(t *testing.T) {
	t.Parallel()
	t.Logf("%d kinds of drift", len(kinds))
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			d := migrated(t)
			d.exec(kind.made)
			made := d.catalogue()
			if same := schema.Compare(made, d.catalogue()); len(same) > 0 {
				t.Errorf("a schema differs from itself: %v", same)
			}
			d.exec(kind.changed)
			changed := d.catalogue()
			expectNamed(t, schema.Compare(made, changed), kind.want, kind.word)
			expectNamed(t, schema.Compare(changed, made), kind.back, "")
			if made.Fingerprint() == changed.Fingerprint() {
				t.Error("the fingerprint is the same")
			}
		})
	}
}

func (d database) catalogue() schema.Catalogue {
	d.t.Helper()
	found, err := schema.Read(d.t.Context(), d)
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}
