package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/testkit/servicetest"
)

// linkCase is one line of F3's table.
type linkCase struct {
	name     string
	verified any // nil: absent
	provider string
	columns  map[string]any
	linked   bool
	kept     bool // the local password
}

// linkCases returns the table. keep is the effect of LEGACY_EMAIL_VERIFIED on a plain row's password.
func linkCases(keep bool) []linkCase {
	admin, editor := map[string]any{"user_type": "admin"}, map[string]any{"user_type": "editor"}
	return []linkCase{
		{"verified password", true, "password", nil, true, keep},
		{"verified google.com", true, "google.com", nil, true, keep},
		{"verified apple.com", true, "apple.com", nil, true, keep},
		{"verified facebook.com, which is not believed", true, "facebook.com", nil, false, true},
		{"verified custom", true, "custom", nil, false, true},
		{"verified phone", true, "phone", nil, false, true},
		{"verified, no provider named", true, "", nil, false, true},
		{"verified GOOGLE.COM", true, "GOOGLE.COM", nil, false, true},
		{"unverified password", false, "password", nil, false, true},
		{"unverified google.com", false, "google.com", nil, false, true},
		{"verified absent", nil, "google.com", nil, false, true},
		{"verified, an admin's row", true, "google.com", admin, false, true},
		{"verified password, an admin's row", true, "password", admin, false, true},
		{"verified, another type's row", true, "google.com", editor, true, keep},
		{"verified, a row with a balance", true, "google.com", map[string]any{"token_balance": 100000}, true, keep},
		{"verified, old NULLs", true, "google.com", map[string]any{
			"user_type": nil, "is_active": nil, "token_balance": nil, "auth_provider": nil, "federation_status": nil,
			"username": nil, "created_at": nil, "updated_at": nil,
		}, true, keep},
	}
}

func (c linkCase) run(t *testing.T, s *servicetest.Service) {
	t.Helper()
	email, uid := servicetest.Email(), newUID()
	id := legacyRow(t, s.Stack, email, c.columns)
	before := rowOf(t, s.Stack, "id = $1", id)
	began := time.Now().Truncate(time.Second)
	token := mint(t, s.Stack, claims(uid, email, map[string]any{"email_verified": c.verified, "firebase": signedInWith(c.provider)}))
	if !c.linked {
		expectRefusal(t, s, "F3", token, http.StatusConflict, "account_link_required")
		expectRefusal(t, s, "F3, again", token, http.StatusConflict, "account_link_required")
		expectUntouched(t, s, before)
		return
	}
	user := expectUser(t, s, "F3", token)
	if user.ID != id || user.FirebaseUID == nil || *user.FirebaseUID != uid {
		t.Errorf("F3: answered %s with uid %v, expected the row %s", user.ID, user.FirebaseUID, id)
	}
	after := rowOf(t, s.Stack, "id = $1", id)
	expectLinked(t, before, after, uid)
	c.expectPassword(t, s, before, after, began)
	expectAudited(t, s, id, "user.linked", uid, 1)
}

func expectUntouched(t *testing.T, s *servicetest.Service, before row) {
	t.Helper()
	after := rowOf(t, s.Stack, "id = $1", before.ID)
	same := after.FirebaseUID == nil && equal(after.Hash, before.Hash) && equal(after.Provider, before.Provider) &&
		after.LegacyTokensValidAt == nil && equal(after.LastLogin, before.LastLogin)
	if !same {
		t.Errorf("F3: a refused link changed the row from %+v to %+v", before, after)
	}
	if n := count(t, s.Stack, "auth.audit_events WHERE user_id = $1", before.ID); n != 0 {
		t.Errorf("F3: a refused link left %d audit events", n)
	}
}

func expectLinked(t *testing.T, before, after row, uid string) {
	t.Helper()
	switch {
	case after.FirebaseUID == nil || *after.FirebaseUID != uid:
		t.Errorf("F3: linked to %v, expected %s", after.FirebaseUID, uid)
	case after.Provider == nil || *after.Provider != "hybrid":
		t.Errorf("F3: auth_provider is %v, expected hybrid", after.Provider)
	case !equal(after.Balance, before.Balance) || !equal(after.Username, before.Username) || !equal(after.Type, before.Type) || after.Email != before.Email:
		t.Errorf("F3: linking changed %+v to %+v", before, after)
	case after.TokensValidAfter != nil:
		t.Errorf("F3: linking ended the session that linked: tokens_valid_after is %s", after.TokensValidAfter)
	}
}

func (c linkCase) expectPassword(t *testing.T, s *servicetest.Service, before, after row, began time.Time) {
	t.Helper()
	aside := count(t, s.Stack, "auth.set_aside_passwords WHERE user_id = $1 AND password_hash = $2", before.ID, *before.Hash)
	if c.kept {
		if !equal(after.Hash, before.Hash) || aside != 0 || after.LegacyTokensValidAt != nil {
			t.Errorf("F3: the password was not kept: hash %v, %d set aside, legacy sessions ended %v", after.Hash, aside, after.LegacyTokensValidAt)
		}
		return
	}
	if after.Hash != nil || aside != 1 {
		t.Errorf("F3: the password still counts: hash %v, %d set aside", after.Hash, aside)
	}
	if after.LegacyTokensValidAt == nil || !after.LegacyTokensValidAt.After(began) || after.LegacyTokensValidAt.Nanosecond() != 0 {
		t.Errorf("F3: legacy sessions end at %v, expected the next whole second after %s", after.LegacyTokensValidAt, began)
	}
}

func expectAudited(t *testing.T, s *servicetest.Service, id uuid.UUID, action, uid string, times int) {
	t.Helper()
	n := count(t, s.Stack, "auth.audit_events WHERE user_id = $1 AND action = $2 AND actor = $3 AND request_id IS NOT NULL",
		id, action, "token:"+uid)
	if n != times {
		t.Errorf("%d events %s by token:%s with a request id, expected %d", n, action, uid, times)
	}
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// F3: the whole table.
func TestFirstSight_LinkingTable(t *testing.T) {
	t.Parallel()
	for setting, keep := range map[string]bool{"unverified": false, "trust": true} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, map[string]string{"LEGACY_EMAIL_VERIFIED": setting})
			for _, c := range linkCases(keep) {
				t.Run(c.name, func(t *testing.T) { c.run(t, s) })
			}
		})
	}
}

// F3: NULL, false and a missing column mean unverified.
func TestFirstSight_LinkingByThePlatformsColumn(t *testing.T) {
	t.Parallel()
	t.Run("the column", func(t *testing.T) {
		t.Parallel()
		stack := servicetest.NewStack(t)
		execute(t, stack, "ALTER TABLE auth.users ADD COLUMN email_confirmed boolean")
		s := stack.Start(t, map[string]string{"LEGACY_EMAIL_VERIFIED": "column:email_confirmed"})
		for value, kept := range map[any]bool{true: true, false: false, nil: false} {
			linkCase{"", true, "google.com", map[string]any{"email_confirmed": value}, true, kept}.run(t, s)
		}
	})
	t.Run("no such column", func(t *testing.T) {
		t.Parallel()
		s := servicetest.Start(t, map[string]string{"LEGACY_EMAIL_VERIFIED": "column:nowhere"})
		linkCase{"", true, "google.com", nil, true, false}.run(t, s)
	})
	// A column of another type verifies no row and must not fail sign-ins.
	t.Run("a column of instants", func(t *testing.T) {
		t.Parallel()
		stack := servicetest.NewStack(t)
		execute(t, stack, "ALTER TABLE auth.users ADD COLUMN email_verified_at timestamptz")
		s := stack.Start(t, map[string]string{"LEGACY_EMAIL_VERIFIED": "column:email_verified_at"})
		linkCase{"", true, "google.com", map[string]any{"email_verified_at": nil}, true, false}.run(t, s)
		linkCase{"", true, "google.com", map[string]any{"email_verified_at": time.Now()}, true, false}.run(t, s)
	})
}

// F3: LINK_PROVIDERS replaces the default list.
func TestFirstSight_LinkProvidersAreConfigured(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"LINK_PROVIDERS": "oidc.corp"})
	linkCase{"", true, "oidc.corp", nil, true, false}.run(t, s)
	linkCase{"", true, "google.com", nil, false, true}.run(t, s)
}

func TestFirstSight_LinkingADeactivatedRowIsNoWayIn(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := legacyRow(t, s.Stack, email, map[string]any{"is_active": false})
	token := mint(t, s.Stack, claims(newUID(), email))
	expectRefusal(t, s, "F9", token, http.StatusForbidden, "account_deactivated")
	expectRefusal(t, s, "F9, again", token, http.StatusForbidden, "account_deactivated")
	if n := count(t, s.Stack, "auth.users WHERE id = $1 AND NOT is_active", id); n != 1 {
		t.Error("F9: the row is active after a sign-in")
	}
}

// F1: a subject that equals a row's id is a stranger.
func TestFirstSight_SubjectIsNoRowID(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	id := legacyRow(t, s.Stack, servicetest.Email())
	user := expectUser(t, s, "F1", mint(t, s.Stack, claims(id.String(), servicetest.Email())))
	if user.ID == id {
		t.Error("F1: a subject was taken for a row's id")
	}
}
