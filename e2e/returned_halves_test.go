package e2e

import (
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/testkit/servicetest"
)

// After a lost answer, too, a reset ends the passwords and sessions of before it.
func TestReturned_AResetThatIsCutShortEndsThePasswordFromBefore_T4_A7(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kept   bool
		signIn bool
	}{
		"a local password":                         {},
		"a local password, a sign-in meanwhile":    {signIn: true},
		"Firebase's password":                      {kept: true},
		"Firebase's password, a sign-in meanwhile": {kept: true, signIn: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			g := newGate(t, stack)
			gated := g.through(stack).Start(t)
			s := behindTheGate(gated, stack)
			email, id, code := aboutToReset(t, s)
			password := servicetest.Password
			if c.kept {
				password = firebasePassword
				bringHome(t, stack, id, cheapScrypt, password)
			}
			tokens := []string{hs256(t, accessSecret, oldAccess(id, email))}
			g.arm()
			answered := make(chan reply, 1)
			go func() { answered <- reset(t, gated, code, newPassword) }()
			eventually(t, "Firebase has carried out the reset", func() bool { return g.holds() == 1 })
			if c.signIn {
				tokens = append(tokens, newLogin(t, s, email, password).IDToken, legacyLogin(t, s, email, password).AccessToken)
			}
			g.release(true)
			(<-answered).expect(t, "a reset that is cut short", 503, "dependency_unavailable")
			eventually(t, "the job has looked", func() bool { return count(t, stack, leftOver) == 0 })
			for _, token := range tokens {
				expectRefusal(t, s, "T4: a session of the password from before", token, 401, "token_revoked")
			}
			expectShutOut(t, s, email, password)
			expectShutOut(t, s, email, servicetest.Password)
			if localHash(t, stack, id) != "!" || keptFromFirebase(t, stack, id) {
				t.Error("A7: a password from before the reset is kept")
			}
		})
	}
}

// aboutToReset returns a local user that has returned, with a code for a reset.
func aboutToReset(t *testing.T, s *servicetest.Service) (email string, id uuid.UUID, code string) {
	t.Helper()
	person := s.Person(t)
	email, id = *person.Email, person.User.ID
	forgot(t, s, email).expect(t, "forgot", 202, "")
	code = mailTo(t, s, "PASSWORD_RESET", email)
	execute(t, s.Stack, `UPDATE auth.users SET auth_provider = 'local', password_hash = $2, password_set_at = now() - interval '1 hour'
		WHERE id = $1`, id, hashOf(t, servicetest.Password))
	return email, id, code
}

func TestReturned_AResetThatReplacesNothingForgetsNothing_A7(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	g := newGate(t, stack)
	gated := g.through(stack).Start(t)
	s := behindTheGate(gated, stack)
	email, id, code := aboutToReset(t, s)
	bringHome(t, stack, id, cheapScrypt, firebasePassword)
	g.arm()
	answered := make(chan reply, 1)
	go func() { answered <- reset(t, gated, code, newPassword) }()
	eventually(t, "Firebase has carried out the reset", func() bool { return g.holds() == 1 })
	execute(t, stack, "UPDATE auth.users SET firebase_uid = NULL WHERE id = $1", id)
	g.release(false)
	<-answered
	expectShutOut(t, s, email, servicetest.Password)
	if !keptFromFirebase(t, stack, id) {
		t.Error("A7: Firebase's hash is gone, and no other has replaced it")
	}
	expectSignsIn(t, s, email, firebasePassword)
}
