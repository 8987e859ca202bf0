package bulk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
)

// canaryDomain is undeliverable (RFC 2606).
const canaryDomain = "canary.invalid"

// canaryCost is bcrypt's lowest: the password lives for one batch.
const canaryCost = 4

// canary is our account that is imported with each batch, signs in and is deleted (M3). A killed carrier leaves one a lane at most.
type canary struct {
	firebase.ImportUser
	password string
}

func newCanary(ctx context.Context, hasher *password.Hasher, run uuid.UUID, lane int) (canary, error) {
	secret := rand.Text()
	hash, err := hasher.Hash(ctx, secret)
	if err != nil {
		return canary{}, err
	}
	uid := fmt.Sprintf("canary-%s-%d", strings.ReplaceAll(run.String(), "-", ""), lane)
	return canary{firebase.ImportUser{UID: uid, Email: uid + "@" + canaryDomain, PasswordHash: hash}, secret}, nil
}

const canaryTries = 4

// signIn returns what the canary cannot do. An outage is tried again.
func (s *Service) signIn(ctx context.Context, c canary) (err error) {
	wait := s.Backoff
	for range canaryTries {
		var session firebase.Session
		session, err = s.Canaries.SignIn(ctx, c.Email, c.password)
		switch {
		case err == nil && session.UID != c.UID:
			return errors.New("the session is of another account")
		case err == nil:
			return nil
		case !errors.Is(err, firebase.ErrUnreachable) && fault.CodeOf(err) != fault.RateLimited:
			return err
		}
		if sleep.Context(ctx, wait) != nil {
			return err
		}
		wait *= 2
	}
	return err
}

var errNotImported = errors.New("the canary is not imported, though users are")

// notImportedTimes in a row of a lane pause the run: once, a user's refusal may be the cause.
const notImportedTimes = 2

// checkCanary also removes it. An unanswered import tells nothing of it.
func (w *worker) checkCanary(ctx context.Context, lane int, c canary, report move.Report) {
	ctx = context.WithoutCancel(ctx)
	if report.Trouble != nil || report.Moved > 0 || report.Canary {
		defer w.remove(ctx, c)
	}
	var failure error
	switch {
	case report.Canary:
		w.notImported[lane] = 0
		failure = w.signIn(ctx, c)
	case report.Trouble == nil && report.Imported > 0:
		w.notImported[lane]++
		failure = errNotImported
	default:
		return
	}
	reason, code := canaryFailure(failure)
	pauses := failure != nil && (report.Canary || w.notImported[lane] >= notImportedTimes)
	w.noteCanary(ctx, code, pauses)
	if pauses {
		w.pause(ctx, reason, failure)
	}
}

func canaryFailure(failure error) (reason, code string) {
	switch {
	case failure == nil:
		return "", ""
	case errors.Is(failure, errNotImported):
		return ReasonCanary, "not_imported"
	case errors.Is(failure, firebase.ErrUnreachable):
		return ReasonUnreachable, ReasonUnreachable
	case move.Throttled(failure):
		return ReasonQuota, ReasonQuota
	}
	if code := fault.CodeOf(failure); code != fault.Internal {
		return ReasonCanary, string(code)
	}
	return ReasonCanary, ReasonCanary
}

// noteCanary keeps the failure that pauses the run from later notes of other lanes.
func (w *worker) noteCanary(ctx context.Context, code string, pauses bool) {
	w.canaries.Lock()
	defer w.canaries.Unlock()
	if w.canaryFailed {
		return
	}
	w.canaryFailed = pauses
	params := db.NoteBulkCanaryParams{ID: w.run.ID, LeaseBy: w.carrier}
	if code != "" {
		params.Failure = &code
	}
	if err := w.queries.NoteBulkCanary(ctx, w.Pool, params); err != nil {
		w.Logger.WarnContext(ctx, "a canary's result could not be kept", "run_id", w.run.ID, telemetry.FieldError, err)
	}
}

func (s *Service) remove(ctx context.Context, c canary) {
	err := s.Canaries.SetDisabled(ctx, c.UID, true)
	if err == nil {
		err = s.Canaries.DeleteUser(ctx, c.UID)
	}
	if err != nil && !errors.Is(err, firebase.ErrUserNotFound) {
		s.Logger.WarnContext(ctx, "a canary stays at the identity provider until the next batch", "uid", c.UID, telemetry.FieldError, err)
	}
}
