package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/rollout"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/user"
)

// candidate is the user with an e-mail. Zero means unknown.
type candidate struct {
	id        uuid.UUID
	stored    storedPassword
	row       user.User
	cohort    rollout.Cohort
	ceilings  password.Ceilings // a refusal's work, also without a row
	passwords hashVerifier
}

func (p candidate) home() string {
	if p.id == uuid.Nil {
		return ""
	}
	return p.row.AuthProvider
}

func (p candidate) deactivated() bool {
	return p.id != uuid.Nil && (!p.row.IsActive || p.row.FederationStatus == user.StatusDisabled)
}

// returned reports a local row that keeps its firebase_uid, which no move takes (M7).
func (p candidate) returned() bool {
	return p.home() == user.ProviderLocal && p.row.FirebaseUID != ""
}

var errReturned = fault.New(fault.UnsupportedIdentity, "this account was returned from the identity provider and cannot sign in here")

func (s *Service) findCandidate(ctx context.Context, email string) (candidate, error) {
	row, err := s.queries.SignInCredentials(ctx, s.pool, db.SignInCredentialsParams{
		Email: email, UsualCost: password.UsualCost, MaxCost: s.passwords.MaxCost(),
	})
	if err != nil {
		return candidate{}, fmt.Errorf("find where a user signs in: %w", pg.Fault(err))
	}
	p := candidate{passwords: s.passwords, ceilings: password.Ceilings{Usual: int(row.UsualCeiling), Heavy: int(row.HeavyCeiling), Scrypt: password.ScryptWork(int(row.ScryptCeiling))}}
	if row.ID == nil {
		return p, nil
	}
	p.id, p.stored = *row.ID, fromSignIn(row)
	p.row = user.FromSignIn(row)
	p.cohort = rollout.Cohort{
		UsersBuckets: int(row.UsersBuckets), TrafficBuckets: int(row.TrafficBuckets), BelowFullTraffic: row.BelowFullTraffic,
		Allowed: row.Allowed, Denied: row.Denied,
	}
	return p, nil
}

// loginHere moves a user in the cohort. If that fails, the user gets the legacy pair and no error (A2).
func (s *Service) loginHere(ctx context.Context, c Credentials, email string, p candidate) (Session, error) {
	if err := s.proveRow(ctx, p, c.Password); err != nil {
		if errors.Is(err, ErrInvalidCredentials) {
			s.attempts.Failed(ctx, email, c.Client.Addr)
		}
		return Session{}, err
	}
	s.attempts.Succeeded(ctx, email, c.Client.Addr)
	if p.deactivated() {
		return Session{}, user.ErrDeactivated
	}
	stored, err := s.rehash(ctx, p.id, p.stored, c.Password)
	if err != nil {
		return Session{}, err
	}
	if s.everybody && p.returned() {
		return Session{}, errReturned
	}
	if s.everybody || p.cohort.Holds(p.id) {
		session, err := s.moveAndLogin(ctx, email, c.Password, p.id)
		if err == nil || s.everybody {
			return session, err
		}
	}
	return s.startLocalSession(ctx, p.id, stored, c.Client.Agent)
}

// legacyTime is reserved for the legacy pair after a failed move.
const legacyTime = 1500 * time.Millisecond

func beforeLegacy(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, bounded := ctx.Deadline(); bounded {
		return context.WithDeadline(ctx, deadline.Add(-legacyTime))
	}
	return context.WithCancel(ctx)
}

func (s *Service) moveAndLogin(ctx context.Context, email, password string, id uuid.UUID) (Session, error) {
	ctx, cancel := beforeLegacy(ctx)
	defer cancel()
	fresh, err := s.mover.AtSignIn(ctx, id, password)
	if err == nil {
		var session Session
		if session, err = s.beginSession(ctx, fresh, email, password); err == nil {
			return session, nil
		}
	}
	s.log.InfoContext(ctx, "not moved at sign-in", telemetry.FieldUserID, id, telemetry.FieldError, err)
	if _, refused := user.CanonicalEmail(email); s.everybody && refused != nil {
		return Session{}, user.ErrUnsupportedIdentity.With(err) // an operator has to correct the address
	}
	if s.everybody && fault.CodeOf(err) != fault.DependencyUnavailable && fault.CodeOf(err) != fault.IdentityConflict {
		err = fault.Unavailable("sign-in is not possible at this moment; try again", err)
	}
	return Session{}, err
}

// bringPassword gives the local password to a linked Firebase account without one, such as Google's. Else it returns wrong.
func (s *Service) bringPassword(
	ctx context.Context, p candidate, email, password string, wrong error,
) (firebase.Session, error) {
	if p.stored.hash == nil || p.row.AuthProvider != user.ProviderHybrid {
		return firebase.Session{}, wrong
	}
	if err := s.proveRow(ctx, p, password); err != nil {
		if errors.Is(err, ErrInvalidCredentials) {
			return firebase.Session{}, wrong
		}
		return firebase.Session{}, err
	}
	account, err := s.identities.User(ctx, p.row.FirebaseUID)
	if err != nil {
		return firebase.Session{}, fmt.Errorf("ask whether user %s has a password at Firebase: %w", p.id, err)
	}
	if account.HasPassword {
		return firebase.Session{}, wrong // Firebase's is newer (A7)
	}
	if _, err := s.users.AccountSeen(ctx, account); err != nil && !errors.Is(err, user.ErrNotFound) {
		return firebase.Session{}, err
	}
	if err := s.passwordUnchanged(ctx, p.id, p.stored); err != nil {
		if errors.Is(err, ErrInvalidCredentials) {
			return firebase.Session{}, wrong // the address's owner has taken over
		}
		return firebase.Session{}, err
	}
	if err := s.giveFirebase(ctx, p, account, password); errors.Is(err, firebase.ErrWeakPassword) {
		return firebase.Session{}, wrong
	} else if err != nil {
		return firebase.Session{}, err
	}
	return s.signIn(ctx, email, password)
}

// giveFirebase marks the hash as equally new (A7).
func (s *Service) giveFirebase(ctx context.Context, p candidate, account firebase.User, password string) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	change, err := s.begin(ctx, intent.Intent{
		Kind: intent.Bring, UserID: p.id, FirebaseUID: account.UID, PasswordAt: account.PasswordUpdatedAt, Actor: "user:" + p.id.String(),
	})
	if err != nil {
		return err
	}
	if err := s.identities.SetPassword(ctx, account.UID, password); err != nil {
		s.intents.Withdraw(ctx, change.ID, err)
		return fmt.Errorf("give Firebase the password of user %s: %w", p.id, err)
	}
	err = retryOutage(ctx, func(ctx context.Context) error {
		return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			err := s.queries.PasswordTakenByFirebase(ctx, tx, db.PasswordTakenByFirebaseParams{
				ID: p.id, PasswordHash: *p.stored.hash, FirebaseLead: s.clocks.FirebaseLead(),
			})
			if err != nil {
				return err
			}
			_, err = s.intents.End(ctx, tx, change.ID)
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("note that Firebase has the password of user %s: %w", p.id, pg.Fault(err))
	}
	return nil
}

// followPending runs before a second factor, while the password is known.
func (s *Service) followPending(ctx context.Context, p candidate, email, password string) error {
	if p.stored.hash == nil || p.row.AuthProvider != user.ProviderHybrid {
		return nil
	}
	if err := s.prove(ctx, p.stored, password); !errors.Is(err, ErrInvalidCredentials) {
		return err
	}
	account, err := s.identities.UserByEmail(ctx, email)
	if err != nil {
		s.log.InfoContext(ctx, "the owner of a proved password could not be looked up", telemetry.FieldUserID, p.id, telemetry.FieldError, err)
		return nil
	}
	if err := s.followPassword(ctx, p, account.UID, password); err != nil {
		return err
	}
	return sleep.Context(ctx, s.revokedSecond()) // the next session must begin after this (T4)
}

// followPassword replaces a hash older than Firebase's password (A7) and ends the old sessions (T4). uid is the proved account: the row
// may be another's (F7).
func (s *Service) followPassword(ctx context.Context, p candidate, uid, password string) error {
	if p.stored.hash == nil || p.row.AuthProvider != user.ProviderHybrid || p.row.FirebaseUID != uid {
		return nil
	}
	err := s.prove(ctx, p.stored, password)
	if !errors.Is(err, ErrInvalidCredentials) {
		return err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.replaceHash(ctx, p, hash)
}

func (s *Service) replaceHash(ctx context.Context, p candidate, hash string) error {
	ended := false
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		followed, err := s.follow(ctx, tx, p.id, *p.stored.hash, hash)
		if err != nil || !followed || !p.stored.usable() {
			return err
		}
		if err := user.RevokeTokens(ctx, tx, p.id, s.clocks.Ending(time.Time{}, time.Time{})); err != nil {
			return err
		}
		ended = true
		return s.enqueueSync(ctx, tx, p.id)
	})
	if err != nil {
		return fmt.Errorf("let the password of user %s follow Firebase's: %w", p.id, pg.Fault(err))
	}
	if ended {
		s.onChange(ctx, p.id)
	}
	return nil
}

func (s *Service) follow(ctx context.Context, tx pgx.Tx, id uuid.UUID, from, to string) (followed bool, err error) {
	n, err := s.queries.FollowFirebasePassword(ctx, tx, db.FollowFirebasePasswordParams{
		ID: id, PasswordHash: to, OldPasswordHash: from, FirebaseLead: s.clocks.FirebaseLead(),
	})
	if err != nil || n == 0 {
		return false, err
	}
	return true, s.queries.ForgetFirebasePassword(ctx, tx, id)
}
