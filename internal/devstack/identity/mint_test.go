package identity_test

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"auth-v2-service/internal/devstack/identity"
)

func TestMint_IsGoodUnlessToldOtherwise(t *testing.T) {
	s := serve(t, identity.Options{})
	claims := verified(t, s, mint(t, s, object{"sub": "someone", "aud": nil, "extra": 1}, identity.MintOptions{}))
	equal(t, "sub", claims["sub"], any("someone"))
	equal(t, "user_id", claims["user_id"], any("someone"))
	equal(t, "extra", claims["extra"], any(1.0))
	equal(t, "iss", claims["iss"], any("https://securetoken.google.com/"+project))
	if _, there := claims["aud"]; there {
		t.Error("a nil claim stays in the token")
	}
}

func TestMint_BendsTokens(t *testing.T) {
	s := serve(t, identity.Options{})
	foreign := identity.MintOptions{ForeignKey: true, Header: object{"kid": s.KeyID()}}
	cases := map[string]struct {
		opts identity.MintOptions
		alg  string
	}{
		"unsigned":              {identity.MintOptions{Unsigned: true}, "none"},
		"HMAC":                  {identity.MintOptions{HMACSecret: []byte("secret")}, "HS256"},
		"foreign key":           {identity.MintOptions{ForeignKey: true}, "RS256"},
		"foreign key, our kid":  {foreign, "RS256"},
		"no kid":                {identity.MintOptions{Header: object{"kid": nil}}, "RS256"},
		"header says something": {identity.MintOptions{Header: object{"alg": "PS256"}}, "PS256"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			compact := mint(t, s, nil, c.opts)
			parsed, _, err := jwt.NewParser().ParseUnverified(compact, jwt.MapClaims{})
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "alg", parsed.Header["alg"], any(c.alg))
			if _, err := verify(s, compact); err == nil {
				t.Error("the token verifies")
			}
			s.client("accounts:lookup", object{"idToken": compact}).refused("INVALID_ID_TOKEN")
		})
	}
}

func mint(t *testing.T, s served, claims object, opts identity.MintOptions) string {
	t.Helper()
	compact, err := s.Mint(claims, opts)
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func TestRotateKeys_PublishesTheNewKeyAndDropsTheOldest(t *testing.T) {
	s := serve(t, identity.Options{KeyCount: 2})
	first := s.KeyID()
	old := mint(t, s, nil, identity.MintOptions{})
	s.do("POST", "/dev/keys/rotate", nil, "").ok()
	if s.KeyID() == first {
		t.Fatal("the same key still signs")
	}
	verified(t, s, old)
	verified(t, s, mint(t, s, nil, identity.MintOptions{}))
	if err := s.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(s, old); err == nil {
		t.Error("a token of a dropped key verifies")
	}
	certificates := s.do("GET", identity.CertificatePath, nil, "").ok()
	equal(t, "published", len(certificates.body), 2)
	if cache := certificates.header.Get("Cache-Control"); !strings.Contains(cache, "max-age=3600") {
		t.Errorf("Cache-Control is %q", cache)
	}
}
