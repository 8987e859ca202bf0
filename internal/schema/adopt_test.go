package schema_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/schema"
)

const legacyTable = `
	CREATE SCHEMA auth; CREATE EXTENSION "uuid-ossp" WITH SCHEMA public;
	CREATE TABLE auth.users (
		id UUID PRIMARY KEY DEFAULT gen_random_uuid(), username VARCHAR(100), email VARCHAR(255) UNIQUE, password_hash VARCHAR(255) NOT NULL,
		user_type VARCHAR(20) DEFAULT 'user', is_active BOOLEAN, token_balance INTEGER DEFAULT 0,
		created_at TIMESTAMP DEFAULT NOW(), updated_at TIMESTAMP DEFAULT NOW(), locale TEXT DEFAULT 'id', CONSTRAINT uq_username UNIQUE (username));
	CREATE INDEX idx_users_locale ON auth.users (locale); CREATE INDEX idx_users_email ON auth.users (email)`

func (d database) options() schema.Options { return schema.Options{DatabaseURL: d.url, Logger: quiet} }

func oddID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func (d database) oddRows() {
	d.t.Helper()
	const hash = "'$2a$10$' || repeat('x', 53)"
	for n, row := range []string{
		"'jane', 'jane@example.com', " + hash + ", 'user', true, 0, now(), now()",
		"'Jane', 'Jane@Example.com ', " + hash + ", 'user', true, 0, now(), now()",
		"NULL, NULL, " + hash + ", 'user', true, 0, now(), now()",
		"'jürgen', 'jürgen@example.com', " + hash + ", 'user', true, 0, now(), now()",
		"'eighty', 'eighty@example.com', '$2y$10$' || repeat('e', 53), 'user', true, 0, now(), now()",
		"'md5', 'md5@example.com', md5('x'), 'user', true, 0, now(), now()",
		"'nulls', 'nulls@example.com', " + hash + ", NULL, NULL, NULL, NULL, NULL",
		"'debt', 'debt@example.com', " + hash + ", 'user', false, -5, now(), now()",
		"'jakarta', 'jakarta@example.com', " + hash + ", 'admin', true, 7, now(), now() AT TIME ZONE 'Asia/Jakarta'",
		"'dots', 'john..doe@example.com', '$2b$15$' || repeat('x', 53), 'user', true, 0, now(), now()",
		"'quoted', '\"john doe\"@example.com', '$2y$31$' || repeat('x', 53), 'user', true, 0, now(), now()",
		"'dot', 'john.@example.com', '$2b$14$' || repeat('x', 53), 'user', true, 0, now(), now()",
		"'third', 'third@example.com', '$2b$32$' || repeat('x', 53), 'user', true, 0, now(), now()", // bcrypt's costs end at 31
	} {
		d.exec("INSERT INTO auth.users (id, username, email, password_hash, user_type, is_active, token_balance, created_at, updated_at) VALUES ('" +
			oddID(n) + "', " + row + ")")
	}
}

func rowsOf(found []schema.Obstacle, what string) []string {
	o := named(found, what)
	rows := slices.Clone(o.Rows)
	for _, group := range o.Groups {
		rows = append(rows, group.Rows...)
	}
	return slices.Sorted(slices.Values(rows))
}

func named(found []schema.Obstacle, what string) schema.Obstacle {
	for _, o := range found {
		if strings.Contains(o.What, what) {
			return o
		}
	}
	return schema.Obstacle{}
}

func TestAdopt_SaysWhichRowsCollideWithWhich_D3(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.exec(`CREATE SCHEMA auth; CREATE TABLE auth.users (
		id UUID PRIMARY KEY, username TEXT, email TEXT, password_hash TEXT NOT NULL DEFAULT '!', user_type TEXT DEFAULT 'user',
		is_active BOOLEAN DEFAULT true, token_balance INTEGER DEFAULT 0, created_at TIMESTAMP DEFAULT NOW(), updated_at TIMESTAMP DEFAULT NOW(),
		firebase_uid TEXT)`)
	add := func(n int, username, email, uid string) {
		d.exec("INSERT INTO auth.users (id, username, email, firebase_uid) VALUES ($1, nullif($2, ''), $3, nullif($4, ''))", oddID(n), username, email, uid)
	}
	const uid = "a uid of twenty and more"
	for n, row := range [][3]string{
		{"a", "Zoe@example.com", uid},
		{"b", "amy@example.com", ""},
		{"a", " zoe@example.com", ""},
		{"", "AMY@example.com\t", ""},
		{"B", "joe@example.com", uid},
		{"", "ann@example.com", ""},
		{"b", "zoe@example.com ", ""},
	} {
		add(n, row[0], row[1], row[2])
	}
	survey, err := schema.Look(t.Context(), d.options())
	if err != nil {
		t.Fatal(err)
	}
	ids := func(rows ...int) (all []string) {
		for _, n := range rows {
			all = append(all, oddID(n))
		}
		return all
	}
	for what, want := range map[string][]schema.Group{
		"share an e-mail": {
			{Value: "amy@example.com", Count: 2, Rows: ids(1, 3)}, {Value: "zoe@example.com", Count: 3, Rows: ids(0, 2, 6)},
		},
		"share a username":     {{Value: "a", Count: 2, Rows: ids(0, 2)}, {Value: "b", Count: 2, Rows: ids(1, 6)}},
		"share a firebase_uid": {{Value: uid, Count: 2, Rows: ids(0, 4)}},
	} {
		if got := named(survey.Obstacles, what); !reflect.DeepEqual(got.Groups, want) || got.MoreGroups != 0 {
			t.Errorf("%s: %+v, expected %+v", what, got, want)
		}
	}

	for n := range 12 {
		add(100+n, "many", fmt.Sprintf("many%d@example.com", n), "")
	}
	for n := range 2 * 103 {
		add(1000+n, "", fmt.Sprintf("pair%03d@example.com", n/2), "")
	}
	if survey, err = schema.Look(t.Context(), d.options()); err != nil {
		t.Fatal(err)
	}
	if got := named(survey.Obstacles, "share an e-mail"); len(got.Groups) != 100 || got.MoreGroups != 5 || got.Count != 5+206 {
		t.Errorf("of 105 groups %d are listed and %d are not, of %d rows", len(got.Groups), got.MoreGroups, got.Count)
	}
	if got := named(survey.Obstacles, "share a username"); len(got.Groups) != 3 || got.Groups[2].Count != 12 || len(got.Groups[2].Rows) != 10 {
		t.Errorf("a group of twelve: %+v", got.Groups)
	}
}

func TestAdopt_NamesEveryOddRow_D3(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.exec(legacyTable)
	d.exec("ALTER TABLE auth.users ADD COLUMN last_login TIMESTAMP")
	d.exec("ALTER TABLE auth.users DROP CONSTRAINT uq_username")
	d.oddRows()
	for n := 13; n <= 14; n++ {
		d.exec("INSERT INTO auth.users (id, username, email, password_hash) VALUES ($1::text::uuid, 'twin', $1::text || '@example.com', '$2a$10$' || repeat('x', 53))", oddID(n))
	}
	shape, rows := d.shape(), d.legacyRows()
	for name, adopt := range map[string]func(context.Context, schema.Options) (schema.Survey, error){"look": schema.Look, "adopt": schema.Adopt} {
		s, err := adopt(t.Context(), d.options())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for what, want := range map[string][]string{"share an e-mail": {oddID(0), oddID(1)}, "no e-mail": {oddID(2)}, "share a username": {oddID(13), oddID(14)}} {
			if got := rowsOf(s.Obstacles, what); !slices.Equal(got, want) {
				t.Errorf("%s: in the way, %s: %v, expected %v", name, what, got, want)
			}
		}
		for what, want := range map[string][]string{
			"beyond ASCII": {oddID(3)}, "not bcrypt's": {oddID(5), oddID(12)}, "of NULL": {oddID(6), oddID(13), oddID(14)},
			"cost above 14": {oddID(9), oddID(10)}, "no new account may have": {oddID(9), oddID(10), oddID(11)},
			"below zero": {oddID(7)}, "in the future": {oddID(8)},
		} {
			if got := rowsOf(s.Notes, what); !slices.Equal(got, want) {
				t.Errorf("%s: worth knowing, %s: %v, expected %v", name, what, got, want)
			}
		}
		if len(s.Alterations) != 4 || len(s.Pending) != len(steps(t)) || s.People != 15 {
			t.Errorf("%s: %d alterations, %d migrations, %d people, expected 4, %d, 15: %v",
				name, len(s.Alterations), len(s.Pending), s.People, len(steps(t)), s.Alterations)
		}
	}
	expectSame(t, "the schema", shape, d.shape())
	expectSame(t, "the rows", rows, d.legacyRows())
}

func (d database) legacyRows() string {
	d.t.Helper()
	return d.lines(`SELECT (to_jsonb(u) - ARRAY['firebase_uid', 'auth_provider', 'provider_data', 'last_firebase_sync', 'federation_status',
		'tokens_valid_after', 'legacy_tokens_valid_after', 'password_set_at', 'last_login',
		'email_proven_at', 'email_proven_by'])::text FROM auth.users AS u ORDER BY id`)
}

func TestAdopt_KeepsEveryRowAndWhatIsTheOwners_D3(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.exec(legacyTable)
	d.oddRows()
	d.exec("UPDATE auth.users SET email = 'jane.two@example.com' WHERE id = $1", oddID(1))
	d.exec("UPDATE auth.users SET email = id || '@users.noreply.invalid' WHERE email IS NULL")
	rows := d.legacyRows()
	for range 2 {
		s, err := schema.Adopt(t.Context(), d.options())
		if err != nil || len(s.Obstacles) > 0 {
			t.Fatalf("D3: %v %v", err, s.Obstacles)
		}
		expectSame(t, "the rows", rows, d.legacyRows())
		report, err := schema.Validate(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		var own []string
		for _, difference := range report.Differences {
			own = append(own, difference.String())
		}
		want := []string{
			"extra column auth.users.locale (text)", "extra default auth.users.locale ('id'::text)",
			"extra index auth.idx_users_email (CREATE INDEX idx_users_email ON auth.users USING btree (email))",
			"extra index auth.idx_users_locale (CREATE INDEX idx_users_locale ON auth.users USING btree (locale))",
		}
		if report.State != schema.Extras || !slices.Equal(own, want) {
			t.Errorf("D3: %s with %v, expected extras with %v", report.State, own, want)
		}
	}
}

func TestAdopt_AfterThePlanWasRunByHand_D3(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.exec(`CREATE SCHEMA auth; CREATE EXTENSION "uuid-ossp" WITH SCHEMA public;
		CREATE TABLE auth.users (
			id UUID PRIMARY KEY DEFAULT uuid_generate_v4(), username VARCHAR(100) UNIQUE, email VARCHAR(255) NOT NULL UNIQUE,
			password_hash VARCHAR(255) NOT NULL, user_type VARCHAR(20) DEFAULT 'user', is_active BOOLEAN DEFAULT true,
			token_balance INTEGER DEFAULT 0, last_login TIMESTAMP, created_at TIMESTAMP DEFAULT NOW(), updated_at TIMESTAMP DEFAULT NOW());
		ALTER TABLE auth.users ADD COLUMN firebase_uid VARCHAR(128) UNIQUE;
		CREATE INDEX idx_users_firebase_uid ON auth.users (firebase_uid);
		ALTER TABLE auth.users ADD COLUMN auth_provider VARCHAR(20) DEFAULT 'local', ADD COLUMN provider_data JSONB,
			ADD COLUMN last_firebase_sync TIMESTAMP, ADD COLUMN federation_status VARCHAR(20) DEFAULT 'active';
		ALTER TABLE auth.users ADD CONSTRAINT chk_auth_provider CHECK (auth_provider IN ('local', 'firebase', 'hybrid'));
		ALTER TABLE auth.users ALTER COLUMN password_hash DROP NOT NULL`)
	d.exec(`INSERT INTO auth.users (email, firebase_uid, auth_provider) VALUES ('new@example.com', 'a-firebase-uid-of-28-letters', 'firebase')`)
	if s, err := schema.Adopt(t.Context(), d.options()); err != nil || len(s.Obstacles) > 0 {
		t.Fatalf("D3: %v %v", err, s.Obstacles)
	}
	report, err := schema.Validate(t.Context(), d)
	if err != nil || !report.Serves() {
		t.Errorf("D3: %v %v", err, report.Differences)
	}
	if got := d.lines("SELECT firebase_uid FROM auth.users"); got != "a-firebase-uid-of-28-letters" {
		t.Errorf("the uid is %q", got)
	}
}

func TestAdopt_NamesWhatItCannotAlter(t *testing.T) {
	t.Parallel()
	d := empty(t)
	if _, err := schema.Adopt(t.Context(), d.options()); !errors.Is(err, schema.ErrNothingToAdopt) {
		t.Errorf("an empty database is adopted with %v", err)
	}
	d.exec(legacyTable)
	d.exec("ALTER TABLE auth.users ALTER COLUMN token_balance TYPE bigint, ALTER COLUMN email TYPE text")
	shape := d.shape()
	s, err := schema.Adopt(t.Context(), d.options())
	if err != nil {
		t.Fatal(err)
	}
	var what []string
	for _, o := range s.Obstacles {
		what = append(what, o.What)
	}
	if want := []string{
		"different column auth.users.email: is text, must be character varying(255)",
		"different column auth.users.token_balance: is bigint, must be integer",
	}; !slices.Equal(what, want) {
		t.Errorf("in the way: %v, expected %v", what, want)
	}
	expectSame(t, "the schema", shape, d.shape())
}

func TestLook_RunsNobodyElsesFunctions(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.exec(legacyTable)
	d.exec("ALTER TABLE auth.users ADD COLUMN firebase_uid VARCHAR(128)")
	d.exec("INSERT INTO auth.users (email, password_hash, firebase_uid) VALUES ('jane@example.com', 'x', 'a-firebase-uid-of-28-letters')")
	d.exec(`CREATE FUNCTION public.stranger(varchar, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'a stranger runs as us'; END $$;
		CREATE OPERATOR public.= (FUNCTION = public.stranger, LEFTARG = varchar, RIGHTARG = text);
		CREATE FUNCTION public.length(varchar) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'a stranger runs as us'; END $$`)
	if _, err := schema.Look(t.Context(), d.options()); err != nil {
		t.Errorf("a look ran a stranger's function: %v", err)
	}
	d.migrate()
	if err := schema.Ready(t.Context(), d); err != nil {
		t.Errorf("asking for readiness ran a stranger's operator: %v", err)
	}
}

func TestAdopt_StopsBeforeNotHalfway_D3(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change string
		says   string // "": adopted
	}{
		"no password, and nothing to say where they sign in": {
			"ALTER TABLE auth.users ALTER COLUMN password_hash DROP NOT NULL; INSERT INTO auth.users (email) VALUES ('jane@example.com')",
			"have no password",
		},
		"no uuid-ossp":                 {`DROP EXTENSION "uuid-ossp"`, ""},
		"no created_at":                {"ALTER TABLE auth.users DROP COLUMN created_at", ""},
		"an audit table of their own":  {"CREATE TABLE auth.audit_events (id int)", "auth.audit_events is there already"},
		"row security":                 {"ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY", "row security auth.users"},
		"a table that a crash empties": {"ALTER TABLE auth.users SET UNLOGGED", "table auth.users"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := empty(t)
			d.exec(legacyTable)
			d.exec(test.change)
			shape := d.shape()
			s, err := schema.Adopt(t.Context(), d.options())
			if err != nil {
				t.Fatal(err)
			}
			if test.says == "" {
				if report, err := schema.Validate(t.Context(), d); err != nil || len(s.Obstacles) > 0 || !report.Serves() {
					t.Errorf("D3: %v, in the way %v, differences %v; expected it adopted", err, s.Obstacles, report.Differences)
				}
				return
			}
			if len(s.Obstacles) != 1 || !strings.Contains(s.Obstacles[0].What, test.says) {
				t.Errorf("D3: in the way is %v, expected %q", s.Obstacles, test.says)
			}
			expectSame(t, "the schema", shape, d.shape())
		})
	}
}

// ADOPT_ROWS sets the rows (default 100,000).
func TestAdopt_StopsNoWriter_D4(t *testing.T) {
	people := rowsAsked(t)
	d := empty(t)
	d.exec(legacyTable)
	d.exec(`INSERT INTO auth.users (username, email, password_hash, token_balance)
		SELECT 'person ' || i, 'Person' || i || '@Example.com', '$2a$10$' || repeat('x', 53), i FROM generate_series(1, $1::int) AS i`, people)
	sum := func() string {
		return d.lines(`SELECT count(*) || ' ' || sum(hashtextextended((to_jsonb(u) - ARRAY['firebase_uid', 'auth_provider', 'provider_data',
			'last_firebase_sync', 'federation_status', 'tokens_valid_after', 'legacy_tokens_valid_after', 'password_set_at', 'last_login',
		'email_proven_at', 'email_proven_by'])::text, 0)::numeric)
			FROM auth.users AS u WHERE username LIKE 'person %'`)
	}
	before := sum()

	w, endReader := d.traffic(), d.longReader()
	began := time.Now()
	s, err := schema.Adopt(t.Context(), schema.Options{DatabaseURL: d.url, Logger: quiet, Patience: time.Minute})
	took := time.Since(began)
	endReader()
	if err != nil || len(s.Obstacles) > 0 {
		t.Fatalf("D4: %v %v", err, s.Obstacles)
	}
	t.Logf("D4: %d rows adopted in %s", people, took.Round(time.Millisecond))
	w.finish(t)
	if after := sum(); after != before {
		t.Errorf("D3: the rows are %s, expected %s", after, before)
	}
	d.expectBalanced("adoption")
	opened := `SELECT count(*)::text FROM auth.ledger_entries AS e JOIN auth.users AS u ON u.id = e.user_id
		WHERE kind = 'opening' AND username LIKE 'person %'`
	if n := d.lines(opened); n != fmt.Sprint(people) {
		t.Errorf("W3: %s opening entries of those who were there, expected one for each of %d", n, people)
	}
}
