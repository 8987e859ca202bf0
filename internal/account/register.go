package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/rollout"
	"auth-v2-service/internal/user"
)

// ErrEmailTaken reports a used address.
var ErrEmailTaken = user.ErrEmailTaken

var errNotYet = fault.Unavailable("the account was made and cannot sign in yet; try again", nil)

const claimRounds = 8

// A client may repeat a registration for lostAnswer.
const lostAnswer = 10 * time.Minute

// Registration is the newcomer's data. DisplayName may be empty.
type Registration struct {
	Email       string
	Password    string
	DisplayName string
	Client      Client
}

// Register makes an account at the home of new users (R4).
//
// A crash may follow each step (A1): the row is "syncing" with its ID as the UID, Firebase makes the account, the user signs in, the row
// is "active". A retry continues. A wrong password gets ErrEmailTaken.
func (s *Service) Register(ctx context.Context, r Registration) (Session, error) {
	email, err := user.CanonicalEmail(r.Email)
	if err != nil {
		return Session{}, err
	}
	if err := checkNewPassword(r.Password); err != nil {
		return Session{}, err
	}
	record, err := rollout.Load(ctx, s.pool)
	if err != nil {
		return Session{}, err
	}
	if record.NewUsers == rollout.Local && !s.everybody { // a local user could not sign in
		return s.registerHere(ctx, email, r)
	}
	return s.registerAtFirebase(ctx, email, r)
}

func (s *Service) registerAtFirebase(ctx context.Context, email string, r Registration) (Session, error) {
	id, err := s.claim(ctx, email, user.UsernameFrom(r.DisplayName))
	if errors.Is(err, errJustRegistered) {
		return s.registerAgain(ctx, email, r)
	}
	if err != nil {
		return Session{}, fmt.Errorf("claim an address: %w", pg.Fault(err))
	}
	session, err := s.finishRegistration(ctx, id, email, r)
	if errors.Is(err, ErrEmailTaken) {
		s.attempts.Failed(ctx, email, r.Client.Addr) // else register would allow guesses of passwords
	}
	return session, err
}

func (s *Service) finishRegistration(ctx context.Context, id uuid.UUID, email string, r Registration) (Session, error) {
	exists, err := s.createIdentity(ctx, id, email, r)
	if err != nil {
		return Session{}, err
	}
	if exists {
		// The account may be a stranger's: this is an attempt.
		if err := s.attempts.AllowAttempt(ctx, email, r.Client.Addr); err != nil {
			return Session{}, s.abandon(ctx, id, err)
		}
	}
	session, err := s.signIn(ctx, email, r.Password)
	switch {
	case exists && (errors.Is(err, firebase.ErrInvalidCredentials) || errors.Is(err, firebase.ErrUserDisabled) ||
		errors.Is(err, firebase.ErrMFARequired)):
		return Session{}, s.abandon(ctx, id, ErrEmailTaken) // only the owner may learn more (A3)
	case errors.Is(err, firebase.ErrInvalidCredentials):
		return Session{}, errNotYet.With(err)
	case err != nil:
		return Session{}, fmt.Errorf("sign in after registering %s: %w", id, asMFAError(err))
	case session.UID != id.String():
		return Session{}, s.abandon(ctx, id, ErrEmailTaken)
	}
	out, err := s.beginSession(ctx, session, email, r.Password)
	return out, undisturbed(err)
}

// undisturbed reports concurrent changes as temporary.
func undisturbed(err error) error {
	switch fault.CodeOf(err) {
	case fault.TokenRevoked, fault.InvalidCredentials, fault.AccountLinkRequired, fault.IdentityConflict:
		return fault.Unavailable("the account was changed while it was made; try again", err)
	default:
		return err
	}
}

func (s *Service) claim(ctx context.Context, email, username string) (uuid.UUID, error) {
	for range claimRounds {
		params := db.ClaimRegistrationParams{ID: uuid.New(), Email: email}
		if username != "" {
			params.Username, params.OtherUsername = new(username), new(user.WithSuffix(username))
		}
		id, err := s.queries.ClaimRegistration(ctx, s.pool, params)
		if !pg.NoRows(err) {
			return id, err
		}
		holder, err := s.queries.JoinRegistration(ctx, s.pool, email)
		switch {
		case pg.NoRows(err) && username != "":
			username = user.WithSuffix(username)
		case pg.NoRows(err):
			// deleted meanwhile
		case err != nil:
			return uuid.Nil, err
		case holder.Joined:
			return holder.ID, nil
		case holder.Unfinished:
			// released meanwhile
		default:
			return uuid.Nil, s.taken(ctx, holder.ID)
		}
	}
	return uuid.Nil, fault.Unavailable("too many people register at this moment; try again", nil)
}

var errJustRegistered = errors.New("registered a moment ago")

func (s *Service) taken(ctx context.Context, id uuid.UUID) error {
	u, err := s.users.ByID(ctx, id)
	switch {
	case errors.Is(err, user.ErrNotFound):
		return ErrEmailTaken
	case err != nil:
		return err
	case madeByRegister(u) && u.CreatedAt != nil && s.clocks.PostgreSQLNow().Sub(*u.CreatedAt) < lostAnswer:
		return errJustRegistered
	}
	return ErrEmailTaken
}

func madeByRegister(u user.User) bool {
	return u.FirebaseUID == u.ID.String() || u.AuthProvider == user.ProviderLocal
}

// registerAgain repeats a lost answer. With a second factor the account is in use.
func (s *Service) registerAgain(ctx context.Context, email string, r Registration) (Session, error) {
	session, err := s.login(ctx, Credentials{Email: email, Password: r.Password, Client: r.Client}, s.passwords.Attempt())
	if errors.Is(err, ErrInvalidCredentials) || errors.Is(err, firebase.ErrMFARequired) {
		return Session{}, ErrEmailTaken.With(err)
	}
	return session, err
}

func (s *Service) createIdentity(ctx context.Context, id uuid.UUID, email string, r Registration) (exists bool, err error) {
	err = s.identities.CreateUser(ctx, firebase.NewUser{
		UID: id.String(), Email: email, Password: r.Password, DisplayName: user.UsernameFrom(r.DisplayName),
	})
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, firebase.ErrUIDExists), errors.Is(err, firebase.ErrEmailExists):
		return true, nil
	case errors.Is(err, firebase.ErrWeakPassword), errors.Is(err, firebase.ErrInvalidUser):
		return false, s.abandon(ctx, id, fmt.Errorf("register %s at Firebase: %w", id, err))
	default:
		return false, fmt.Errorf("register %s at Firebase: %w", id, err)
	}
}

// abandon releases the address. The row stays if Firebase has the account or cannot say: a later registration continues it (A1).
func (s *Service) abandon(ctx context.Context, id uuid.UUID, why error) error {
	_, err := s.identities.User(ctx, id.String())
	switch {
	case err == nil:
		return why
	case !errors.Is(err, firebase.ErrUserNotFound):
		return fmt.Errorf("ask whose registration %s is: %w", id, err)
	}
	if err := s.queries.AbandonRegistration(ctx, s.pool, id); err != nil {
		return fmt.Errorf("give the address of %s back: %w", id, pg.Fault(err))
	}
	return why
}
