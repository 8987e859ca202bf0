package user

import (
	"testing"
	"time"

	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/token"
)

// F3, T4
func TestAdmit_InTheSecondOfTheProof_F3(t *testing.T) {
	t.Parallel()
	proven := time.Unix(1_700_000_000, 0)
	ended := User{IsActive: true, TokensValidAfter: proven, EmailProvenAt: proven, EmailProvenBy: "google.com"}
	fresh := User{IsActive: true, EmailProvenAt: proven, EmailProvenBy: "google.com"} // created with its proof
	later := ended
	later.TokensValidAfter = proven.Add(time.Hour)
	for name, c := range map[string]struct {
		user     User
		provider string
		began    time.Time
		in       bool
	}{
		"the proof":                         {ended, "google.com", proven, true},
		"another provider, the same second": {ended, "password", proven, false},
		"another provider, a second later":  {ended, "password", proven.Add(time.Second), true},
		"the same provider, before":         {ended, "google.com", proven.Add(-time.Second), false},
		"a new row, another provider":       {fresh, "password", proven, true},
		"after a later revocation":          {later, "password", proven.Add(time.Hour), true},
	} {
		claims := token.Claims{Kind: token.KindFirebase, SignInProvider: c.provider, AuthTime: c.began}
		if err := c.user.Admit(claims); (err == nil) != c.in {
			t.Errorf("%s: %v, expected in: %t", name, err, c.in)
		}
	}
}

func TestProofOfAccount_F3(t *testing.T) {
	t.Parallel()
	s := &Store{link: LinkPolicy{Providers: []string{"password", "google.com"}}}
	created, set, signedIn := time.Unix(100, 0), time.Unix(200, 0), time.Unix(300, 999)
	for name, c := range map[string]struct {
		verified  bool
		providers []string
		signedIn  time.Time
		by        string
		at        int64
	}{
		"unverified":              {false, []string{"google.com"}, signedIn, "", 0},
		"Google":                  {true, []string{"google.com"}, signedIn, "google.com", 300},
		"Google and a password":   {true, []string{"password", "google.com"}, signedIn, "google.com", 300},
		"a password":              {true, []string{"facebook.com", "password"}, signedIn, "password", 200},
		"a provider not trusted":  {true, []string{"facebook.com"}, signedIn, "", 0},
		"no way in":               {true, nil, signedIn, "", 0},
		"Google, never signed in": {true, []string{"google.com"}, time.Time{}, "google.com", 100},
	} {
		p, ok := s.proofOfAccount(firebase.User{
			Email: "Jane@Example.com", EmailVerified: c.verified, Providers: c.providers, CreatedAt: created, PasswordUpdatedAt: set,
			LastSignInAt: c.signedIn,
		}, "system")
		if ok != (c.by != "") || ok && (p.provider != c.by || p.at.Unix() != c.at || p.at.Nanosecond() != 0 || p.email != "jane@example.com") {
			t.Errorf("%s: %+v, %t", name, p, ok)
		}
	}
}
