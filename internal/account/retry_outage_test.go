package account

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestRetryOutage_AgainstOutagesAlone(t *testing.T) {
	t.Parallel()
	away, gone := &pgconn.PgError{Code: "57P03"}, &pgconn.PgError{Code: "42P01"}
	for name, c := range map[string]struct {
		answers []error
		times   int
	}{
		"done at once":       {[]error{nil}, 1},
		"nobody there":       {[]error{pgx.ErrNoRows, nil}, 1},
		"the table is gone":  {[]error{gone, nil}, 1},
		"away, then done":    {[]error{away, away, nil}, 3},
		"away, then refused": {[]error{away, gone, nil}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			times := 0
			err := retryOutage(t.Context(), func(context.Context) error {
				times++
				return c.answers[times-1]
			})
			if times != c.times || !errors.Is(err, c.answers[c.times-1]) {
				t.Errorf("asked %d times and ended with %v, expected %d times and %v", times, err, c.times, c.answers[c.times-1])
			}
		})
	}
}
