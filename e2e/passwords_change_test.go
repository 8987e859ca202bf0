package e2e

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

// T5: the change returns a session that works at once. A local hash follows.
func TestPasswordChange_EndsWhatWasAndBeginsAnew_T4_A7(t *testing.T) {
	t.Parallel()
	for home, live := range homes {
		t.Run(home, func(t *testing.T) {
			t.Parallel()
			stack, instances := twoInstances(t, trusts)
			here, elsewhere := instances[0], instances[1]
			old := live(t, here)
			settle(t, here, old.tokens...)
			settle(t, elsewhere, old.tokens...)
			fresh := sessionOf(t, changePassword(t, here, old.tokens[0], "", newPassword), http.StatusOK)
			expectUser(t, elsewhere, "the new session, elsewhere and at once", fresh.IDToken)
			expectUser(t, here, "the new session, here", fresh.IDToken)
			old.expectEnded(t, here, elsewhere)
			if fresh.Kind != old.kind || fresh.User.ID != old.id || fresh.User.AuthProvider != home {
				t.Errorf("answered %s of %s at %s, expected %s of %s", fresh.Kind, fresh.User.ID, fresh.User.AuthProvider, old.kind, old.id)
			}
			refresh(t, elsewhere, "/v1/auth/refresh", fresh.RefreshToken).expect(t, "the new session's refresh", 200, "")
			expectShutOut(t, elsewhere, old.email, servicetest.Password)
			expectSignsIn(t, elsewhere, old.email, newPassword)
			if followed := fits(t, stack, old.id, newPassword); followed != (home != "firebase") {
				t.Errorf("A7: the local hash is of the new password: %t", followed)
			}
			expectNoSecrets(t, here, append(old.tokens, newPassword, servicetest.Password, old.email, fresh.IDToken, fresh.RefreshToken)...)
		})
	}
}

func TestPasswordChange_Refusals_A6_A10(t *testing.T) {
	t.Parallel()
	for home, live := range homes {
		t.Run(home, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, trusts)
			o := live(t, s)
			before := fingerprint(t, s)
			for what, password := range map[string]string{
				"7 characters": "Passwor", "7 characters of 4 bytes": strings.Repeat("😀", 7), "73 bytes": strings.Repeat("x", 73),
				"70 bytes and one of 3": strings.Repeat("x", 70) + "€",
			} {
				answer := changePassword(t, s, o.tokens[0], servicetest.Password, password)
				answer.expect(t, "A6: "+what, 422, "weak_password")
				expectField(t, "A6: "+what, answer, "newPassword")
			}
			stale := hourOld(t, s, o, 6*time.Minute)
			changePassword(t, s, stale, "", newPassword).expect(t, "A10: a sign-in of 6 minutes ago", 401, "reauth_required")
			for what, password := range map[string]string{"a wrong password": "WrongPassword1", "an endless one": strings.Repeat("x", 5000)} {
				changePassword(t, s, stale, password, newPassword).expect(t, "A10: with "+what, 401, "invalid_credentials")
			}
			o.expectAlive(t, s)
			if after := fingerprint(t, s); after != before {
				t.Error("a refused change has written to auth.users")
			}
			expectShutOut(t, s, o.email, newPassword)
			changePassword(t, s, stale, servicetest.Password, strings.Repeat("y", 72)).expect(t, "A10: with the password, to 72 bytes", 200, "")
			expectSignsIn(t, s, o.email, strings.Repeat("y", 72))
		})
	}
}

// The five minutes count from the sign-in, not from a refresh.
func TestPasswordChange_ASignInOfFourMinutesAgoWillDo_A10(t *testing.T) {
	t.Parallel()
	for home, live := range homes {
		t.Run(home, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, trusts)
			o := live(t, s)
			changePassword(t, s, hourOld(t, s, o, 4*time.Minute), "", newPassword).expect(t, "A10: a sign-in of 4 minutes ago", 200, "")
		})
	}
}

func TestPasswordChange_WithoutAnEmail_F5(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	changePassword(t, s, phoneToken(t, s), "", newPassword).expect(t, "F5: a person without an e-mail", 422, "unsupported_identity")
}

func phoneToken(t testing.TB, s *servicetest.Service) string {
	t.Helper()
	return mint(t, s.Stack, map[string]any{
		"sub": newUID(), "phone_number": "+6281234567890",
		"firebase": map[string]any{"sign_in_provider": "phone", "identities": map[string]any{"phone": []string{"+6281234567890"}}},
	})
}

// An old row may hold the address in capitals.
func TestPasswordChange_GuessesAreCounted_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	const stranger, owner = "203.0.113.9", "198.51.100.7"
	email := servicetest.Email()
	id := localUser(t, s.Stack, strings.ToUpper(email), servicetest.Password)
	stale := hs256(t, accessSecret, oldAccess(id, email, map[string]any{"iat": time.Now().Add(-time.Hour).Unix()}))
	guess := func(from, password string) reply {
		return changePassword(t, s, stale, password, newPassword, "X-Forwarded-For", from)
	}
	for range 5 {
		guess(stranger, "WrongPassword1").expect(t, "a guess", 401, "invalid_credentials")
		login(t, s, stranger, email, "WrongPassword1").expect(t, "a guess at login", 401, "invalid_credentials")
	}
	expectLimited(t, "A4: the next guess", guess(stranger, "WrongPassword1"))
	expectLimited(t, "A4: the right password from there", guess(stranger, servicetest.Password))
	expectLimited(t, "A4: login from there", login(t, s, stranger, email, servicetest.Password))
	guess(owner, servicetest.Password).expect(t, "A4: the owner elsewhere", 200, "")
}

// Only the password of one change opens the surfaces afterwards.
func TestPasswordChange_AtOnceOneWins_A7(t *testing.T) {
	t.Parallel()
	for home, live := range homes {
		t.Run(home, func(t *testing.T) {
			t.Parallel()
			_, instances := twoInstances(t, trusts)
			o := live(t, instances[0])
			passwords := []string{"AtOncePassword0", "AtOncePassword1"}
			answers := make([]reply, len(passwords))
			var all sync.WaitGroup
			for i, password := range passwords {
				all.Go(func() { answers[i] = changePassword(t, instances[i%2], o.tokens[i%2], "", password) })
			}
			all.Wait()
			told, counting := 0, ""
			for i, password := range passwords {
				switch answers[i].status {
				case http.StatusOK:
					told++
				case http.StatusUnauthorized:
					answers[i].expect(t, "who came after a change", 401, "token_revoked")
				default:
					answers[i].expect(t, "who was overtaken", 503, "dependency_unavailable")
				}
				if home == "local" && fits(t, instances[0].Stack, o.id, password) ||
					home != "local" && opensAtFirebase(t, instances[0].Stack, o.email, password) {
					counting = password
					if answers[i].status == http.StatusUnauthorized {
						t.Errorf("the password that counts was answered %d %s", answers[i].status, answers[i].body)
					}
				}
			}
			if counting == "" || home == "local" && told != 1 {
				t.Fatalf("%d were told that their password counts, and %q does", told, counting)
			}
			if hash := rowOf(t, instances[0].Stack, "id = $1", o.id).Hash; home == "hybrid" && *hash != "!" && !fits(t, instances[0].Stack, o.id, counting) {
				t.Error("A7: the local hash is of an overtaken password")
			}
			for _, password := range append(passwords, servicetest.Password) {
				if password != counting {
					expectShutOut(t, instances[0], o.email, password)
				}
			}
			expectSignsIn(t, instances[1], o.email, counting)
		})
	}
}

// Firebase's late answer must not restore an older hash.
func TestPasswordChange_OvertakenAtFirebase_A7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	o := moved(t, s)
	fault(t, s, identity.Fault{Match: "accounts:update", Kind: identity.FaultDelay, Delay: time.Minute, After: true, Count: 1})
	slow := make(chan reply, 1)
	go func() { slow <- changePassword(t, s, o.tokens[0], "", "OvertakenPassword1") }()
	eventually(t, "the first change is made at Firebase", func() bool { return s.Identity.FaultHits()[0] == 1 })
	changePassword(t, s, o.tokens[0], "", newPassword).expect(t, "the change that comes later", 200, "")
	s.Identity.ClearFaults()
	(<-slow).expect(t, "the change that was overtaken", 503, "dependency_unavailable")
	if fits(t, s.Stack, o.id, "OvertakenPassword1") {
		t.Error("A7: the local hash is of the overtaken password")
	}
	expectShutOut(t, s, o.email, "OvertakenPassword1")
	expectSignsIn(t, s, o.email, newPassword)
	if !fits(t, s.Stack, o.id, newPassword) {
		t.Error("A7: the local hash has not followed")
	}
}

// Firebase changes first. A retry completes the change, also after a lost answer.
func TestPasswordChange_FirebaseAwayChangesNothing_S4(t *testing.T) {
	t.Parallel()
	for _, home := range []string{"hybrid", "firebase"} {
		t.Run(home, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, trusts)
			o := homes[home](t, s)
			before := rowOf(t, s.Stack, "id = $1", o.id)
			for _, kind := range []string{identity.FaultUnavailable, identity.FaultCut} {
				fault(t, s, identity.Fault{Match: "accounts:update", Kind: kind})
				askTimed(t, s, http.MethodPost, "/v1/auth/password/change", jsonOf(t, map[string]string{"newPassword": newPassword}),
					authorized(o.tokens[0])...).expectOutage(t, "S4: "+kind, handlerLimit)
				s.Identity.ClearFaults()
			}
			fault(t, s, identity.Fault{Match: "accounts:update", Kind: identity.FaultTooManyRequests})
			expectLimited(t, "A4: Google's throttling", changePassword(t, s, o.tokens[0], "", newPassword))
			s.Identity.ClearFaults()
			after := rowOf(t, s.Stack, "id = $1", o.id)
			if !equal(after.Hash, before.Hash) || !equal(after.TokensValidAfter, before.TokensValidAfter) {
				t.Errorf("S4: the row was changed from %+v to %+v", before, after)
			}
			o.expectAlive(t, s)
			expectShutOut(t, s, o.email, newPassword)
			expectSignsIn(t, s, o.email, servicetest.Password)

			fault(t, s, identity.Fault{Match: "accounts:update", Kind: identity.FaultCut, After: true, Count: 1})
			changePassword(t, s, o.tokens[0], "", newPassword).expect(t, "S4: a change whose answer is lost", 503, "dependency_unavailable")
			if again := changePassword(t, s, o.tokens[0], "", newPassword); again.status == http.StatusOK {
				expectUser(t, s, "S4: the new session", sessionOf(t, again, http.StatusOK).IDToken)
			} else {
				again.expect(t, "S4: the same request, after the job has completed it", 401, "token_revoked")
			}
			o.expectEnded(t, s)
			expectSignsIn(t, s, o.email, newPassword)
		})
	}
}

// S4: a local change needs no Firebase.
func TestPasswordChange_LocalNeedsNoFirebase(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	o := livesHere(t, s)
	fault(t, s, identity.Fault{Kind: identity.FaultUnavailable})
	changePassword(t, s, o.tokens[0], "", newPassword).expect(t, "a local change, Firebase away", 200, "")
	expectSignsIn(t, s, o.email, newPassword)
}

// Our half follows within the request or in a job.
func TestPasswordChange_DatabaseAwayAfterFirebasesAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		back time.Duration // 0: after the answer
		want int
	}{
		"back in time": {500 * time.Millisecond, http.StatusOK},
		"back later":   {0, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			wire, throughWire := netfault.URL(t, stack.DatabaseURL)
			s := stack.Start(t, map[string]string{"DATABASE_URL": throughWire, "LEGACY_EMAIL_VERIFIED": "trust"})
			o := moved(t, s)
			settle(t, s, o.tokens...)
			fault(t, s, identity.Fault{Match: "accounts:update", Kind: identity.FaultDelay, Delay: time.Minute, After: true})
			answered := make(chan int, 1)
			go func() { answered <- changePassword(t, s, o.tokens[0], "", newPassword).status }()
			eventually(t, "the change is made at Firebase", func() bool { return s.Identity.FaultHits()[0] == 1 })
			wire.Cut()
			if test.back > 0 {
				time.AfterFunc(test.back, wire.Restore)
			}
			s.Identity.ClearFaults()
			if status := <-answered; status != test.want {
				t.Errorf("the change was answered %d, expected %d", status, test.want)
			}
			wire.Restore()
			eventually(t, "T4: an old session has ended", func() bool { return verify(t, s, o.tokens[0]).status == http.StatusUnauthorized })
			o.expectEnded(t, s)
			if test.want == http.StatusOK && !fits(t, stack, o.id, newPassword) {
				t.Error("A7: the local hash has not followed")
			}
			expectSignsIn(t, s, o.email, newPassword)
		})
	}
}

func TestPasswordChange_HangingUp(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	o := moved(t, s)
	fault(t, s, identity.Fault{Match: "accounts:update", Kind: identity.FaultDelay, Delay: time.Minute, After: true})
	ctx, hangUp := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/auth/password/change",
			strings.NewReader(jsonOf(t, map[string]string{"newPassword": newPassword})))
		if err != nil {
			t.Error(err)
			return
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+o.tokens[0])
		if response, err := s.HTTP.Do(request); err == nil {
			response.Body.Close()
			t.Error("the answer came before the caller hung up")
		}
	}()
	eventually(t, "the change is made at Firebase", func() bool { return s.Identity.FaultHits()[0] == 1 })
	hangUp()
	<-gone
	time.AfterFunc(200*time.Millisecond, s.Identity.ClearFaults) // the service's call ends with it
	eventually(t, "A7: the local hash follows", func() bool { return fits(t, s.Stack, o.id, newPassword) })
	o.expectEnded(t, s)
}

func TestPasswordChange_AccountGoneOrDisabledAtFirebase(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	gone, disabled := moved(t, s), moved(t, s)
	s.Identity.DeleteUser(gone.id.String())
	changePassword(t, s, gone.tokens[0], "", newPassword).expect(t, "an account that is gone", 401, "token_revoked")
	s.Identity.SetDisabled(disabled.id.String(), true)
	changePassword(t, s, disabled.tokens[0], "", newPassword).expect(t, "an account that is disabled", 403, "account_deactivated")
	for _, o := range []sessions{gone, disabled} {
		if !fits(t, s.Stack, o.id, servicetest.Password) {
			t.Error("the local hash was changed")
		}
	}
}

func TestPasswordChange_AddressChangedAtFirebase_S1(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	o := moved(t, s)
	other := servicetest.Email()
	if !s.Identity.SetEmail(o.id.String(), other, true) {
		t.Fatal("the address was not changed")
	}
	if fresh := sessionOf(t, changePassword(t, s, o.tokens[0], "", newPassword), http.StatusOK); fresh.User.ID != o.id {
		t.Errorf("answered %s, expected %s", fresh.User.ID, o.id)
	}
	if !opensAtFirebase(t, s.Stack, other, newPassword) {
		t.Error("the password was not changed")
	}
}

func TestPasswordChange_SignInBlocked_A11(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	o := livesAtFirebase(t, s)
	fault(t, s, identity.Fault{Match: signIn, Kind: "BLOCKING_FUNCTION_ERROR_RESPONSE"})
	changePassword(t, s, o.tokens[0], "", newPassword).expect(t, "a blocking function", 403, "sign_in_blocked")
	s.Identity.ClearFaults()
	o.expectEnded(t, s)
}

func TestPasswordChange_WeakForTheProject_A6(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	o := livesAtFirebase(t, s)
	fault(t, s, identity.Fault{Match: "accounts:update", Kind: "PASSWORD_DOES_NOT_MEET_REQUIREMENTS"})
	changePassword(t, s, o.tokens[0], "", newPassword).expect(t, "A6: the project's policy", 422, "weak_password")
	s.Identity.ClearFaults()
	o.expectAlive(t, s)
}
