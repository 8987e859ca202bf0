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
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// ErrNoPassword refuses a password to who has no e-mail to sign in with.
var ErrNoPassword = fault.New(fault.UnsupportedIdentity,
	"this sign-in has no e-mail, phone or provider identity that an account can be made of")

// errChanged says that the same password is being changed in this instant, or that a move is under way.
var errChanged = fault.Unavailable("this account is being changed at the same time; try again", nil)

// PasswordChange is a new password, and the current one where the sign-in is older than five minutes (A10).
type PasswordChange struct {
	Current string
	New     string
	Client  Client
}

// ChangePassword sets a new password where it lives, ends every session (T4), and begins a new one. At Firebase the change is
// made there first: when Firebase cannot be reached, nothing has changed (S4). A *MFAError means that the password is changed
// and that the new session wants the second factor.
func (s *Service) ChangePassword(ctx context.Context, p principal.Principal, c PasswordChange) (Session, error) {
	if err := checkNewPassword(c.New); err != nil {
		return Session{}, asNewPassword(err)
	}
	if p.User.Email == "" {
		return Session{}, ErrNoPassword
	}
	err := s.confirm(ctx, p, c.Current, c.Client)
	if errors.Is(err, firebase.ErrMFARequired) {
		return Session{}, ErrReauthRequired // the password alone proves too little, and mfa_required would say that it is changed
	}
	if err != nil {
		return Session{}, err
	}
	if p.User.AuthProvider == user.ProviderLocal {
		return s.changeHere(ctx, p, c)
	}
	return s.changeAtFirebase(ctx, p, c)
}

func (s *Service) changeHere(ctx context.Context, p principal.Principal, c PasswordChange) (Session, error) {
	u := p.User
	row, err := s.queries.UserCredentials(ctx, s.pool, u.ID)
	if pg.NoRows(err) || err == nil && row.PasswordHash == nil {
		return Session{}, user.ErrRevoked
	}
	if err != nil {
		return Session{}, fmt.Errorf("read the password of user %s: %w", u.ID, pg.Fault(err))
	}
	if err := s.stillAdmitted(ctx, p); err != nil { // after the hash was read: a change from now on changes that, too
		return Session{}, err
	}
	hash, err := s.hash(ctx, c.New)
	if err != nil {
		return Session{}, err
	}
	changed, err := s.setLocalPassword(ctx, p, hash, *row.PasswordHash)
	if err != nil {
		return Session{}, fmt.Errorf("change the password of user %s: %w", u.ID, pg.Fault(err))
	}
	if !changed {
		return Session{}, errChanged
	}
	s.onChange(ctx, u.ID)
	begun, err := s.startLocalSession(ctx, u.ID, hash, c.Client.Agent)
	if errors.Is(err, ErrInvalidCredentials) {
		return Session{}, errChanged // by who signed in with the new password meanwhile
	}
	return begun, err
}

// stillAdmitted asks the row whether it admits the session that asks: another change may have ended it since it was verified.
func (s *Service) stillAdmitted(ctx context.Context, p principal.Principal) error {
	u, err := s.users.ByLegacyID(ctx, p.User.ID) // who lives here has no other session
	if err != nil {
		return err
	}
	return u.Admit(p.Claims)
}

// setLocalPassword replaces a local hash and ends every session; changed is false where the hash is another by now.
func (s *Service) setLocalPassword(ctx context.Context, p principal.Principal, hash, old string) (changed bool, err error) {
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		e := user.Ending(s.clocks, p.Claims)
		n, err := s.queries.SetLocalPassword(ctx, tx, db.SetLocalPasswordParams{
			ID: p.User.ID, PasswordHash: hash, OldPasswordHash: old,
			IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
		})
		if err != nil || n == 0 {
			return err
		}
		changed = true
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

// beginChanged begins the first session with a new password.
func (s *Service) beginChanged(ctx context.Context, email, password string) (Session, error) {
	fresh, err := s.signIn(ctx, email, password)
	if errors.Is(err, firebase.ErrMFARequired) {
		// A code is good once: it must not be spent on a session in the second of this revocation, which would be born dead (T4).
		return Session{}, errors.Join(err, sleep.Context(ctx, s.revokedSecond()))
	}
	if err != nil {
		return Session{}, err
	}
	return s.beginSession(ctx, fresh, email, password)
}

// detached is a context that the caller's hanging up does not end, and time does: what Firebase is doing for us is heard to its
// end, or nobody would do our half.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, bounded := ctx.Deadline(); bounded {
		return context.WithDeadline(context.WithoutCancel(ctx), deadline)
	}
	return context.WithCancel(context.WithoutCancel(ctx))
}

// begin writes an intent down. A moment without the database is waited for, as it is after Firebase's answer.
func (s *Service) begin(ctx context.Context, i intent.Intent) (begun intent.Intent, err error) {
	err = retryOutage(ctx, func(ctx context.Context) (err error) {
		begun, err = s.intents.Begin(ctx, i)
		return err
	})
	return begun, err
}

// accountOf returns the row's account. It has an address to sign in with, which Firebase may have changed without our knowing. A proof of
// the address that ended the session of claims is ErrRevoked.
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

// asRevoked: with an account that Firebase does not have any more its sessions are over.
func asRevoked(err error) error {
	if errors.Is(err, firebase.ErrUserNotFound) {
		return user.ErrRevoked.With(err)
	}
	return err
}

// overtaken is for who was told that the password is changed and finds another one there: somebody else's change came later. Our
// hash may be theirs or ours; ours must bring nobody back (A7).
func (s *Service) overtaken(ctx context.Context, u user.User, hash string) error {
	_, err := s.queries.FollowFirebasePassword(ctx, s.pool, db.FollowFirebasePasswordParams{
		ID: u.ID, PasswordHash: unusable, OldPasswordHash: hash, FirebaseLead: s.clocks.FirebaseLead(),
	})
	if err != nil {
		return fmt.Errorf("set the overtaken password of user %s aside: %w", u.ID, pg.Fault(err))
	}
	return errChanged
}

// How long we go on telling the database what Firebase has already done: the old sessions must end.
const (
	outageLimit = 4 * time.Second
	outageRetry = 250 * time.Millisecond
)

// passwordChanged is our half of a change that Firebase has made: the local hash follows, every session is over, and the intent ends.
// Neither the caller's hanging up nor a moment without the database leaves it undone; after a longer one the intent's job does it.
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

// endSessionsWith writes down, in tx, that Firebase has a new password. hash is the local one from now on, where there is one.
func (s *Service) endSessionsWith(ctx context.Context, tx pgx.Tx, id uuid.UUID, hash string, asking token.Claims) error {
	e := user.Ending(s.clocks, asking)
	_, err := s.queries.PasswordChangedAtFirebase(ctx, tx, db.PasswordChangedAtFirebaseParams{
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

// retryOutage does something in the database until it answers, and gives the last error when its time is up.
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

// asNewPassword names the field that a refused password came in here.
func asNewPassword(err error) error {
	var refused *fault.Error
	if !errors.As(err, &refused) || refused.Code != fault.WeakPassword || len(refused.Fields) != 1 {
		return err
	}
	renamed := *refused
	renamed.Fields = []fault.Field{{Field: "newPassword", Message: refused.Fields[0].Message}}
	return &renamed
}
