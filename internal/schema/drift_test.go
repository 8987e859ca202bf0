package schema_test

import (
	"slices"
	"strings"
	"testing"

	"auth-v2-service/internal/schema"
)

// drifts are manual changes. want holds all differences, word is in the first one's text.
var drifts = []struct {
	name  string
	do    string
	fails string // fails and leaves something behind
	want  []string
	word  string
	state schema.State // "": drifted
}{
	{
		name: "a column's type", do: "ALTER TABLE auth.audit_events ALTER COLUMN request_id TYPE varchar(64)",
		want: []string{"different column auth.audit_events.request_id"}, word: "is character varying(64), must be text",
	},
	{
		name: "a column's length", do: "ALTER TABLE auth.users ALTER COLUMN username TYPE varchar(50)",
		want: []string{"different column auth.users.username"}, word: "is character varying(50), must be character varying(100)",
	},
	{
		name: "a time without its zone", do: "ALTER TABLE auth.tombstones ALTER COLUMN deleted_at TYPE timestamp",
		want: []string{"different column auth.tombstones.deleted_at"}, word: "is timestamp without time zone",
	},
	{
		name: "a column's collation", do: `ALTER TABLE auth.users ALTER COLUMN username TYPE varchar(100) COLLATE "C"`,
		want: []string{"different column auth.users.username", "different index auth.idx_users_username_prefix"}, word: `collate "C"`,
	},
	{
		name: "a column dropped", do: "ALTER TABLE auth.users DROP COLUMN provider_data",
		want: []string{"missing column auth.users.provider_data", "missing comment auth.users.provider_data"}, word: "(jsonb)",
	},
	{
		name: "a column renamed", do: "ALTER TABLE auth.users RENAME COLUMN provider_data TO provider_facts",
		want: []string{
			"missing column auth.users.provider_data", "missing comment auth.users.provider_data",
			"extra column auth.users.provider_facts", "extra comment auth.users.provider_facts",
		}, word: "perhaps renamed to auth.users.provider_facts",
	},
	{
		name: "a column added", do: "ALTER TABLE auth.users ADD COLUMN locale text", state: schema.Extras,
		want: []string{"extra column auth.users.locale"}, word: "(text)",
	},
	{
		name: "a default changed", do: "ALTER TABLE auth.users ALTER COLUMN token_balance SET DEFAULT 100",
		want: []string{"different default auth.users.token_balance"}, word: "is 100, must be 0",
	},
	{
		name: "a default dropped", do: "ALTER TABLE auth.users ALTER COLUMN user_type DROP DEFAULT",
		want: []string{"missing default auth.users.user_type"}, word: "'user'",
	},
	{
		name: "a default added", do: "ALTER TABLE auth.users ALTER COLUMN username SET DEFAULT 'nobody'", state: schema.Extras,
		want: []string{"extra default auth.users.username"}, word: "'nobody'",
	},
	{
		name: "not null dropped", do: "ALTER TABLE auth.users ALTER COLUMN email DROP NOT NULL",
		want: []string{"missing not null auth.users.email"}, word: "not null",
	},
	{
		name: "not null added", do: "ALTER TABLE auth.users ALTER COLUMN user_type SET NOT NULL", state: schema.Extras,
		want: []string{"extra not null auth.users.user_type"}, word: "not null",
	},
	{
		name: "a primary key dropped", do: "ALTER TABLE auth.verification_keys DROP CONSTRAINT verification_keys_pkey",
		want: []string{"missing constraint auth.verification_keys.verification_keys_pkey"}, word: "PRIMARY KEY (source)",
	},
	{
		name: "a primary key over other columns",
		do: `ALTER TABLE auth.federation_archive DROP CONSTRAINT federation_archive_pkey,
			ADD CONSTRAINT federation_archive_pkey PRIMARY KEY (key)`,
		want: []string{"different constraint auth.federation_archive.federation_archive_pkey"},
		word: "is PRIMARY KEY (key), must be PRIMARY KEY (relation, key)",
	},
	{
		name: "uniqueness dropped", do: "ALTER TABLE auth.users DROP CONSTRAINT users_email_key",
		want: []string{"missing constraint auth.users.users_email_key"}, word: "UNIQUE (email)",
	},
	{
		name: "uniqueness weakened",
		do:   "ALTER TABLE auth.users DROP CONSTRAINT users_email_key, ADD CONSTRAINT users_email_key UNIQUE (email, username)",
		want: []string{"different constraint auth.users.users_email_key"}, word: "is UNIQUE (email, username), must be UNIQUE (email)",
	},
	{
		name: "uniqueness checked later",
		do:   "ALTER TABLE auth.users DROP CONSTRAINT users_email_key, ADD CONSTRAINT users_email_key UNIQUE (email) DEFERRABLE",
		want: []string{"different constraint auth.users.users_email_key"}, word: "DEFERRABLE",
	},
	{
		name: "uniqueness renamed", do: "ALTER TABLE auth.users RENAME CONSTRAINT users_email_key TO only_one",
		want: []string{"missing constraint auth.users.users_email_key", "extra constraint auth.users.only_one"},
		word: "perhaps renamed to auth.users.only_one",
	},
	{
		name: "a check changed",
		do: `ALTER TABLE auth.users DROP CONSTRAINT chk_auth_provider,
			ADD CONSTRAINT chk_auth_provider CHECK (auth_provider IN ('local', 'firebase', 'hybrid', 'ldap'))`,
		want: []string{"different constraint auth.users.chk_auth_provider"}, word: "ldap",
	},
	{
		name: "a check weakened",
		do: `ALTER TABLE auth.users DROP CONSTRAINT chk_firebase_uid_format,
			ADD CONSTRAINT chk_firebase_uid_format CHECK (firebase_uid IS NULL OR LENGTH(firebase_uid) >= 2)`,
		want: []string{"different constraint auth.users.chk_firebase_uid_format"}, word: ">= 2)",
	},
	{
		name: "a check dropped", do: "ALTER TABLE auth.users DROP CONSTRAINT chk_password_hash_required",
		want: []string{"missing constraint auth.users.chk_password_hash_required"}, word: "password_hash IS NOT NULL",
	},
	{
		name: "a check that old rows are not held to",
		do: `ALTER TABLE auth.users DROP CONSTRAINT chk_firebase_uid_format, ADD CONSTRAINT chk_firebase_uid_format
			CHECK (firebase_uid IS NULL OR LENGTH(firebase_uid) >= 20) NOT VALID`,
		want: []string{"different constraint auth.users.chk_firebase_uid_format"}, word: "NOT VALID",
	},
	{
		name: "a check added", do: "ALTER TABLE auth.users ADD CONSTRAINT not_poor CHECK (token_balance >= 0)", state: schema.Extras,
		want: []string{"extra constraint auth.users.not_poor"}, word: "token_balance >= 0",
	},
	{
		name: "a foreign key dropped", do: "ALTER TABLE auth.set_aside_passwords DROP CONSTRAINT set_aside_passwords_user_id_fkey",
		want: []string{"missing constraint auth.set_aside_passwords.set_aside_passwords_user_id_fkey"}, word: "ON DELETE CASCADE",
	},
	{
		name: "a foreign key that deletes nothing",
		do: `ALTER TABLE auth.set_aside_passwords DROP CONSTRAINT set_aside_passwords_user_id_fkey,
			ADD CONSTRAINT set_aside_passwords_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id)`,
		want: []string{"different constraint auth.set_aside_passwords.set_aside_passwords_user_id_fkey"},
		word: "is FOREIGN KEY (user_id) REFERENCES auth.users(id), must",
	},
	{
		name: "a foreign key that old rows are not held to",
		do: `ALTER TABLE auth.set_aside_passwords DROP CONSTRAINT set_aside_passwords_user_id_fkey,
			ADD CONSTRAINT set_aside_passwords_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE NOT VALID`,
		want: []string{"different constraint auth.set_aside_passwords.set_aside_passwords_user_id_fkey"}, word: "NOT VALID",
	},
	{
		name: "an index dropped", do: "DROP INDEX auth.idx_users_canonical_email",
		want: []string{"missing index auth.idx_users_canonical_email"}, word: "CREATE UNIQUE INDEX",
	},
	{
		name: "an index half-built",
		do: `DROP INDEX auth.idx_users_firebase_uid; INSERT INTO auth.users (username, email, password_hash, firebase_uid)
			SELECT 'twin ' || i, 'twin' || i || '@example.com', 'x', 'the-same-uid-of-two-people' FROM generate_series(1, 2) AS i`,
		fails: "CREATE UNIQUE INDEX CONCURRENTLY idx_users_firebase_uid ON auth.users (firebase_uid)",
		want:  []string{"different index auth.idx_users_firebase_uid"}, word: "INVALID",
	},
	{
		name: "an index over other columns",
		do: `DROP INDEX auth.idx_audit_events_user_id;
			CREATE INDEX idx_audit_events_user_id ON auth.audit_events (user_id)`,
		want: []string{"different index auth.idx_audit_events_user_id"}, word: "btree (user_id), must",
	},
	{
		name: "an index over some rows",
		do: `DROP INDEX auth.idx_users_auth_provider;
			CREATE INDEX idx_users_auth_provider ON auth.users (auth_provider) WHERE is_active`,
		want: []string{"different index auth.idx_users_auth_provider"}, word: "WHERE is_active",
	},
	{
		name: "an index no longer unique",
		do:   "DROP INDEX auth.idx_users_firebase_uid; CREATE INDEX idx_users_firebase_uid ON auth.users (firebase_uid)",
		want: []string{"different index auth.idx_users_firebase_uid"}, word: "is CREATE INDEX",
	},
	{
		name: "an index of another kind",
		do:   "DROP INDEX auth.idx_users_auth_provider; CREATE INDEX idx_users_auth_provider ON auth.users USING hash (auth_provider)",
		want: []string{"different index auth.idx_users_auth_provider"}, word: "USING hash",
	},
	{
		name: "an index renamed", do: "ALTER INDEX auth.idx_users_is_active RENAME TO who_is_active",
		want: []string{"missing index auth.idx_users_is_active", "extra index auth.who_is_active"},
		word: "perhaps renamed to auth.who_is_active",
	},
	{
		name: "an index added", do: "CREATE INDEX idx_users_email ON auth.users (email)", state: schema.Extras,
		want: []string{"extra index auth.idx_users_email"}, word: "btree (email)",
	},
	{
		name: "a trigger added",
		do: `CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
			CREATE TRIGGER touch BEFORE UPDATE ON auth.users FOR EACH ROW EXECUTE FUNCTION public.touch()`, state: schema.Extras,
		want: []string{"extra trigger auth.users.touch"}, word: "BEFORE UPDATE",
	},
	{
		name: "a function's body",
		do: `CREATE OR REPLACE FUNCTION auth.canonical_email(email text) RETURNS text
			LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT RETURN lower(email)`,
		want: []string{"different function auth.canonical_email(email text)"}, word: "RETURN lower(email)",
	},
	{
		name: "a function's promises", do: "ALTER FUNCTION auth.canonical_email(text) STABLE",
		want: []string{"different function auth.canonical_email(email text)"}, word: "STABLE",
	},
	{
		name: "a function added", do: "CREATE FUNCTION auth.one() RETURNS int LANGUAGE sql RETURN 1", state: schema.Extras,
		want: []string{"extra function auth.one()", "extra grant EXECUTE on auth.one() to public"}, word: "RETURN 1",
	},
	{
		name: "a sequence", do: "ALTER SEQUENCE auth.audit_events_id_seq INCREMENT BY 10",
		want: []string{"different sequence auth.audit_events_id_seq"}, word: "increment 10",
	},
	{
		name: "a sequence that starts again", do: "ALTER SEQUENCE auth.audit_events_id_seq MAXVALUE 1000 CYCLE",
		want: []string{"different sequence auth.audit_events_id_seq"}, word: "maximum 1000 increment 1 cache 1 cycle",
	},
	{
		name: "an identity that may be given", do: "ALTER TABLE auth.audit_events ALTER COLUMN id SET GENERATED BY DEFAULT",
		want: []string{"different column auth.audit_events.id"}, word: "is bigint generated by default as identity",
	},
	{
		name: "an identity dropped", do: "ALTER TABLE auth.audit_events ALTER COLUMN id DROP IDENTITY",
		want: []string{"different column auth.audit_events.id", "missing sequence auth.audit_events_id_seq"}, word: "is bigint, must",
	},
	{
		name: "a comment changed", do: "COMMENT ON COLUMN auth.users.auth_provider IS 'something else'",
		want: []string{"different comment auth.users.auth_provider"}, word: "something else",
	},
	{
		name: "a comment dropped", do: "COMMENT ON TABLE auth.tombstones IS NULL",
		want: []string{"missing comment auth.tombstones"}, word: "Deleted accounts",
	},
	{
		name: "a grant added", do: "GRANT SELECT ON auth.users TO PUBLIC", state: schema.Extras,
		want: []string{"extra grant SELECT on auth.users to public"},
	},
	{
		name: "a grant of a column", do: "GRANT UPDATE (token_balance) ON auth.users TO PUBLIC", state: schema.Extras,
		want: []string{"extra grant UPDATE on auth.users.token_balance to public"},
	},
	{
		name: "a right more for the role that serves", do: "GRANT UPDATE ON auth.audit_events TO auth_serving", state: schema.Extras,
		want: []string{"extra grant UPDATE on auth.audit_events to auth_serving"},
	},
	{
		name: "a right less for the role that serves", do: "REVOKE INSERT ON auth.audit_events FROM auth_serving",
		want: []string{"missing grant INSERT on auth.audit_events to auth_serving"},
	},
	{
		name: "a grant of the schema", do: "GRANT CREATE ON SCHEMA auth TO PUBLIC", state: schema.Extras,
		want: []string{"extra grant CREATE on auth to public"},
	},
	{
		name: "a grant revoked", do: "REVOKE EXECUTE ON FUNCTION auth.canonical_email(text) FROM PUBLIC",
		want: []string{"missing grant EXECUTE on auth.canonical_email(email text) to public"},
	},
	{
		name: "row security on", do: "ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY",
		want: []string{"different row security auth.users"}, word: "is on, must be off",
	},
	{
		name: "row security for the owner, too", do: "ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
		want: []string{"different row security auth.users"}, word: "is forced",
	},
	{
		name: "a policy added", do: "CREATE POLICY everybody ON auth.users USING (is_active)", state: schema.Extras,
		want: []string{"extra policy auth.users.everybody"}, word: "using is_active",
	},
	{
		name: "a rule added", do: "CREATE RULE nothing AS ON DELETE TO auth.users DO INSTEAD NOTHING", state: schema.Extras,
		want: []string{"extra rule auth.users.nothing"}, word: "DO INSTEAD NOTHING",
	},
	{
		name: "a table that a crash empties", do: "ALTER TABLE auth.verification_keys SET UNLOGGED",
		want: []string{"different table auth.verification_keys"}, word: "is unlogged, must be permanent",
	},
	{
		name: "a table's storage", do: "ALTER TABLE auth.users SET (autovacuum_enabled = false)",
		want: []string{"different table auth.users"}, word: "autovacuum_enabled=false",
	},
	{
		name: "a table added", do: "CREATE TABLE auth.notes (id int)", state: schema.Extras,
		want: []string{"extra column auth.notes.id", "extra row security auth.notes", "extra table auth.notes"}, word: "(integer)",
	},
	{
		name: "a table that inherits", do: "CREATE TABLE auth.more_tombstones () INHERITS (auth.tombstones)", state: schema.Extras,
		want: []string{
			"extra column auth.more_tombstones.deleted_at", "extra column auth.more_tombstones.firebase_uid",
			"extra column auth.more_tombstones.user_id", "extra not null auth.more_tombstones.deleted_at",
			"extra not null auth.more_tombstones.user_id", "extra row security auth.more_tombstones", "extra table auth.more_tombstones",
		},
	},
	{
		name: "a table dropped", do: "DROP TABLE auth.verification_keys",
		want: []string{
			"missing column auth.verification_keys.fetched_at", "missing column auth.verification_keys.fresh_until",
			"missing column auth.verification_keys.keys", "missing column auth.verification_keys.source",
			"missing comment auth.verification_keys", "missing constraint auth.verification_keys.verification_keys_pkey",
			"missing grant INSERT on auth.verification_keys to auth_serving", "missing grant SELECT on auth.verification_keys to auth_serving",
			"missing grant UPDATE on auth.verification_keys to auth_serving",
			"missing not null auth.verification_keys.fetched_at", "missing not null auth.verification_keys.fresh_until",
			"missing not null auth.verification_keys.keys", "missing not null auth.verification_keys.source",
			"missing row security auth.verification_keys", "missing table auth.verification_keys",
		},
	},
	{
		name: "a view added", do: "CREATE VIEW auth.active AS SELECT id FROM auth.users WHERE is_active", state: schema.Extras,
		want: []string{"extra view auth.active"}, word: "is_active;)",
	},
	{
		name: "a type added", do: "CREATE TYPE auth.mood AS ENUM ('good', 'bad')", state: schema.Extras,
		want: []string{"extra enum auth.mood", "extra grant USAGE on auth.mood to public"}, word: "'good', 'bad'",
	},
	{
		name: "a sequence added", do: "CREATE SEQUENCE auth.numbers", state: schema.Extras,
		want: []string{"extra sequence auth.numbers"}, word: "start 1",
	},
}

func TestValidate_NamesEveryDrift_D2(t *testing.T) {
	t.Parallel()
	t.Logf("%d kinds of drift", len(drifts))
	for _, drift := range drifts {
		t.Run(drift.name, func(t *testing.T) {
			t.Parallel()
			d := migrated(t)
			d.exec(drift.do)
			if drift.fails != "" {
				if _, err := d.Exec(t.Context(), drift.fails); err == nil {
					t.Fatal("the statement that must fail did not")
				}
			}
			report, err := schema.Validate(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			expectNamed(t, report.Differences, drift.want, drift.word)
			wanted := drift.state
			if wanted == "" {
				wanted = schema.Drifted
			}
			if report.State != wanted || report.Serves() != (wanted == schema.Extras) {
				t.Errorf("the state is %s (serves: %t), expected %s", report.State, report.Serves(), wanted)
			}
			if report.Fingerprint == report.ExpectedFingerprint {
				t.Error("the fingerprint is that of an undrifted schema")
			}
		})
	}
}

func expectNamed(t *testing.T, found []schema.Difference, want []string, word string) {
	t.Helper()
	var named []string
	for _, d := range found {
		named = append(named, string(d.Change)+" "+d.Kind+" "+d.Name)
	}
	if sorted := slices.Sorted(slices.Values(named)); !slices.Equal(sorted, slices.Sorted(slices.Values(want))) {
		t.Errorf("D2: named are\n  %s\nexpected\n  %s", strings.Join(named, "\n  "), strings.Join(want, "\n  "))
		return
	}
	if len(found) > 0 && !strings.Contains(found[0].String(), word) {
		t.Errorf("D2: %q does not say %q", found[0], word)
	}
}

func TestValidate_ANewerReleaseMayChangeWhatItShares_D2(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	expectState := func(what string, want schema.State) {
		t.Helper()
		report, err := schema.Validate(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if report.State != want {
			t.Errorf("D2: %s is %s, expected %s: %v", what, report.State, want, report.Differences)
		}
	}
	d.exec("COMMENT ON TABLE auth.tombstones IS 'said in other words'")
	expectState("a changed comment", schema.Drifted)
	d.exec("INSERT INTO auth.schema_migrations (version) VALUES ('900')")
	expectState("a changed comment after a newer release's migration", schema.Ahead)
	d.exec("DROP INDEX auth.idx_users_is_active")
	expectState("a missing index after a newer release's migration", schema.Drifted)
}
