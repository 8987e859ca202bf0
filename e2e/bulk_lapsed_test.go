package e2e

import (
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// M2: an instance settles what a killed and then stopped run left, without a sign-in of these users.
func TestUsersMove_AStoppedRunLeavesNoClaim_M2(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 4)
	imported := c.people[0]
	if _, err := s.Identity.PutUser(identity.User{UID: imported.id.String(), Email: imported.email, Password: imported.password}); err != nil {
		t.Fatal(err)
	}
	execute(t, s.Stack, "UPDATE auth.users SET federation_status = 'syncing'")
	execute(t, s.Stack, `INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at, hash_digest)
		SELECT id, 'a killed run', clock_timestamp() - interval '61 seconds', sha256(convert_to(password_hash, 'UTF8')) FROM auth.users`)
	waitFor(t, 40*time.Second, "no claim is left", func() bool { return count(t, s.Stack, "auth.move_claims") == 0 })
	c.expectWhereabouts(t, "settled", func(p localOne) (moved, certain bool) { return p.id == imported.id, true })
}
