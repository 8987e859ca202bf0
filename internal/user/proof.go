package user

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
)

const passwordProvider = "password"

// proof is a trusted proof of an address (F3).
type proof struct {
	email    string
	provider string
	at       time.Time
	actor    string
}

// fits reports the first proof of the row's address.
func (p proof) fits(u User) bool {
	return u.EmailProvenAt.IsZero() && u.FirebaseUID != "" && u.Email != "" && canonicalForm(u.Email) == p.email
}

func (s *Store) proofOf(claims token.Claims) (p proof, ok bool) {
	id, err := identityOf(claims)
	if err != nil || !s.provesAddress(id) {
		return proof{}, false
	}
	return proof{email: id.email, provider: id.provider, at: id.authTime, actor: id.actor}, true
}

// proofOfAccount cannot tell which sign-in proved the address. A federated proof is dated by the last sign-in, because the provider ends
// earlier credentials. A password-only proof is dated by the password.
func (s *Store) proofOfAccount(account firebase.User, actor string) (p proof, ok bool) {
	email, err := CanonicalEmail(account.Email)
	if err != nil || !account.EmailVerified {
		return proof{}, false
	}
	p = proof{email: email, actor: actor}
	for _, provider := range account.Providers {
		if slices.Contains(s.link.Providers, provider) && (p.provider == "" || p.provider == passwordProvider) {
			p.provider = provider
		}
	}
	p.at = account.LastSignInAt
	if p.provider == passwordProvider {
		p.at = account.PasswordUpdatedAt
	}
	if p.at.IsZero() {
		p.at = account.CreatedAt
	}
	p.at = p.at.Truncate(time.Second)
	return p, p.provider != "" && !p.at.IsZero()
}

// noteProof notes the first proof of a row's address (F3). Refused sessions prove nothing.
func (s *Store) noteProof(ctx context.Context, u User, claims token.Claims) (User, error) {
	if !u.EmailProvenAt.IsZero() || !claims.EmailVerified {
		return u, nil
	}
	p, ok := s.proofOf(claims)
	if admitted := u.Admit(claims) == nil; !ok || !admitted || !p.fits(u) {
		return u, nil
	}
	return s.prove(ctx, u, p)
}

// AccountSeen returns an account's row and notes its proof. The caller must call User.Admit afterwards: the proof may have ended its
// session. Errors: ErrNotFound.
func (s *Store) AccountSeen(ctx context.Context, account firebase.User) (User, error) {
	row, err := s.queries.UserByFirebaseUID(ctx, s.pool, account.UID)
	switch {
	case pg.NoRows(err):
		return User{}, ErrNotFound
	case err != nil:
		return User{}, fmt.Errorf("read the row of account %s: %w", account.UID, pg.Fault(err))
	}
	u := FromRow(row.User())
	p, ok := s.proofOfAccount(account, "system")
	if !ok || !p.fits(u) {
		return u, nil
	}
	u, err = s.prove(ctx, u, p)
	if err != nil {
		return User{}, pg.Fault(err)
	}
	return u, nil
}

func (s *Store) prove(ctx context.Context, u User, p proof) (proven User, err error) {
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		proven, err = s.proveIn(ctx, tx, u, p)
		return err
	})
	if pg.NoRows(err) { // another proof or change came first
		row, err := s.queries.UserByID(ctx, s.pool, u.ID)
		if pg.NoRows(err) {
			return User{}, ErrRevoked
		}
		return FromRow(row), err
	}
	if err != nil {
		return User{}, fmt.Errorf("note the proof of the address of user %s: %w", u.ID, err)
	}
	s.onChange(ctx, u.ID)
	return proven, nil
}

// Unless the platform vouches for the address, the first proof ends earlier sessions. It also ends a local password unless the provider is
// "password": the account may have a new owner.
func (s *Store) proveIn(ctx context.Context, tx pgx.Tx, u User, p proof) (User, error) {
	vouched, err := s.vouched(ctx, tx, u)
	if err != nil {
		return User{}, err
	}
	keep := vouched || p.provider == passwordProvider
	if !keep {
		if err := s.setAside(ctx, tx, u, "the address was first proven by "+p.provider); err != nil {
			return User{}, err
		}
	}
	row, err := s.queries.ProveEmail(ctx, tx, db.ProveEmailParams{
		ID: u.ID, FirebaseUID: u.FirebaseUID, Email: p.email, ProvenAt: p.at, ProvenBy: &p.provider,
		EndsSessions: !vouched, KeepPassword: keep, FirebaseLead: s.clocks.FirebaseLead(),
	})
	if err != nil {
		return User{}, err
	}
	if !vouched { // at Firebase too
		if err := EndLegacySessions(ctx, tx, u.ID, s.clocks.Ending(time.Time{}, time.Time{})); err != nil {
			return User{}, err
		}
		if err := s.enqueueSync(ctx, tx, u.ID); err != nil {
			return User{}, err
		}
	}
	return FromRow(row.User()), audit.Record(ctx, tx, audit.Event{
		Action: "user.email_proven", Actor: p.actor, UserID: u.ID, RequestID: telemetry.RequestID(ctx),
		Details: map[string]any{"provider": p.provider, "sessions_ended": !vouched, "password_kept": keep},
	})
}

// vouched accepts the platform's verification for its own rows, never for an admin.
func (s *Store) vouched(ctx context.Context, tx pgx.Tx, u User) (bool, error) {
	if u.AuthProvider == ProviderFirebase || u.Type == TypeAdmin {
		return false, nil
	}
	return s.addressVerified(ctx, tx, u)
}

func (s *Store) setAside(ctx context.Context, tx pgx.Tx, u User, reason string) error {
	if err := s.queries.LockUser(ctx, tx, u.ID); err != nil {
		return err
	}
	if err := s.queries.ForgetFirebasePassword(ctx, tx, u.ID); err != nil {
		return err
	}
	return s.queries.SetAsidePassword(ctx, tx, db.SetAsidePasswordParams{ID: u.ID, Reason: reason})
}
