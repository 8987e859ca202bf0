package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestAttack_AThrottledMailTellsOfNoAccount_A9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	fault(t, s, identity.Fault{Match: "accounts:sendOobCode", Kind: "RESET_PASSWORD_EXCEED_LIMIT"})
	answer := forgot(t, s, *person.Email)
	answer.expect(t, "A9: the third mail to somebody", 202, "")
	if string(answer.body) != mailBody {
		t.Errorf("A9: answered %s, expected %s", answer.body, mailBody)
	}
}

// T4, F7: sessions end also where the row has another address.
func TestAttack_AResetEndsTheSessionsOfItsAccount_T4_F7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	o := moved(t, s)
	moved := servicetest.Email()
	if !s.Identity.SetEmail(o.id.String(), moved, true) {
		t.Fatal("the address was not changed")
	}
	forgot(t, s, moved).expect(t, "forgot", 202, "")
	reset(t, s, mailTo(t, s, "PASSWORD_RESET", moved), newPassword).expect(t, "reset", 200, "")
	o.expectEnded(t, s)
	if !fits(t, s.Stack, o.id, newPassword) {
		t.Error("A7: the local hash has not followed")
	}
}

// T4, A7: the first sign-in after a reset on Firebase's own page ends older sessions.
func TestAttack_AResetPastUsEndsLegacySessions_T4_A7(t *testing.T) {
	t.Parallel()
	for _, path := range surfaces {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, trusts)
			o := moved(t, s)
			thief := legacyLogin(t, s, o.email, servicetest.Password)
			changeBehindOurBack(t, s.Stack, o.email, servicetest.Password, newPassword)
			ask(t, s, http.MethodPost, path, registerBody(t, o.email, newPassword)).expect(t, "the owner", 200, "")
			owner := legacyLogin(t, s, o.email, newPassword)
			expectRefusal(t, s, "T4: a session of the old password", thief.AccessToken, 401, "token_revoked")
			refresh(t, s, "/auth/refresh", thief.RefreshToken).expect(t, "T4: its refresh", 401, "token_revoked")
			expectUser(t, s, "the owner's", owner.AccessToken)
			refresh(t, s, "/auth/refresh", owner.RefreshToken).expect(t, "the owner's refresh", 200, "")
		})
	}
}

func TestAttack_VerificationMailsAreLimited_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	person := s.Person(t)
	sent := 0
	for from := range 60 {
		answer := ask(t, s, http.MethodPost, "/v1/auth/email/verify", "", "Authorization", "Bearer "+person.IDToken,
			"X-Forwarded-For", fmt.Sprintf("203.0.113.%d", from+1))
		if answer.status == http.StatusTooManyRequests {
			break
		}
		answer.expect(t, "a mail", 202, "")
		sent++
	}
	if sent > 50 {
		t.Errorf("A4: %d mails to one address were asked for in a moment, expected 50 at most", sent)
	}
}
