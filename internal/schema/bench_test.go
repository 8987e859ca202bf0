package schema_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/pgtest"
)

// BenchmarkValidate measures ratios; only they mean anything.
func BenchmarkValidate(b *testing.B) {
	for _, objects := range []int{0, 1000} {
		pool := objectsPool(b, objects)
		found, err := schema.Read(b.Context(), pool)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("objects=%d/select-1", len(found)), func(b *testing.B) {
			for b.Loop() {
				if _, err := pool.Exec(b.Context(), "SELECT 1"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("objects=%d/validate", len(found)), func(b *testing.B) {
			for b.Loop() {
				if _, err := schema.Validate(b.Context(), pool); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func objectsPool(b *testing.B, objects int) *pgxpool.Pool {
	b.Helper()
	config, err := pgxpool.ParseConfig(pgtest.New(b))
	if err != nil {
		b.Fatal(err)
	}
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	for n := 0; ; n++ {
		found, err := schema.Read(b.Context(), pool)
		if err != nil {
			b.Fatal(err)
		}
		if len(found) >= objects {
			return pool
		}
		_, err = pool.Exec(b.Context(), fmt.Sprintf(`CREATE TABLE auth.filler_%[1]d (
			id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'x' UNIQUE, amount int NOT NULL DEFAULT 0 CHECK (amount >= 0), at timestamptz);
			CREATE INDEX idx_filler_%[1]d_at ON auth.filler_%[1]d (at); COMMENT ON TABLE auth.filler_%[1]d IS 'filler'`, n))
		if err != nil {
			b.Fatal(err)
		}
	}
}
