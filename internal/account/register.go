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

// ErrEmailTaken says that somebody has this address.
var ErrEmailTaken = user.ErrEmailTaken

// errNotYet says that Firebase does not know the password that it has just been given.
var errNotYet = fault.Unavailable("the account was made and cannot sign in yet; try again", nil)

// claimRounds bounds how often a registration starts again after losing its username to somebody in the same instant.
const claimRounds = 8

// lostAnswer is how long the answer to a finished registration may be asked for again.
const lostAnswer = 10 * time.Minute

// Registration is what a newcomer says. DisplayName may be empty.
type Registration struct {
	Email       string
	Password    string
	DisplayName string
	Client      Client
}

// Register makes an account where the rollout says that new users live (R4).
//
// At Firebase that takes four steps, each of which can be the last one before a crash (A1): the row is claimed with
// federation_status "syncing", its id being the uid to come; Firebase makes the account; the person signs in; the row turns
// "active". A retry finds the claimed row and goes on where the first try ended. Which password counts is decided by
// Firebase: whoever's made the account; any other is ErrEmailTaken. For a while the same holds after the end, when only the
// answer was lost.
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
	if record.NewUsers == rollout.Local && !s.everybody { // with legacy tokens off, nobody who lives here could be let in
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
		s.attempts.Failed(ctx, email, r.Client.Addr) // else register would be a place to guess passwords
	}
	return session, err
}

func (s *Service) finishRegistration(ctx context.Context, id uuid.UUID, email string, r Registration) (Session, error) {
	exists, err := s.createIdentity(ctx, id, email, r)
	if err != nil {
		return Session{}, err
	}
	if exists {
		// WithoutPassword a password is tried that somebody else may have set; a new account's own needs no leave.
		if err := s.attempts.AllowAttempt(ctx, email, r.Client.Addr); err != nil {
			return Session{}, s.abandon(ctx, id, err)
		}
	}
	session, err := s.signIn(ctx, email, r.Password)
	switch {
	case exists && (errors.Is(err, firebase.ErrInvalidCredentials) || errors.Is(err, firebase.ErrUserDisabled) ||
		errors.Is(err, firebase.ErrMFARequired)):
		return Session{}, s.abandon(ctx, id, ErrEmailTaken) // what more there is to say is its owner's to hear (A3)
	case errors.Is(err, firebase.ErrInvalidCredentials):
		return Session{}, errNotYet.With(err)
	case err != nil:
		return Session{}, fmt.Errorf("sign in after registering %s: %w", id, asMFAError(err))
	case session.UID != id.String():
		// The address belongs to an account that was made elsewhere; its owner signs in and does not register.
		return Session{}, s.abandon(ctx, id, ErrEmailTaken)
	}
	out, err := s.beginSession(ctx, session, email, r.Password)
	return out, undisturbed(err)
}

// undisturbed turns what only others can have done to the account while it was made (ended its sessions, deleted it, taken its
// address) into a request to try again: it is no refusal of what the newcomer sent.
func undisturbed(err error) error {
	switch fault.CodeOf(err) {
	case fault.TokenRevoked, fault.InvalidCredentials, fault.AccountLinkRequired, fault.IdentityConflict:
		return fault.Unavailable("the account was changed while it was made; try again", err)
	default:
		return err
	}
}

// claim takes the address, or finds the unfinished registration that holds it.
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
			username = user.WithSuffix(username) // only the username was taken, in that instant
		case pg.NoRows(err):
			// the holder has gone in between: claim again
		case err != nil:
			return uuid.Nil, err
		case holder.Joined:
			return holder.ID, nil
		case holder.Unfinished:
			// it was given back in between: claim again
		default:
			return uuid.Nil, s.taken(ctx, holder.ID)
		}
	}
	return uuid.Nil, fault.Unavailable("too many people register at this moment; try again", nil)
}

// errJustRegistered says that the address belongs to a registration that ended a moment ago.
var errJustRegistered = errors.New("registered a moment ago")

// taken tells an account that was just registered from any other.
func (s *Service) taken(ctx context.Context, id uuid.UUID) error {
	u, err := s.users.ByID(ctx, id)
	switch {
	case errors.Is(err, user.ErrNotFound):
		return ErrEmailTaken // it was there a moment ago; whoever wants it tries again
	case err != nil:
		return err
	case madeByRegister(u) && u.CreatedAt != nil && s.clocks.PostgreSQLNow().Sub(*u.CreatedAt) < lostAnswer:
		return errJustRegistered
	}
	return ErrEmailTaken
}

// madeByRegister tells a row that a registration made from one that a first sight made.
func madeByRegister(u user.User) bool {
	return u.FirebaseUID == u.ID.String() || u.AuthProvider == user.ProviderLocal
}

// registerAgain is for whoever never heard that the registration was finished, because we were killed while answering or the
// button was clicked twice: the same password signs in, another one learns what it would have learned otherwise, and so does
// whoever has set a second factor since: that is no lost answer, but an account in use.
func (s *Service) registerAgain(ctx context.Context, email string, r Registration) (Session, error) {
	session, err := s.login(ctx, Credentials{Email: email, Password: r.Password, Client: r.Client}, s.passwords.Attempt())
	if errors.Is(err, ErrInvalidCredentials) || errors.Is(err, firebase.ErrMFARequired) {
		return Session{}, ErrEmailTaken.With(err)
	}
	return session, err
}

// createIdentity makes the Firebase account. exists says that there was one: ours of an earlier try, or a stranger's; signing
// in tells them apart. A refusal for what the newcomer sent gives the address back.
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

// abandon gives the claimed address back and answers why. Where Firebase has made the account of this id, or somebody else has
// asRevoked on with the claim, the registration is theirs with another password, under way or cut short: the row stays, for them to
// finish (A1). It also stays when Firebase or the database is away: "syncing", which any later registration may go on with.
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
