package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/devstack/emulator"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// unsigned configures the official emulator, which has no keys.
func unsigned(addr string) map[string]string {
	return map[string]string{"FIREBASE_AUTH_EMULATOR_HOST": addr, "FIREBASE_CERTS_URL": ""}
}

// T1: development accepts unsigned tokens.
func TestTokens_OfficialEmulatorServesDevelopment(t *testing.T) {
	t.Parallel()
	official, err := emulator.Start(t.Context(), emulator.Options{
		Dir: t.TempDir(), ProjectID: servicetest.ProjectID, Log: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := official.Stop(); err != nil {
			t.Errorf("stop the emulator: %v", err)
		}
	})
	s := servicetest.Start(t, unsigned(official.Addr()))
	person := s.Person(t)
	if !strings.HasSuffix(person.IDToken, ".") {
		t.Errorf("the emulator's token ends in %q, expected no signature", person.IDToken[len(person.IDToken)-8:])
	}
	expectUser(t, s, "T1: the emulator's token", person.IDToken)
	me(t, s, person.IDToken)
	login := logIn(t, s, *person.Email)
	login.expect(t, "login at the emulator", http.StatusOK, "")
	var session struct {
		Data struct{ IDToken, RefreshToken string }
	}
	if err := json.Unmarshal(login.body, &session); err != nil {
		t.Fatal(err)
	}
	ask(t, s, http.MethodPost, "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": session.Data.RefreshToken})).
		expect(t, "refresh at the emulator", http.StatusOK, "")
	logout(t, s, session.Data.IDToken)
	expectRefusal(t, s, "T4: after logout", session.Data.IDToken, http.StatusUnauthorized, "token_revoked")
	logIn(t, s, *person.Email).expect(t, "login after logout", http.StatusOK, "")
}

// T1: no header chooses the mode.
func TestTokens_UnsignedModeRefusesSignedOnes(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s := stack.Start(t, unsigned(strings.TrimPrefix(stack.IdentityURL, "http://")))
	uid, email := newUID(), servicetest.Email()
	of := func(o identity.MintOptions) string { return mint(t, stack, claims(uid, email), o) }
	expectUser(t, s, "T1: unsigned", of(identity.MintOptions{Unsigned: true}))
	expectRefusal(t, s, "T1: signed", of(identity.MintOptions{}), http.StatusUnauthorized, invalid)
	expectRefusal(t, s, "T1: HS256", of(identity.MintOptions{HMACSecret: []byte("x")}), http.StatusUnauthorized, invalid)
	expectRefusal(t, s, "T1: alg none with a signature", of(identity.MintOptions{Header: map[string]any{"alg": "none"}}), http.StatusUnauthorized, invalid)
	expectRefusal(t, s, "T1: alg RS256, unsigned", of(identity.MintOptions{Unsigned: true, Header: map[string]any{"alg": "RS256"}}), http.StatusUnauthorized, invalid)
}

// T1: an unset AUTH_ENV is production.
func TestTokens_UnsignedModeIsDevelopmentOnly(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]string{"production": "production", "unset": "", "capitals": "DEVELOPMENT", "test": "test"} {
		environment := map[string]string{
			"DATABASE_URL": "postgres://127.0.0.1/x", "FIREBASE_PROJECT_ID": "demo", "FIREBASE_API_KEY": "key",
			"JWT_ACCESS_SECRET": strings.Repeat("a", 32), "JWT_REFRESH_SECRET": strings.Repeat("r", 32),
			"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099",
		}
		if env != "" {
			environment["AUTH_ENV"] = env
		}
		c, err := config.Load(environment)
		if err == nil || c.AllowUnsigned() {
			t.Errorf("T1: AUTH_ENV %s starts with an emulator: unsigned %t, error %v", name, c.AllowUnsigned(), err)
		}
	}
}
