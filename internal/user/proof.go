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

// proof is a trusted proof of an address: a token or an account whose address a provider of LINK_PROVIDERS has verified (F3).
type proof struct {
	email    string // canonical
	provider string
	at       time.Time // when the sign-in began, in whole seconds
	actor    string
}

// fits says whether this is the first proof of the address that the row has.
func (p proof) fits(u User) bool {
	return u.EmailProvenAt.IsZero() && u.FirebaseUID != "" && u.Email != "" && canonicalForm(u.Email) == p.email
}

// proofOf reads the proof that a session of Firebase's carries; ok is false where it carries none.
func (s *Store) proofOf(claims token.Claims) (p proof, ok bool) {
	id, err := identityOf(claims)
	if err != nil || !s.provesAddress(id) {
		return proof{}, false
	}
	return proof{email: id.email, provider: id.provider, at: id.authTime, actor: id.actor}, true
}

// proofOfAccount reads the proof that a look-up shows. An account does not say which sign-in proved its address. A federated provider's
// proof is dated by the last sign-in: once such a provider has taken an account over, no earlier credential opens it. The proof of an
// account with a password alone is dated by that password: all its sessions know it.
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

// noteProof notes that a session proves the address of its row, where no earlier one has (F3). A session that the row does not let in
// proves nothing. A row that is proven costs no statement, and neither does a token that proves nothing.
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

// AccountSeen answers the row of an account that was looked up, and notes first what the account proves of the row's address, as a token
// would. A caller that is about to change the account, or to begin a session there, asks the row afterwards (User.Admit): the session that
// it acts for may have ended with the proof. ErrNotFound where the account has no row.
func (s *Store) AccountSeen(ctx context.Context, account firebase.User) (User, error) {
	row, err := s.queries.UserByFirebaseUID(ctx, s.pool, account.UID)
	switch {
	case pg.NoRows(err):
		return User{}, ErrNotFound
	case err != nil:
		return User{}, fmt.Errorf("read the row of account %s: %w", account.UID, pg.Fault(err))
	}
	u := FromRow(db.UserByIDRow(row))
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
	if pg.NoRows(err) { // another request has noted a proof, or the row has changed: it says so itself
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

// proveIn writes the first proof down. Unless the platform vouches for the address, the sessions from before the proof end, and so does
// a local password that the proof says nothing about: any provider but "password" may have taken the account over from the person who
// set it.
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
	if !vouched { // here, and so at Firebase too
		if err := EndLegacySessions(ctx, tx, u.ID, s.clocks.Ending(time.Time{}, time.Time{})); err != nil {
			return User{}, err
		}
		if err := s.enqueueSync(ctx, tx, u.ID); err != nil {
			return User{}, err
		}
	}
	return FromRow(db.UserByIDRow(row)), audit.Record(ctx, tx, audit.Event{
		Action: "user.email_proven", Actor: p.actor, UserID: u.ID, RequestID: telemetry.RequestID(ctx),
		Details: map[string]any{"provider": p.provider, "sessions_ended": !vouched, "password_kept": keep},
	})
}

// vouched says whether the platform's word for the address counts as a proof: that of a row which the platform has brought, and never an
// admin's.
func (s *Store) vouched(ctx context.Context, tx pgx.Tx, u User) (bool, error) {
	if u.AuthProvider == providerFirebase || u.Type == TypeAdmin {
		return false, nil
	}
	return s.addressVerified(ctx, tx, u)
}

func (s *Store) setAside(ctx context.Context, tx pgx.Tx, u User, reason string) error {
	return s.queries.SetAsidePassword(ctx, tx, db.SetAsidePasswordParams{ID: u.ID, Reason: reason})
}
