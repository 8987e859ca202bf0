package e2e

import (
	"net/http"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

type conflict struct {
	*servicetest.Service
	email, holder, newcomer, token string
	row                            row
}

func newConflict(t *testing.T, s *servicetest.Service) conflict {
	t.Helper()
	c := conflict{Service: s, email: servicetest.Email(), holder: newUID(), newcomer: newUID()}
	first := expectUser(t, s, "the holder", mint(t, s.Stack, claims(c.holder, c.email)))
	c.row = rowOf(t, s.Stack, "id = $1", first.ID)
	c.token = mint(t, s.Stack, claims(c.newcomer, c.email))
	return c
}

func (c conflict) expectConflict(t *testing.T, what string) {
	t.Helper()
	expectRefusal(t, c.Service, "F7, "+what, c.token, http.StatusConflict, "identity_conflict")
	c.expectUntouched(t, what)
}

func (c conflict) expectUntouched(t *testing.T, what string) {
	t.Helper()
	r := rowOf(t, c.Stack, "id = $1", c.row.ID)
	if r.Email != c.email || !equal(r.FirebaseUID, &c.holder) {
		t.Errorf("F7, %s: the holder's row has %s and %v now", what, r.Email, r.FirebaseUID)
	}
	if n := count(t, c.Stack, "auth.users WHERE firebase_uid = $1", c.newcomer); n != 0 {
		t.Errorf("F7, %s: the newcomer has %d rows", what, n)
	}
}

// F7: the holder's new address is stored.
func TestFirstSight_HolderHasMovedOn(t *testing.T) {
	t.Parallel()
	c := newConflict(t, servicetest.Start(t))
	putUser(t, c.Stack, identity.User{UID: c.holder, Email: "Moved.On@example.com"})
	user := expectUser(t, c.Service, "F7", c.token)
	if user.ID == c.row.ID || user.Email == nil || *user.Email != c.email {
		t.Errorf("F7: the newcomer was answered %s %v", user.ID, user.Email)
	}
	former := expectUser(t, c.Service, "F7, the former holder", mint(t, c.Stack, claims(c.holder, c.email)))
	if former.ID != c.row.ID || former.Email == nil || *former.Email != "moved.on@example.com" {
		t.Errorf("F7: the former holder was answered %s %v, expected moved.on@example.com", former.ID, former.Email)
	}
	if n := count(t, c.Stack, "auth.audit_events WHERE user_id = $1 AND action = 'user.email_changed' AND actor = 'system'", c.row.ID); n != 1 {
		t.Errorf("F7: %d changes of address were audited, expected 1", n)
	}
}

// F7: the holder's row gets the placeholder.
func TestFirstSight_HolderHasNoAddressAnyMore(t *testing.T) {
	t.Parallel()
	c := newConflict(t, servicetest.Start(t))
	putUser(t, c.Stack, identity.User{UID: c.holder, Phone: "+6281200000001"})
	expectUser(t, c.Service, "F7", c.token)
	former := expectUser(t, c.Service, "F7, the former holder", mint(t, c.Stack, claims(c.holder, c.email)))
	if former.Email != nil {
		t.Errorf("F7: the former holder is answered %s, expected no e-mail", *former.Email)
	}
}

// F7: the row of a deleted account without balance or privileges is relinked.
func TestFirstSight_HolderIsGone(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for name, columns := range map[string]string{
		"balance 0":  "token_balance = 0",
		"old NULLs":  "token_balance = NULL, user_type = NULL, is_active = NULL, federation_status = NULL",
		"a leftover": "federation_status = 'failed'",
	} {
		t.Run(name, func(t *testing.T) {
			c := newConflict(t, s)
			execute(t, c.Stack, "UPDATE auth.users SET "+columns+" WHERE id = $1", c.row.ID)
			putUser(t, c.Stack, identity.User{UID: c.newcomer, Email: c.email})
			user := expectUser(t, c.Service, "F7", c.token)
			if user.ID != c.row.ID || user.FirebaseUID == nil || *user.FirebaseUID != c.newcomer {
				t.Errorf("F7: answered %s %v, expected the row %s relinked", user.ID, user.FirebaseUID, c.row.ID)
			}
			expectAudited(t, s, c.row.ID, "user.relinked", c.newcomer, 1)
			// The deleted account's token stays valid for up to an hour.
			stale := mint(t, c.Stack, claims(c.holder, c.email))
			expectRefusal(t, s, "F7, the gone account's token", stale, http.StatusConflict, "identity_conflict")
		})
	}
}

// F7: a balance or another user type needs an operator.
func TestFirstSight_GoneHolderWithSomethingToLose(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for name, columns := range map[string]string{
		"a balance": "token_balance = 1", "a debt": "token_balance = -1", "an admin": "user_type = 'admin'", "another type": "user_type = 'editor'",
	} {
		t.Run(name, func(t *testing.T) {
			c := newConflict(t, s)
			execute(t, c.Stack, "UPDATE auth.users SET "+columns+" WHERE id = $1", c.row.ID)
			c.expectConflict(t, name)
			c.expectConflict(t, name+", again")
		})
	}
}

func TestFirstSight_HolderHoldsOn(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	t.Run("the same address", func(t *testing.T) {
		c := newConflict(t, s)
		putUser(t, c.Stack, identity.User{UID: c.holder, Email: c.email})
		c.expectConflict(t, "the same address")
	})
	t.Run("an address beyond ASCII", func(t *testing.T) {
		c := newConflict(t, s)
		putUser(t, c.Stack, identity.User{UID: c.holder, Email: "möved@example.com"})
		c.expectConflict(t, "beyond ASCII")
	})
	t.Run("a third row holds the new address", func(t *testing.T) {
		c := newConflict(t, s)
		third := servicetest.Email()
		thirdUID := newUID()
		expectUser(t, s, "the third", mint(t, c.Stack, claims(thirdUID, third)))
		putUser(t, c.Stack, identity.User{UID: c.holder, Email: third})
		c.expectConflict(t, "third row")
		if r := rowOf(t, c.Stack, "firebase_uid = $1", thirdUID); r.Email != third {
			t.Errorf("F7: the third row has %s now", r.Email)
		}
	})
}

func TestFirstSight_ConflictWhileFirebaseIsAway(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{identity.FaultCut, identity.FaultHang, identity.FaultUnavailable, identity.FaultTooManyRequests} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := newConflict(t, servicetest.Start(t))
			putUser(t, c.Stack, identity.User{UID: c.holder, Email: servicetest.Email()})
			fault(t, c.Service, identity.Fault{Match: "accounts:lookup", Kind: kind})
			began := time.Now()
			expectRefusal(t, c.Service, "F7, "+kind, c.token, http.StatusServiceUnavailable, "dependency_unavailable")
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("O3, %s: answered after %s, expected 2 s at most", kind, took)
			}
			c.expectUntouched(t, kind)
			c.Identity.ClearFaults()
			expectUser(t, c.Service, "F7, after "+kind, c.token)
		})
	}
}
