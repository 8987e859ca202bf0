package sleep_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"auth-v2-service/internal/sleep"
)

func TestContext_WaitsTheTimeOrUntilTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		brief, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		ended, end := context.WithCancel(t.Context())
		end()
		for name, c := range map[string]struct {
			ctx  context.Context
			d    time.Duration
			took time.Duration
			err  error
		}{
			"in full":              {t.Context(), time.Minute, time.Minute, nil},
			"nothing":              {t.Context(), 0, 0, nil},
			"less than nothing":    {t.Context(), -time.Minute, 0, nil},
			"a context that ended": {ended, 0, 0, context.Canceled},
			"a context that ends":  {brief, time.Hour, 0, context.DeadlineExceeded},
		} {
			began := time.Now()
			if err := sleep.Context(c.ctx, c.d); !errors.Is(err, c.err) {
				t.Errorf("%s: %v, expected %v", name, err, c.err)
			}
			if took := time.Since(began); c.ctx != brief && took != c.took || took > time.Minute {
				t.Errorf("%s took %s, expected %s", name, took, c.took)
			}
		}
	})
}
