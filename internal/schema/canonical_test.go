package schema_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/user"
)

func canonicalInSQL(t *testing.T, pool *pgxpool.Pool, addresses []string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), "SELECT auth.canonical_email(address) FROM unnest($1::text[]) WITH ORDINALITY AS a (address, n) ORDER BY n", addresses)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCanonicalEmail_SameInSQLAndGo_F2(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	addresses := []string{
		"jane@example.com", "JANE@EXAMPLE.COM", " \t\n\r\f\vJane@Example.com\v\f\r\n\t ", "vera@example.v", "v@example.vv", "O'Neil@Example.com", "a+b@x.y",
	}
	letters := rapid.StringMatching("[ \t\n\r\f\v]{0,3}[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,12}@[A-Za-z0-9-]{1,8}[.][A-Za-zv]{1,6}[ \t\n\r\f\v]{0,3}")
	for seed := range 3000 {
		addresses = append(addresses, letters.Example(seed))
	}
	inSQL := canonicalInSQL(t, pool, addresses)
	accepted := 0
	for i, address := range addresses {
		canonical, err := user.CanonicalEmail(address)
		if err != nil {
			continue
		}
		accepted++
		if canonical != inSQL[i] {
			t.Errorf("F2: %q is %q in Go and %q in SQL", address, canonical, inSQL[i])
		}
	}
	if accepted < len(addresses)/2 {
		t.Errorf("only %d of %d addresses were accepted: the test has little to say", accepted, len(addresses))
	}
}

func TestCanonicalEmail_FoldsASCIIOnly_F2(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	for address, want := range map[string]string{
		"\u212aATE@example.com": "\u212aate@example.com", "İ@EXAMPLE.COM": "İ@example.com", "JÄNE@EXAMPLE.COM": "jÄne@example.com",
		"\u00a0jane@example.com": "\u00a0jane@example.com", "\u200bjane@example.com": "\u200bjane@example.com",
	} {
		if got := canonicalInSQL(t, pool, []string{address})[0]; got != want {
			t.Errorf("F2: %q is %q in SQL, expected %q", address, got, want)
		}
		if got, err := user.CanonicalEmail(address); err == nil {
			t.Errorf("F2: %q passes as %q, expected it refused: it is beyond ASCII", address, got)
		}
	}
}

func TestCanonicalEmail_CollisionsStopTheMigration_F2(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("003")
	const one, two, three, alone = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002",
		"00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000004"
	d.exec(`INSERT INTO auth.users (id, email, password_hash) VALUES
		('` + one + `', 'jane@example.com', 'x'), ('` + two + `', 'Jane@Example.com', 'x'), ('` + three + `', E' JANE@example.com\t', 'x'),
		('` + alone + `', 'joe@example.com', 'x')`)
	shape, people, applied := d.shape(), d.people(), d.applied()
	err := tryMigrate(d)
	if err == nil {
		t.Fatal("colliding rows were migrated")
	}
	for _, id := range []string{one, two, three} {
		if !strings.Contains(err.Error(), id) {
			t.Errorf("the list does not name %s: %v", id, err)
		}
	}
	if strings.Contains(err.Error(), alone) {
		t.Errorf("the list names a row that collides with nobody: %v", err)
	}
	expectSame(t, "the schema", shape, d.shape())
	expectSame(t, "the people", people, d.people())
	expectSame(t, "the applied migrations", applied, d.applied())

	d.exec(`INSERT INTO auth.users (email, password_hash) SELECT repeat(' ', n % 12) || 'pair' || n / 12 || '@example.com', 'x' FROM generate_series(0, 299) AS n`)
	if err := tryMigrate(d); err == nil || !strings.Contains(err.Error(), "and 6 more groups") || !strings.Contains(err.Error(), "and 2 more;") || len(err.Error()) > 20000 {
		t.Errorf("300 rows in 25 groups, and three in one, are told of as: %v", err)
	}
	d.exec("DELETE FROM auth.users WHERE email LIKE '%pair%'")
	d.exec("DELETE FROM auth.users WHERE id IN ('" + two + "', '" + three + "')")
	d.migrate()
	if _, err := d.Exec(t.Context(), "INSERT INTO auth.users (email, password_hash) VALUES ('JANE@EXAMPLE.COM', 'x')"); err == nil {
		t.Error("F2: a second row of one canonical e-mail was let in")
	}
}
