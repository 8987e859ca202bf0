package operator_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgtest"
)

func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func execute(t *testing.T, pool *pgxpool.Pool, statement string, arguments ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statement, arguments...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func person(t *testing.T, pool *pgxpool.Pool, userType, change string) uuid.UUID {
	t.Helper()
	id := uuid.New()
	execute(t, pool, "INSERT INTO auth.users (id, email, password_hash, user_type) VALUES ($1, $1::uuid::text || '@example.com', 'x', $2)", id, userType)
	if change != "" {
		execute(t, pool, "UPDATE auth.users SET "+change+" WHERE id = $1", id)
	}
	return id
}

func key(t *testing.T, pool *pgxpool.Pool, id string, revoked bool) string {
	t.Helper()
	execute(t, pool, `INSERT INTO auth.api_keys (id, name, scope, hash, created_by, revoked_at, revoked_by)
		VALUES ($1, 'a service', 'admin', '\x00', 'cli:tester', CASE WHEN $2 THEN now() END, CASE WHEN $2 THEN 'cli:tester' END)`, id, revoked)
	return id
}

func TestHold_TheRowsDecide_O4(t *testing.T) {
	t.Parallel()
	pool := database(t)
	target := person(t, pool, "user", "")
	for name, c := range map[string]struct {
		by   operator.Operator
		want error
	}{
		"the command line":       {operator.Operator{Actor: "cli:tester"}, nil},
		"an admin":               {operator.Operator{Admin: person(t, pool, "admin", "")}, nil},
		"a user":                 {operator.Operator{Admin: person(t, pool, "user", "")}, operator.ErrNotAdmin},
		"a deactivated admin":    {operator.Operator{Admin: person(t, pool, "admin", "is_active = false")}, operator.ErrNotAdmin},
		"an admin Firebase bars": {operator.Operator{Admin: person(t, pool, "admin", "federation_status = 'disabled'")}, operator.ErrNotAdmin},
		"a deleted admin":        {operator.Operator{Admin: uuid.New()}, operator.ErrNotAdmin},
		"a key":                  {operator.Operator{Key: key(t, pool, "good", false)}, nil},
		"a revoked key":          {operator.Operator{Key: key(t, pool, "over", true)}, operator.ErrKeyRevoked},
		"no key":                 {operator.Operator{Key: "none"}, operator.ErrKeyRevoked},
	} {
		err := pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			held, err := operator.Hold(t.Context(), tx, c.by, target)
			if err == nil && !slices.Contains(held, target) {
				t.Errorf("%s: the target is not among %v", name, held)
			}
			return err
		})
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, expected %v", name, err, c.want)
		}
	}
	held, err := operator.Hold(t.Context(), pool, operator.Operator{Actor: "cli:tester"}, uuid.New())
	if err != nil || len(held) != 0 {
		t.Errorf("a row that does not exist: %v (%v)", held, err)
	}
}

func TestHold_LocksOutADemotion_O4(t *testing.T) {
	t.Parallel()
	pool := database(t)
	admin, id := person(t, pool, "admin", ""), key(t, pool, "service", false)
	err := pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := operator.Hold(t.Context(), tx, operator.Operator{Admin: admin, Key: id}); err != nil {
			return err
		}
		for _, statement := range []string{
			"UPDATE auth.users SET user_type = 'user' WHERE id = '" + admin.String() + "'",
			"UPDATE auth.api_keys SET revoked_at = now(), revoked_by = 'cli:tester' WHERE id = '" + id + "'",
		} {
			err := pg.InTx(t.Context(), pool, func(other pgx.Tx) error {
				if _, err := other.Exec(t.Context(), "SET LOCAL lock_timeout = '50ms'"); err != nil {
					return err
				}
				_, err := other.Exec(t.Context(), statement)
				return err
			})
			var refused *pgconn.PgError
			if !errors.As(err, &refused) || refused.Code != "55P03" { // lock_not_available
				t.Errorf("%s did not wait: %v", statement, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestByActor(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	for actor, want := range map[string]operator.Operator{
		"user:" + id.String(): {Actor: "user:" + id.String(), Admin: id},
		"key:abc":             {Actor: "key:abc", Key: "abc"},
		"cli:root":            {Actor: "cli:root"},
		"system":              {Actor: "system"},
	} {
		if got := operator.ByActor(actor); got != want {
			t.Errorf("%s: %+v, expected %+v", actor, got, want)
		}
	}
}
