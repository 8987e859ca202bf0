package pg_test

import (
	"testing"
	"time"

	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgtest"
)

// D3: infinities are beyond every instant.
func TestOpen_InfinitiesAreTheEndsOfTime(t *testing.T) {
	t.Parallel()
	pool, err := pg.Open(t.Context(), pg.Options{URL: pgtest.New(t), LegacyTimezone: "Asia/Jakarta"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	for _, kind := range []string{"timestamp", "timestamptz"} {
		var later, earlier, last, plain time.Time
		var through, null *time.Time
		err := pool.QueryRow(t.Context(), `SELECT 'infinity'::`+kind+`, '-infinity'::`+kind+`, '294276-12-31'::`+kind+`,
			'2026-01-02 03:04:05'::`+kind+`, 'infinity'::`+kind+`, NULL::`+kind).Scan(&later, &earlier, &last, &plain, &through, &null)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		first := time.Date(-4713, 1, 1, 0, 0, 0, 0, time.UTC)
		if !later.After(last) || !earlier.Before(first) || through == nil || !through.Equal(later) || null != nil {
			t.Errorf("%s: infinities are read as %s, %s and %v, NULL as %v", kind, later, earlier, through, null)
		}
		if want := time.Date(2026, 1, 1, 20, 4, 5, 0, time.UTC); !plain.Equal(want) { // 03:04:05 in Jakarta
			t.Errorf("%s: read as %s, expected %s", kind, plain, want)
		}
		if err := pool.QueryRow(t.Context(), "SELECT NULL::"+kind).Scan(&plain); err == nil {
			t.Errorf("%s: NULL was read into a time.Time", kind)
		}
	}
}
