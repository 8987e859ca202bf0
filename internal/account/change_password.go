package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/detach"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// ErrNoPassword refuses an account without an e-mail.
var ErrNoPassword = fault.New(fault.UnsupportedIdentity,
	"this sign-in has no e-mail, phone or provider identity that an account can be made of")

var errChanged = fault.Unavailable("this account is being changed at the same time; try again", nil)

// PasswordChange needs Current if the sign-in is older than five minutes (A10).
type PasswordChange struct {
	Current string
	New     string
	Client  Client
}

// ChangePassword sets a password at the user's home, ends every session (T4) and begins a new one. If Firebase is unreachable, nothing
// changes (S4). *MFAError means that the password is changed.
func (s *Service) ChangePassword(ctx context.Context, p principal.Principal, c PasswordChange) (Session, error) {
	if err := checkNewPassword(c.New); err != nil {
		return Session{}, asNewPassword(err)
	}
	if p.User.Email == "" {
		return Session{}, ErrNoPassword
	}
	proved, err := s.confirm(ctx, p, c.Current, c.Client)
	if errors.Is(err, firebase.ErrMFARequired) {
		return Session{}, ErrReauthRequired // mfa_required would mean that it is changed
	}
	if err != nil {
		return Session{}, err
	}
	if p.User.AuthProvider == user.ProviderLocal {
		return s.changeHere(ctx, p, c, proved)
	}
	return s.changeAtFirebase(ctx, p, c)
}

// changeHere replaces the proved password. Without one, the sign-in is recent, and it replaces what the row keeps now.
func (s *Service) changeHere(ctx context.Context, p principal.Principal, c PasswordChange, proved storedPassword) (Session, error) {
	u := p.User
	if proved.hash == nil {
		var err error
		if proved, err = s.keptPassword(ctx, u.ID); err != nil {
			return Session{}, err
		}
	}
	if err := s.stillAdmitted(ctx, p); err != nil { // after reading the hash: a later change fails the comparison
		return Session{}, err
	}
	hash, err := s.hash(ctx, c.New)
	if err != nil {
		return Session{}, err
	}
	changed, err := s.setLocalPassword(ctx, p, hash, proved)
	if err != nil {
		return Session{}, fmt.Errorf("change the password of user %s: %w", u.ID, pg.Fault(err))
	}
	if !changed {
		return Session{}, errChanged
	}
	s.onChange(ctx, u.ID)
	s.followAtFirebase(ctx, u, c.New)
	begun, err := s.startLocalSession(ctx, u.ID, storedPassword{hash: &hash}, c.Client.Agent)
	if errors.Is(err, ErrInvalidCredentials) {
		return Session{}, errChanged
	}
	return begun, err
}

const followLimit = 2 * time.Second

// followAtFirebase takes a returned user's former password out of use at Firebase too. It is tried once: a returned user does not depend on
// Firebase.
func (s *Service) followAtFirebase(ctx context.Context, u user.User, password string) {
	if u.FirebaseUID == "" {
		return
	}
	ctx, cancel := detach.Context(ctx, followLimit)
	defer cancel()
	if err := s.identities.SetPassword(ctx, u.FirebaseUID, password); err != nil && !errors.Is(err, firebase.ErrUserNotFound) {
		s.log.WarnContext(ctx, "the account of a returned user keeps its former password at Firebase",
			telemetry.FieldUserID, u.ID, telemetry.FieldError, err)
	}
}

func (s *Service) keptPassword(ctx context.Context, id uuid.UUID) (storedPassword, error) {
	row, err := s.queries.UserCredentials(ctx, s.pool, id)
	if pg.NoRows(err) || err == nil && row.PasswordHash == nil {
		return storedPassword{}, user.ErrRevoked
	}
	if err != nil {
		return storedPassword{}, fmt.Errorf("read the password of user %s: %w", id, pg.Fault(err))
	}
	return storedOf(row), nil
}

func (s *Service) stillAdmitted(ctx context.Context, p principal.Principal) error {
	u, err := s.users.ByLegacyID(ctx, p.User.ID)
	if err != nil {
		return err
	}
	return u.Admit(p.Claims)
}

func (s *Service) setLocalPassword(ctx context.Context, p principal.Principal, hash string, old storedPassword) (changed bool, err error) {
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.queries.LockUser(ctx, tx, p.User.ID); err != nil {
			return err
		}
		e := user.Ending(s.clocks, p.Claims)
		n, err := s.queries.SetLocalPassword(ctx, tx, db.SetLocalPasswordParams{
			ID: p.User.ID, PasswordHash: hash, OldPasswordHash: *old.hash, FirebaseHash: old.firebaseHash(),
			IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
		})
		if err != nil || n == 0 {
			return err
		}
		changed = true
		if err := s.queries.ForgetFirebasePassword(ctx, tx, p.User.ID); err != nil {
			return err
		}
		return user.EndLegacySessions(ctx, tx, p.User.ID, e)
	})
	return changed, err
}

func (s *Service) changeAtFirebase(ctx context.Context, p principal.Principal, c PasswordChange) (Session, error) {
	u := p.User
	hash, err := s.hash(ctx, c.New)
	if err != nil {
		return Session{}, err
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	account, err := s.accountOf(ctx, u, p.Claims)
	if err != nil {
		return Session{}, err
	}
	change, err := s.begin(ctx, passwordIntent(u, account))
	if err != nil {
		return Session{}, err
	}
	if err := s.identities.SetPassword(ctx, u.FirebaseUID, c.New); err != nil {
		s.intents.Withdraw(ctx, change.ID, err)
		return Session{}, fmt.Errorf("change the password at Firebase: %w", asNewPassword(asRevoked(err)))
	}
	if err := s.passwordChanged(ctx, u, hash, p.Claims, change.ID); err != nil {
		return Session{}, err
	}
	begun, err := s.beginChanged(ctx, account.Email, c.New)
	if errors.Is(err, firebase.ErrInvalidCredentials) {
		return Session{}, s.overtaken(ctx, u, hash)
	}
	if err != nil {
		return Session{}, fmt.Errorf("sign in with the new password: %w", asMFAError(err))
	}
	return begun, nil
}

func (s *Service) beginChanged(ctx context.Context, email, password string) (Session, error) {
	fresh, err := s.signIn(ctx, email, password)
	if errors.Is(err, firebase.ErrMFARequired) {
		// A code works once: the second of this revocation would waste it (T4).
		return Session{}, errors.Join(err, sleep.Context(ctx, s.revokedSecond()))
	}
	if err != nil {
		return Session{}, err
	}
	return s.beginSession(ctx, fresh, email, password)
}

// detached returns a context that ignores the caller's cancellation but keeps its deadline.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, bounded := ctx.Deadline(); bounded {
		return context.WithDeadline(context.WithoutCancel(ctx), deadline)
	}
	return context.WithCancel(context.WithoutCancel(ctx))
}

func (s *Service) begin(ctx context.Context, i intent.Intent) (begun intent.Intent, err error) {
	err = retryOutage(ctx, func(ctx context.Context) (err error) {
		begun, err = s.intents.Begin(ctx, i)
		return err
	})
	return begun, err
}

func (s *Service) accountOf(ctx context.Context, u user.User, claims token.Claims) (firebase.User, error) {
	account, err := s.identities.User(ctx, u.FirebaseUID)
	switch {
	case err != nil:
		return firebase.User{}, fmt.Errorf("ask Firebase for the account of user %s: %w", u.ID, asRevoked(err))
	case account.Disabled:
		return firebase.User{}, user.ErrDeactivated
	case account.Email == "":
		return firebase.User{}, ErrNoPassword
	}
	if err := s.endedByProof(ctx, account, claims); err != nil {
		return firebase.User{}, err
	}
	return account, nil
}

func asRevoked(err error) error {
	if errors.Is(err, firebase.ErrUserNotFound) {
		return user.ErrRevoked.With(err)
	}
	return err
}

// overtaken makes our hash unusable: a later change at Firebase counts (A7).
func (s *Service) overtaken(ctx context.Context, u user.User, hash string) error {
	_, err := s.queries.FollowFirebasePassword(ctx, s.pool, db.FollowFirebasePasswordParams{
		ID: u.ID, PasswordHash: unusable, OldPasswordHash: hash, FirebaseLead: s.clocks.FirebaseLead(),
	})
	if err != nil {
		return fmt.Errorf("set the overtaken password of user %s aside: %w", u.ID, pg.Fault(err))
	}
	return errChanged
}

const (
	outageLimit = 4 * time.Second
	outageRetry = 250 * time.Millisecond
)

// passwordChanged does the local half. After outageLimit the intent's job does it.
func (s *Service) passwordChanged(ctx context.Context, u user.User, hash string, asking token.Claims, change uuid.UUID) error {
	err := retryOutage(ctx, func(ctx context.Context) error {
		return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			if err := s.endSessionsWith(ctx, tx, u.ID, hash, asking); err != nil {
				return err
			}
			_, err := s.intents.End(ctx, tx, change)
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("end the sessions of user %s after a new password: %w", u.ID, pg.Fault(err))
	}
	s.onChange(ctx, u.ID)
	return nil
}

func (s *Service) endSessionsWith(ctx context.Context, tx pgx.Tx, id uuid.UUID, hash string, asking token.Claims) error {
	e := user.Ending(s.clocks, asking)
	err := s.replacePassword(ctx, tx, db.PasswordChangedAtFirebaseParams{
		ID: id, PasswordHash: hash, IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
	})
	if err != nil {
		return err
	}
	if err := user.EndLegacySessions(ctx, tx, id, e); err != nil {
		return err
	}
	return s.enqueueSync(ctx, tx, id)
}

// replacePassword forgets Firebase's hash only where it replaces the password.
func (s *Service) replacePassword(ctx context.Context, tx pgx.Tx, p db.PasswordChangedAtFirebaseParams) error {
	n, err := s.queries.PasswordChangedAtFirebase(ctx, tx, p)
	if err != nil || n == 0 {
		return err
	}
	return s.queries.ForgetFirebasePassword(ctx, tx, p.ID)
}

func retryOutage(ctx context.Context, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outageLimit)
	defer cancel()
	for {
		err := do(ctx)
		if !pg.Outage(err) || sleep.Context(ctx, outageRetry) != nil {
			return err
		}
	}
}

func asNewPassword(err error) error {
	var refused *fault.Error
	if !errors.As(err, &refused) || refused.Code != fault.WeakPassword || len(refused.Fields) != 1 {
		return err
	}
	renamed := *refused
	renamed.Fields = []fault.Field{{Field: "newPassword", Message: refused.Fields[0].Message}}
	return &renamed
}
