package schema_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/schema"
)

func TestMigrations_UpDownUp_D5(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("000")
	d.legacyPeople(20)
	people, before := d.people(), d.shape()
	for _, version := range steps(t)[1:] {
		d.upTo(version)
		after := d.shape()
		if err := d.downTo(""); err != nil {
			t.Fatalf("%s: down: %v", version, err)
		}
		if version == "001" { // the archive stays
			before = d.shape()
		}
		expectSame(t, version+" down", before, d.shape())
		d.upTo(version)
		expectSame(t, version+" up again", after, d.shape())
		expectSame(t, "people after "+version, people, d.people())
		before = after
	}
}

func TestMigrations_AllTheWayDownAndUp_D5(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	shape := d.shape()
	if err := d.downTo("000"); err != nil {
		t.Fatal(err)
	}
	if err := d.downTo(""); err != nil {
		t.Fatal(err)
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

func TestMigrations_DownRefusesToLosePeople_D5(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("000")
	d.legacyPeople(3)
	shape, people := d.shape(), d.people()
	err := d.downTo("")
	if err == nil {
		t.Fatal("the table went down with its people")
	}
	for _, word := range []string{"auth.users holds 3 people", "would lose them", "Back the table up"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the refusal does not say %q: %v", word, err)
		}
	}
	expectSame(t, "a refused down", shape, d.shape())
	expectSame(t, "the people", people, d.people())
}

func (d database) allRows() string {
	d.t.Helper()
	return d.lines(`
		SELECT 'users ' || to_jsonb(u)::text FROM auth.users AS u
		UNION ALL SELECT 'tombstones ' || to_jsonb(s)::text FROM auth.tombstones AS s
		UNION ALL SELECT 'events ' || to_jsonb(e)::text FROM auth.audit_events AS e
		UNION ALL SELECT 'passwords ' || to_jsonb(p)::text FROM auth.set_aside_passwords AS p
		UNION ALL SELECT 'keys ' || to_jsonb(k)::text FROM auth.verification_keys AS k
		UNION ALL SELECT 'sessions ' || to_jsonb(l)::text FROM auth.legacy_sessions AS l
		UNION ALL SELECT 'claims ' || to_jsonb(c)::text FROM auth.move_claims AS c
		UNION ALL SELECT 'api keys ' || to_jsonb(a)::text FROM auth.api_keys AS a
		UNION ALL SELECT 'ledger ' || to_jsonb(l)::text FROM auth.ledger_entries AS l
		UNION ALL SELECT 'rollout ' || to_jsonb(r)::text FROM auth.rollout AS r
		UNION ALL SELECT 'job ' || jsonb_build_array(kind, args, queue, attempt, errors, metadata, unique_key, unique_states, finalized_at,
			CASE WHEN state = 'discarded' THEN 'dead' ELSE 'owed' END)::text FROM auth.river_job WHERE state NOT IN ('completed', 'cancelled')
		UNION ALL SELECT 'run ' || to_jsonb(b)::text FROM auth.bulk_runs AS b
		UNION ALL SELECT 'run user ' || to_jsonb(b)::text FROM auth.bulk_run_users AS b
		UNION ALL SELECT 'hash config ' || to_jsonb(h)::text FROM auth.firebase_hash_configs AS h
		UNION ALL SELECT 'firebase password ' || to_jsonb(p)::text FROM auth.firebase_passwords AS p
		UNION ALL SELECT 'project ' || to_jsonb(f)::text FROM auth.firebase_project AS f
		ORDER BY 1`)
}

func (d database) bothWorlds(n int) {
	d.t.Helper()
	d.exec(fmt.Sprintf(`INSERT INTO auth.users (username, email, password_hash, auth_provider, firebase_uid, provider_data, last_firebase_sync,
			federation_status, tokens_valid_after, legacy_tokens_valid_after, password_set_at, token_balance,
			email_proven_at, email_proven_by)
		SELECT 'person ' || i, 'person' || i || '@example.com', CASE WHEN i %% 3 <> 1 THEN 'hash ' || i END,
			(ARRAY['local', 'firebase', 'hybrid'])[i %% 3 + 1], CASE WHEN i %% 3 > 0 THEN 'a-firebase-uid-of-the-person-' || i END,
			CASE WHEN i %% 4 = 0 THEN jsonb_build_object('n', i) END, CASE WHEN i %% 5 = 0 THEN now() END,
			(ARRAY['active', 'syncing', 'failed', 'disabled'])[i %% 4 + 1], CASE WHEN i %% 7 = 0 THEN now() END,
			CASE WHEN i %% 11 = 0 THEN 'infinity'::timestamptz END, CASE WHEN i %% 2 = 0 THEN now() END, i,
			CASE WHEN i %% 9 = 0 THEN now() END, CASE WHEN i %% 18 = 0 THEN 'google.com' END
		FROM generate_series(1, %d) AS i`, n))
	d.exec(`INSERT INTO auth.tombstones SELECT gen_random_uuid(), 'a-firebase-uid-of-somebody-' || i, now() FROM generate_series(1, 50) AS i`)
	d.exec(`INSERT INTO auth.audit_events (action, actor, user_id) SELECT 'login', 'system', id FROM auth.users LIMIT 50`)
	d.exec(`INSERT INTO auth.set_aside_passwords (user_id, password_hash, reason) SELECT id, 'x', 'test' FROM auth.users LIMIT 50`)
	d.exec(`INSERT INTO auth.verification_keys VALUES ('https://keys', '{"keys": []}', now(), now())`)
	d.exec(`INSERT INTO auth.legacy_sessions (id, user_id, began_at, seed, generation, rotated_at, expires_at, user_agent, carried_at)
		SELECT gen_random_uuid(), id, now(), '\x00ff', 3, now(), now(), 'a client', CASE WHEN username LIKE '%7' THEN now() END FROM auth.users LIMIT 2500`)
	d.exec(`INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at, failure) SELECT id, 'a mover', now(), 'conflict' FROM auth.users LIMIT 50`)
	d.exec(`INSERT INTO auth.api_keys (id, name, scope, hash, created_by, last_used_at, revoked_at, revoked_by)
		SELECT 'key ' || i, 'a service', 'balance', '\x00ff', 'cli:somebody', CASE WHEN i > 1 THEN now() END, CASE WHEN i > 2 THEN now() END,
			CASE WHEN i > 2 THEN 'cli:somebody' END
		FROM generate_series(1, 3) AS i`)
	d.exec(`INSERT INTO auth.river_job (state, kind, args, attempt, errors, unique_key, unique_states, finalized_at)
		SELECT state, 'firebase_state', jsonb_build_object('user_id', gen_random_uuid()), 3, ARRAY['{"error": "x"}'::jsonb], decode(md5(state::text), 'hex'),
			'10101011', CASE WHEN state IN ('cancelled', 'completed', 'discarded') THEN now() END
		FROM unnest(enum_range(NULL::auth.river_job_state)) AS state`)
	d.exec(`INSERT INTO auth.bulk_runs (id, kind, state, reason, project_id, tenant, selection, parallel, max_errors, started_by, after_id, moved, lease_by, lease_until)
		SELECT gen_random_uuid(), 'move', state, 'canary', 'a-project', '', 'all', 4, 10, 'cli:somebody', gen_random_uuid(), 5, gen_random_uuid(), now()
		FROM unnest(ARRAY['paused', 'done', 'stopped']) AS state`)
	d.exec(`INSERT INTO auth.bulk_run_users (run_id, user_id, outcome, code)
		SELECT r.id, u.id, 'failed', 'email_taken' FROM auth.bulk_runs AS r CROSS JOIN (SELECT id FROM auth.users LIMIT 50) AS u`)
	d.exec(`INSERT INTO auth.firebase_hash_configs (project, version, algorithm, signer_key, salt_separator, rounds, memory_cost)
		SELECT 'a-project', i, 'SCRYPT', decode(repeat('00ff', 32), 'hex'), '\x07', 8, 14 FROM generate_series(0, 1) AS i`)
	d.exec(`INSERT INTO auth.firebase_passwords (user_id, config_id, hash, salt, local_hash, password_set_at)
		SELECT users.id, configs.id, decode(repeat('00', 64), 'hex'), '\x00ff', users.password_hash, now()
		FROM auth.users AS users JOIN auth.firebase_hash_configs AS configs ON configs.version = users.token_balance % 2
		WHERE users.auth_provider = 'local'`)
	d.exec(`INSERT INTO auth.firebase_project (project_id, tenant) VALUES ('a-project', '')`)
	d.exec(`UPDATE auth.rollout SET users_buckets = 1234, new_users = 'local', deny = ARRAY[gen_random_uuid()], revision = 7`)
}

func TestMigrations_DownAndUpKeepEveryRow_D5(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.bothWorlds(5_000)
	shape, rows := d.shape(), d.allRows()
	if err := d.downTo("000"); err != nil {
		t.Fatal(err)
	}
	if n := d.lines("SELECT count(*)::text FROM auth.users WHERE password_hash = '!'"); n != "1667" {
		t.Errorf("%s people have the mark of no password, expected 1667", n)
	}
	if n := d.lines("SELECT count(*)::text FROM auth.users"); n != "5000" {
		t.Errorf("%s people are there while it is down, expected 5000", n)
	}
	d.migrate()
	expectSame(t, "the schema", shape, d.shape())
	if got := d.allRows(); got != rows {
		t.Error("D5: rows differ after down and up")
		expectSame(t, "rows", rows, got)
	}
	if left := d.lines("SELECT count(*)::text FROM auth.federation_archive"); left != "0" {
		t.Errorf("%s rows are left in the archive", left)
	}
	d.exec("INSERT INTO auth.audit_events (action, actor) VALUES ('login', 'system')") // the sequence went on
}

func TestMigrations_UpAgainRespectsWhatHappenedMeanwhile_D5(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.bothWorlds(30)
	if err := d.downTo("000"); err != nil {
		t.Fatal(err)
	}
	d.exec("UPDATE auth.users SET password_hash = 'set meanwhile' WHERE email = 'person1@example.com'")
	d.exec("DELETE FROM auth.users WHERE email = 'person4@example.com'")
	d.migrate()
	if got := d.lines("SELECT password_hash || ' ' || firebase_uid FROM auth.users WHERE email = 'person1@example.com'"); !strings.HasPrefix(got, "set meanwhile a-firebase-uid") {
		t.Errorf("the row is %q, expected the password set meanwhile and the old uid", got)
	}
	if got := d.lines("SELECT count(*)::text FROM auth.users WHERE email = 'person4@example.com'"); got != "0" {
		t.Error("somebody who was deleted is back")
	}
}

func TestMigrations_RestoreLeavesLaterFacts_D5(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.bothWorlds(30)
	rows := d.allRows()
	if err := d.downTo("000"); err != nil {
		t.Fatal(err)
	}
	d.exec(`INSERT INTO auth.federation_archive AS kept (relation, key, facts) SELECT 'auth.users', id::text, '{"locale": "id"}' FROM auth.users
		ON CONFLICT (relation, key) DO UPDATE SET facts = kept.facts || excluded.facts`)
	d.migrate()
	expectSame(t, "rows", rows, d.allRows())
	if got := d.lines("SELECT DISTINCT facts::text || ' ' || count(*) OVER () FROM auth.federation_archive"); got != `{"locale": "id"} 30` {
		t.Errorf("D5: the archive holds %q, expected the locale of 30 people", got)
	}
}

func TestMigrations_RestoreStopsNoWriter_D4(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.bothWorlds(3000)
	rows := d.allRows()
	if err := d.downTo("000"); err != nil {
		t.Fatal(err)
	}
	d.upTo("015")
	holder, err := d.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(t.Context(), "UPDATE auth.users SET username = username WHERE email = 'person100@example.com'"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- tryMigrate(d) }()
	var longest time.Duration
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
		began := time.Now()
		d.exec("UPDATE auth.users SET username = username WHERE email = 'person200@example.com'")
		longest = max(longest, time.Since(began))
	}
	if longest > time.Second {
		t.Errorf("D4: a write of another row waited for %s", longest)
	}
	if err := holder.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := within(t, done); err != nil {
		t.Errorf("D4: it gave up: %v", err)
	}
	expectSame(t, "rows", rows, d.allRows())
}

// ADOPT_ROWS sets the rows (default 100,000).
func TestMigrations_DownStopsNoWriter_D4(t *testing.T) {
	people := rowsAsked(t)
	d := migrated(t)
	d.bothWorlds(people)
	w, endReader := d.traffic(), d.longReader()
	began := time.Now()
	err := d.downTo("000")
	took := time.Since(began)
	endReader()
	if err != nil {
		t.Fatalf("D4: %v", err)
	}
	t.Logf("D4: %d rows taken down in %s", people, took.Round(time.Millisecond))
	w.finish(t)
}

func TestMigrations_DownMarksWhoComesMeanwhile_D5(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.bothWorlds(20_000)
	if err := d.downTo("003"); err != nil {
		t.Fatal(err)
	}
	refused := make(chan int, 1)
	go func() {
		for n := 0; ; n++ {
			_, err := d.Exec(t.Context(), "INSERT INTO auth.users (email, auth_provider) VALUES ($1, 'firebase')", fmt.Sprintf("late%d@example.com", n))
			if err != nil {
				refused <- n
				return
			}
		}
	}()
	if err := d.downTo(""); err != nil {
		t.Fatalf("D5: %v", err)
	}
	came := <-refused
	if marked := d.lines("SELECT count(*)::text FROM auth.users WHERE email LIKE 'late%' AND password_hash = '!'"); marked != fmt.Sprint(came) || came == 0 {
		t.Errorf("D5: %s of %d who came meanwhile have the mark", marked, came)
	}
	if kept := d.lines("SELECT count(*)::text FROM auth.federation_archive WHERE relation = 'auth.users' AND facts ? 'password_hash'"); kept != fmt.Sprint(6667+came) {
		t.Errorf("D5: the archive keeps %s, expected the %d of before and %d", kept, 6667, came)
	}
}

func TestMigrations_ADownCutShortGoesOn_D5(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.bothWorlds(20_000)
	shape, rows := d.shape(), d.allRows()
	cuts := 0
	for limit := 50 * time.Millisecond; ; limit += 25 * time.Millisecond {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		_, err := schema.Rollback(ctx, schema.Options{DatabaseURL: d.url, Logger: quiet}, "000")
		cancel()
		if err == nil || strings.Contains(err.Error(), "nothing to roll back") {
			break
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("D5: after %d cuts: %v", cuts, err)
		}
		cuts++
	}
	if cuts < 3 {
		t.Fatalf("it was cut %d times: the test has nothing to say", cuts)
	}
	d.migrate()
	expectSame(t, "the schema", shape, d.shape())
	if got := d.allRows(); got != rows {
		t.Errorf("D5: rows differ after a way down that was cut %d times", cuts)
	}
}

// A return after the way down stores the parameters again, under another id.
func TestMigrations_RestorePasswordsOfParametersThatWereStoredAgain_D5(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.bothWorlds(30)
	const kept = `SELECT user_id::text || version FROM auth.firebase_passwords JOIN auth.firebase_hash_configs AS c ON c.id = config_id ORDER BY 1`
	before := d.lines(kept)
	if err := d.downTo("046"); err != nil {
		t.Fatal(err)
	}
	for table, key := range map[string]string{"firebase_hash_configs": "id", "firebase_passwords": "user_id"} {
		d.exec(fmt.Sprintf(`INSERT INTO auth.federation_archive (relation, key, facts)
			SELECT 'auth.%[1]s', %[2]s::text, to_jsonb(gone) FROM auth.%[1]s AS gone`, table, key))
	}
	d.exec("DELETE FROM auth.firebase_passwords")
	d.exec("UPDATE auth.firebase_hash_configs SET id = gen_random_uuid() WHERE version = 1")
	d.migrate()
	if after := d.lines(kept); after != before || before == "" {
		t.Errorf("D5: the passwords are\n%s\nexpected\n%s", after, before)
	}
	if left := d.lines("SELECT count(*)::text FROM auth.federation_archive WHERE relation LIKE 'auth.firebase_%'"); left != "0" {
		t.Errorf("%s facts stay in the archive", left)
	}
}

func TestMigrations_AdoptTheLegacyTable_D3(t *testing.T) {
	t.Parallel()
	fresh, adopted := migrated(t), empty(t)
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
