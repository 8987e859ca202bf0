package e2e

import (
	"net/http"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

var unverifiedPlatform = map[string]string{"LEGACY_EMAIL_VERIFIED": "unverified"}

func TestSquatter_TheFirstProofEndsEarlierSessions_F3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	for surface, take := range squats {
		t.Run(surface, func(t *testing.T) {
			q := take(t, s)
			owner := q.signsIn(t, s, "google.com", true)
			expectUser(t, s, "the owner", owner)
			q.expectOut(t, s)
			expectUser(t, s, "the owner, afterwards", owner)
			if times, ended := q.proofsOf(t, s); times != 1 || !ended {
				t.Errorf("the audit has %d proofs, sessions ended %t; expected one that ended them", times, ended)
			}
		})
	}
}

func TestSquatter_WhatProves_F3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	operator := newAdmin(t, s.Stack)
	shows := func(provider string, verified bool) func(t *testing.T, q squat) {
		return func(t *testing.T, q squat) { expectUser(t, s, provider, q.signsIn(t, s, provider, verified)) }
	}
	for name, c := range map[string]struct {
		happens func(t *testing.T, q squat)
		ends    bool
	}{
		"Apple's word":                    {shows("apple.com", true), true},
		"Facebook's token, unverified":    {shows("facebook.com", false), false},
		"Google's token, unverified":      {shows("google.com", false), false},
		"a custom token":                  {shows("custom", false), false},
		"another unverified password":     {shows("password", false), false},
		"a sync shows it":                 {func(t *testing.T, q squat) { q.takenOver(t, s); q.synced(t, s, operator) }, true},
		"a sync shows nothing":            {func(t *testing.T, q squat) { q.synced(t, s, operator) }, false},
		"the stranger's refresh shows it": {func(t *testing.T, q squat) { q.takenOver(t, s) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			q := squats["old surface"](t, s)
			c.happens(t, q)
			if !c.ends {
				q.expectIn(t, s)
				return
			}
			refresh(t, s, "/v1/auth/refresh", q.legacyRefresh).expect(t, "the legacy session", http.StatusUnauthorized, "token_revoked")
			q.expectOut(t, s)
		})
	}
}

// Its token proves nothing. Firebase's account data count when a session continues there, as a password would.
func TestSquatter_AnUntrustedProvider_F3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	for _, provider := range []string{"facebook.com", "custom", "phone"} {
		q := squats["old surface"](t, s)
		expectUser(t, s, provider, q.signsIn(t, s, provider, true))
		for what, token := range q.tokens() {
			expectUser(t, s, what+" after "+provider, token)
		}
		refresh(t, s, "/v1/auth/refresh", q.legacyRefresh).expect(t, "going on at Firebase", http.StatusUnauthorized, "token_revoked")
	}
}

// Another provider's first proof disables the local password.
func TestSquatter_AReturnedRowIsNoException_F3_M7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	q := squats["moved from here"](t, s)
	execute(t, s.Stack, "UPDATE auth.users SET auth_provider = 'local' WHERE firebase_uid = $1", q.uid) // the return
	expectUser(t, s, "the owner", q.signsIn(t, s, "google.com", true))
	expectShutOut(t, s, q.email, servicetest.Password)
	q.expectOut(t, s)
	if times, ended := q.proofsOf(t, s); times != 1 || !ended {
		t.Errorf("the audit has %d proofs, sessions ended %t; expected one that ended them", times, ended)
	}
}

func TestSquatter_AReconcileShowsTheProof_F3_S2(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	for surface, take := range squats {
		q := take(t, s)
		q.takenOver(t, s)
		if code, report, warned := reconcile(t, s.Stack, nil); code != 0 {
			t.Fatalf("%s: reconcile ended with %d, %v, %s", surface, code, report, warned)
		}
		q.expectOut(t, s)
		expectShutOut(t, s, q.email, servicetest.Password)
	}
}

// Without an address there is nothing to prove.
func TestSquatter_APhonesRowHasNothingToProve_F3_F5(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	uid := newUID()
	phone := map[string]any{"phone_number": "+6281234567890", "firebase": signedInWith("phone")}
	before := mint(t, s.Stack, claims(uid, "", phone))
	expectUser(t, s, "a person with a phone", before)
	expectUser(t, s, "the same, with an address", mint(t, s.Stack, claims(uid, servicetest.Email())))
	expectUser(t, s, "the session of before", before)
}

func (q squat) synced(t *testing.T, s *servicetest.Service, operator admin) {
	t.Helper()
	operator.syncUID(t, s, q.uid).expect(t, "the sync", http.StatusOK, "")
}

// Firebase's verified password is a proof. A session in the same second is the same user's.
func TestSquatter_AVerifiedPasswordEndsLegacySessions_F3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	q := squats["old surface"](t, s)
	s.Identity.SetEmail(q.uid, q.email, true)
	owner := newLogin(t, s, q.email, servicetest.Password)
	expectUser(t, s, "the sign-in that proves", owner.IDToken)
	expectRefusal(t, s, "the legacy access token", q.access, http.StatusUnauthorized, "token_revoked")
	refresh(t, s, "/v1/auth/refresh", q.legacyRefresh).expect(t, "the legacy refresh token", http.StatusUnauthorized, "token_revoked")
	pair := legacyLogin(t, s, q.email, servicetest.Password)
	expectUser(t, s, "a legacy session of after the proof", pair.AccessToken)
	if times, _ := q.proofsOf(t, s); times != 1 {
		t.Errorf("the audit has %d proofs, expected one", times)
	}
}

func TestSquatter_ALaterProofEndsNothing_F3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	email := servicetest.Email()
	first := s.Token(t, identity.User{Email: email, EmailVerified: true, Password: servicetest.Password}, "password")
	u := expectUser(t, s, "a row that is made with a proof", first)
	pair := legacyLogin(t, s, email, servicetest.Password)
	q := squat{email: email, uid: *u.FirebaseUID, access: pair.AccessToken, legacyRefresh: pair.RefreshToken, firebase: []string{first}}
	for _, provider := range []string{"google.com", "apple.com", "password"} {
		expectUser(t, s, provider, q.signsIn(t, s, provider, true))
		q.expectIn(t, s)
	}
	if times, _ := q.proofsOf(t, s); times != 0 {
		t.Errorf("the audit has %d proofs of an address that was proven at first sight", times)
	}
}

// A vouched address has no squatter.
func TestSquatter_ThePlatformVouches_F3(t *testing.T) {
	t.Parallel()
	t.Run("trust", func(t *testing.T) {
		t.Parallel()
		s := servicetest.Start(t, trusts)
		for _, surface := range []string{"moved from here", "linked by the local password"} {
			q := squats[surface](t, s)
			expectUser(t, s, surface, q.signsIn(t, s, "google.com", true))
			q.expectIn(t, s)
		}
		q := squats["old surface"](t, s) // registered here, so not vouched for
		expectUser(t, s, "the owner", q.signsIn(t, s, "google.com", true))
		q.expectOut(t, s)
	})
	t.Run("column", func(t *testing.T) {
		t.Parallel()
		stack := servicetest.NewStack(t)
		execute(t, stack, "ALTER TABLE auth.users ADD COLUMN confirmed boolean")
		s := stack.Start(t, map[string]string{"LEGACY_EMAIL_VERIFIED": "column:confirmed"})
		for confirmed, goesOn := range map[bool]bool{true: true, false: false} {
			q := squats["moved from here"](t, s)
			execute(t, stack, "UPDATE auth.users SET confirmed = $2, email_proven_at = NULL WHERE firebase_uid = $1", q.uid, confirmed)
			expectUser(t, s, "the owner", q.signsIn(t, s, "google.com", true))
			if goesOn {
				q.expectIn(t, s)
			} else {
				q.expectOut(t, s)
			}
		}
	})
}

// The service does not know of the takeover yet.
func TestSquatter_TheOldPasswordTakesNothingBack_F3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	t.Run("a sign-in", func(t *testing.T) {
		q := squats["moved from here"](t, s)
		owner := q.takenOver(t, s)
		expectShutOut(t, s, q.email, servicetest.Password)
		if opensAtFirebase(t, s.Stack, q.email, servicetest.Password) {
			t.Error("the stranger's password opens the owner's account")
		}
		q.expectOut(t, s)
		expectUser(t, s, "the owner", owner)
	})
	t.Run("a change", func(t *testing.T) {
		q := squats["old surface"](t, s)
		owner := q.takenOver(t, s)
		changePassword(t, s, q.access, "", newPassword).expect(t, "the change", http.StatusUnauthorized, "token_revoked")
		if opensAtFirebase(t, s.Stack, q.email, newPassword) {
			t.Error("the stranger's password opens the owner's account")
		}
		expectUser(t, s, "the owner", owner)
	})
}

// F3: the relinked row keeps no session.
func TestSquatter_RelinkedRow_F7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	q := squats["old surface"](t, s)
	s.Identity.DeleteUser(q.uid)
	owner := s.Token(t, identity.User{Email: q.email, EmailVerified: true}, "google.com")
	expectUser(t, s, "the owner", owner)
	expectRefusal(t, s, "the legacy access token", q.access, http.StatusUnauthorized, "token_revoked")
	refresh(t, s, "/auth/refresh", q.legacyRefresh).expect(t, "the legacy refresh token", http.StatusUnauthorized, "token_revoked")
}

// Sessions under the earlier address end.
func TestSquatter_AnotherAddress_F3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, unverifiedPlatform)
	operator := newAdmin(t, s.Stack)
	q := squats["old surface"](t, s)
	expectUser(t, s, "the holder proves the own address", q.signsIn(t, s, "google.com", true))
	q.email = servicetest.Email()
	s.Identity.SetEmail(q.uid, q.email, false)
	q.synced(t, s, operator)
	own := newLogin(t, s, q.email, servicetest.Password)
	expectUser(t, s, "the owner of the next address", q.signsIn(t, s, "apple.com", true))
	expectRefusal(t, s, "a session of before", own.IDToken, http.StatusUnauthorized, "token_revoked")
}
