package principal

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"auth-v2-service/internal/fault"
)

func TestLookUps_KeepTheirTime_O3(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ came, takes time.Duration }{
		"with less than the budget": {100 * time.Millisecond, 100 * time.Millisecond},
		"with more":                 {time.Minute, budget},
	} {
		synctest.Test(t, func(t *testing.T) {
			var f group
			ctx, cancel := context.WithTimeout(t.Context(), c.came)
			defer cancel()
			began := time.Now()
			_, err := f.do(ctx, callKey{}, func(ctx context.Context) (Principal, error) {
				<-ctx.Done()
				return Principal{}, ctx.Err()
			})
			if took := time.Since(began); took != c.takes || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("O3: %s, ended after %s with %v, expected %s", what, took, err, c.takes)
			}
		})
	}
}

func TestLookUps_APanicIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f group
		release, errs := make(chan struct{}), make(chan error, 3)
		for range cap(errs) {
			go func() {
				_, err := f.do(t.Context(), callKey{}, func(context.Context) (Principal, error) {
					<-release
					panic("a bug")
				})
				errs <- err
			}()
		}
		synctest.Wait()
		close(release)
		for range cap(errs) {
			if err := <-errs; fault.CodeOf(err) != fault.Internal || err == nil {
				t.Errorf("ended with %v, expected an error of ours", err)
			}
		}
		if _, err := f.do(t.Context(), callKey{}, func(context.Context) (Principal, error) { return Principal{}, nil }); err != nil {
			t.Errorf("looked up again: %v", err)
		}
	})
}
