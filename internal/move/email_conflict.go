package move

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
)

// resolveEmailConflict links the account with the row's address if both sides have verified it, and displaces it if no owner is proven;
// otherwise an operator decides (M6). An unverified account with other sign-in ways needs a proven local password.
func (m *Mover) resolveEmailConflict(ctx context.Context, p claimedUser, email string) (target, error) {
	there, err := m.identities.UserByEmail(ctx, email)
	switch {
	case errors.Is(err, firebase.ErrUserNotFound):
		return target{}, errChanging.With(err)
	case err != nil:
		return target{}, fmt.Errorf("look who has the address of user %s: %w", p.id, err)
	case there.UID == p.id.String():
		return target{uid: there.UID, email: email, way: wayFound}, nil
	case there.Disabled:
		return target{}, stopped(codeDisabled, nil)
	}
	if err := m.unowned(ctx, there.UID); err != nil {
		return target{}, err
	}
	if there.EmailVerified {
		return link(p, email, there)
	}
	if err := m.displace(ctx, p, there); err != nil {
		return target{}, err
	}
	a, err := m.importAccount(ctx, p, email)
	if errors.Is(err, firebase.ErrEmailExists) {
		return target{}, stopped(codeEmailTaken, err) // no second round
	}
	return a, err
}

// link requires the platform's verification too: otherwise a local user could take over a foreign account.
func link(p claimedUser, email string, there firebase.User) (target, error) {
	if !p.verified || len(there.UID) < minUID || len(there.UID) > maxUID {
		return target{}, stopped(codeEmailTaken, nil)
	}
	return target{uid: there.UID, email: email, way: wayLinked, foreign: true, passwordless: !there.HasPassword}, nil
}

const passwordProvider = "password"

// chk_firebase_uid_format and the column's width (F6).
const (
	minUID = 20
	maxUID = 128
)

func (m *Mover) unowned(ctx context.Context, uid string) error {
	_, err := m.queries.UserByFirebaseUID(ctx, m.pool, uid)
	switch {
	case pg.NoRows(err):
		return nil
	case err != nil:
		return fmt.Errorf("look whose account stands in the way: %w", pg.Fault(err))
	}
	return stopped(codeEmailOwned, nil)
}

// displacedAddress is undeliverable (RFC 2606).
func displacedAddress(uid string) string {
	sum := sha256.Sum256([]byte(uid))
	return hex.EncodeToString(sum[:16]) + "@displaced.invalid"
}
