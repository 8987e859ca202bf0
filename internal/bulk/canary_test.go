package bulk_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/move"
)

type canaries struct {
	bulk.Canaries
	err error
}

func (c canaries) SignIn(context.Context, string, string) (firebase.Session, error) {
	return firebase.Session{}, c.err
}

type withoutCanary struct{ bulk.Mover }

func (m withoutCanary) Move(ctx context.Context, b move.Batch) (move.Report, error) {
	b.Canary = nil
	return m.Mover.Move(ctx, b)
}

func TestCarry_PausesForACanary_M3(t *testing.T) {
	t.Parallel()
	for failure, c := range map[string]struct {
		reason string
		moved  int64
		change func(*bulk.Options)
	}{
		"not_imported":        {bulk.ReasonCanary, 40, func(o *bulk.Options) { o.Mover = withoutCanary{o.Mover} }},
		"invalid_credentials": {bulk.ReasonCanary, 20, func(o *bulk.Options) { o.Canaries = canaries{o.Canaries, firebase.ErrInvalidCredentials} }},
		"unreachable":         {bulk.ReasonUnreachable, 20, func(o *bulk.Options) { o.Canaries = canaries{o.Canaries, firebase.ErrUnreachable} }},
		"quota":               {bulk.ReasonQuota, 20, func(o *bulk.Options) { o.Canaries = canaries{o.Canaries, firebase.ErrQuota} }},
	} {
		t.Run(failure, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.locals(60)
			b := s.service(c.change)
			run := s.carry(b, s.start(b, bulk.Plan{Rate: 20, Parallel: 1}).ID)
			if run.State != bulk.Paused || run.Reason != c.reason || run.CanaryFailure != failure || run.Moved != c.moved {
				t.Errorf("the run is %+v", run)
			}
		})
	}
}

// Of two failed writes the pause recovers; otherwise the lease lapses before another instance goes on.
func TestCarry_PausesThoughTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	for _, recovers := range []bool{true, false} {
		s := newStage(t)
		s.locals(30)
		s.exec("CREATE SEQUENCE tries")
		s.exec(fmt.Sprintf(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN IF nextval('tries') <= 2 OR NOT %t THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$`, recovers))
		s.exec("CREATE TRIGGER refuse BEFORE UPDATE ON auth.bulk_runs FOR EACH ROW WHEN (NEW.state = 'paused') EXECUTE FUNCTION refuse()")
		b := s.service(func(o *bulk.Options) { o.Canaries = canaries{o.Canaries, firebase.ErrInvalidCredentials} })
		id := s.start(b, bulk.Plan{Rate: 20, Parallel: 1}).ID
		err := b.Carry(t.Context(), id, uuid.New(), nil)
		run, readErr := b.Read(t.Context(), id)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if recovers && (err != nil || run.State != bulk.Paused || run.Carried) {
			t.Errorf("the run is %+v, %v", run, err)
		}
		if !recovers && (err == nil || run.State != bulk.Running || !run.Carried) {
			t.Errorf("the run is %+v, %v", run, err)
		}
	}
}
