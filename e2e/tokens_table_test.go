package e2e

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// Code "" means 200.
type tokenCase struct {
	name, token string
	status      int
	code        string
}

const (
	invalid = "token_invalid"
	expired = "token_expired"
)

func in(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// bender mints changed tokens of new users.
type bender struct {
	t *testing.T
	s *servicetest.Stack
}

func (b bender) claims(changes map[string]any) string {
	return mint(b.t, b.s, claims(newUID(), servicetest.Email(), changes))
}

func (b bender) header(changes map[string]any) string {
	return mint(b.t, b.s, claims(newUID(), servicetest.Email()), identity.MintOptions{Header: changes})
}

func (b bender) signed(o identity.MintOptions) string {
	return mint(b.t, b.s, claims(newUID(), servicetest.Email()), o)
}

func (b bender) bad(name, token string) tokenCase {
	return tokenCase{name, token, http.StatusUnauthorized, invalid}
}

func (b bender) good(name, token string) tokenCase { return tokenCase{name, token, http.StatusOK, ""} }

// headers are T1: a header chooses nothing.
func (b bender) headers() []tokenCase {
	certificate := b.s.Identity.Certificates()[b.s.Identity.KeyID()]
	own := map[string]any{"kty": "RSA", "e": "AQAB", "n": "AQAB"}
	return []tokenCase{
		b.good("good", b.claims(nil)),
		b.good("no typ", b.header(map[string]any{"typ": nil})),
		b.bad("unsigned", b.signed(identity.MintOptions{Unsigned: true})),
		b.bad("unsigned without kid, as the emulator's", b.signed(identity.MintOptions{Unsigned: true, Header: map[string]any{"kid": nil}})),
		b.bad("alg none over a good signature", b.header(map[string]any{"alg": "none"})),
		b.bad("alg nOnE", b.header(map[string]any{"alg": "nOnE"})),
		b.bad("HS256 with the certificate as secret", b.signed(identity.MintOptions{HMACSecret: []byte(certificate)})),
		b.bad("HMAC with the certificate under alg RS256", b.signed(identity.MintOptions{HMACSecret: []byte(certificate), Header: map[string]any{"alg": "RS256"}})),
		b.bad("HS256 with the legacy access secret", b.signed(identity.MintOptions{HMACSecret: []byte("access-secret-of-a-test-32-bytes!")})),
		b.bad("HS256 with no secret", b.signed(identity.MintOptions{HMACSecret: []byte{}})),
		b.bad("alg RS512", b.header(map[string]any{"alg": "RS512"})),
		b.bad("alg absent", b.header(map[string]any{"alg": nil})),
		b.bad("crit", b.header(map[string]any{"crit": []string{"exp"}})),
		b.bad("jku", b.header(map[string]any{"jku": "http://127.0.0.1:1/keys"})),
		b.bad("jwk", b.header(map[string]any{"jwk": own})),
		b.bad("jwk of a stranger who signed", b.signed(identity.MintOptions{ForeignKey: true, Header: map[string]any{"jwk": own}})),
		b.bad("x5u", b.header(map[string]any{"x5u": "http://127.0.0.1:1/cert"})),
		b.bad("x5c", b.header(map[string]any{"x5c": []string{"MIIB"}})),
		b.bad("typ at+jwt", b.header(map[string]any{"typ": "at+jwt"})),
		b.bad("no kid", b.header(map[string]any{"kid": nil})),
		b.bad("an empty kid", b.header(map[string]any{"kid": ""})),
		b.bad("a kid that is a path", b.header(map[string]any{"kid": "../../etc/passwd"})),
		b.bad("an unknown kid, keys just fetched (T3)", b.signed(identity.MintOptions{ForeignKey: true})),
		b.bad("a stranger's signature under a known kid", b.signed(identity.MintOptions{ForeignKey: true, Header: map[string]any{"kid": b.s.Identity.KeyID()}})),
	}
}

// forms are T1: refused before any cryptography.
func (b bender) forms() []tokenCase {
	good := b.claims(nil)
	parts := strings.Split(good, ".")
	other := strings.Split(b.claims(nil), ".")
	return []tokenCase{
		b.bad("one segment", parts[0]),
		b.bad("two segments", parts[0]+"."+parts[1]),
		b.bad("four segments", good+".YQ"),
		b.bad("only dots", ".."),
		b.bad("no signature", parts[0]+"."+parts[1]+"."),
		b.bad("another's payload", parts[0]+"."+other[1]+"."+parts[2]),
		b.bad("half a signature", parts[0]+"."+parts[1]+"."+parts[2][:100]),
		b.bad("padding", good+"=="),
		b.bad("the payload is no JSON", parts[0]+"."+base64.RawURLEncoding.EncodeToString([]byte("{"))+"."+parts[2]),
		b.bad("over 8 KiB", b.claims(map[string]any{"pad": strings.Repeat("p", 8<<10)})),
		b.good("7 KiB", b.claims(map[string]any{"pad": strings.Repeat("p", 5<<10)})),
		b.good("NUL in the name, which is dropped", b.claims(map[string]any{"name": "Jane\x00"})),
		b.bad("NUL in the address", b.claims(map[string]any{"email": "jane\x00@example.com"})),
	}
}

// rules are T2, Firebase's.
func (b bender) rules() []tokenCase {
	bent := func(name string, value any) string { return b.claims(map[string]any{name: value}) }
	with := func(at time.Duration) string {
		return b.claims(map[string]any{"exp": in(at), "iat": in(at - time.Hour), "auth_time": in(at - time.Hour)})
	}
	return []tokenCase{
		b.bad("another issuer", bent("iss", "https://securetoken.google.com/other")),
		b.bad("a session cookie's issuer", bent("iss", "https://session.firebase.google.com/"+servicetest.ProjectID)),
		b.bad("no issuer", bent("iss", nil)),
		b.bad("another audience", bent("aud", "other")),
		b.bad("several audiences", bent("aud", []string{servicetest.ProjectID, "other"})),
		b.bad("a list of one audience", bent("aud", []string{servicetest.ProjectID})),
		b.bad("no sub", bent("sub", nil)),
		b.bad("an empty sub", bent("sub", "")),
		b.bad("a sub that is a number", bent("sub", 7)),
		b.bad("a sub of 129 characters", bent("sub", strings.Repeat("s", 129))),
		b.bad("no exp", bent("exp", nil)),
		b.bad("exp a string", bent("exp", "9999999999")),
		b.good("exp with a fraction", bent("exp", float64(in(time.Hour))+0.5)),
		b.bad("no iat", bent("iat", nil)),
		b.bad("iat in two minutes", bent("iat", in(2*time.Minute))),
		b.good("iat in 30 s: clock skew", bent("iat", in(30*time.Second))),
		b.bad("no auth_time", bent("auth_time", nil)),
		b.bad("auth_time in two minutes", bent("auth_time", in(2*time.Minute))),
		b.bad("nbf in two minutes", bent("nbf", in(2*time.Minute))),
		b.good("ended 30 s ago: clock skew", with(-30*time.Second)),
		{"ended two minutes ago", with(-2 * time.Minute), http.StatusUnauthorized, expired},
		b.bad("a tenant's", bent("firebase", map[string]any{"sign_in_provider": "google.com", "tenant": "customers", "identities": map[string]any{"google.com": []string{"1"}}})),
		b.bad("email_verified a string", bent("email_verified", "true")),
		b.good("identities of an unknown shape", bent("firebase", map[string]any{"sign_in_provider": "google.com", "identities": map[string]any{"new.idp": 7}})),
	}
}

// T1 to T3: all operations agree, and a refused token makes no row.
func TestTokens_TableOverHTTP(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	b := bender{t, s.Stack}
	accepted := 0
	for _, group := range [][]tokenCase{b.headers(), b.forms(), b.rules()} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) { c.run(t, s) })
			if c.code == "" {
				accepted++
			}
		}
	}
	if n := count(t, s.Stack, "auth.users"); n != accepted {
		t.Errorf("%d rows after %d accepted tokens", n, accepted)
	}
}

func (c tokenCase) run(t *testing.T, s *servicetest.Service) {
	t.Helper()
	body := jsonOf(t, map[string]string{"token": c.token})
	ask(t, s, http.MethodPost, "/v1/auth/verify-token", body).expect(t, "verify-token", c.status, c.code)
	if strings.ContainsRune(c.token, 0) {
		return // not a valid header
	}
	askAs(t, s, http.MethodGet, "/v1/auth/me", "", c.token).expect(t, "me", c.status, c.code)
	forward := askAs(t, s, http.MethodGet, "/v1/auth/forward", "", c.token)
	forward.expect(t, "forward", c.status, c.code)
	if c.status == http.StatusUnauthorized && !strings.Contains(forward.header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("forward: WWW-Authenticate is %q", forward.header.Get("WWW-Authenticate"))
	}
}

// T2: only that tenant counts.
func TestTokens_ConfiguredTenantOnly(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"FIREBASE_TENANT": "customers"})
	for tenant, accepted := range map[any]bool{"customers": true, "Customers": false, "staff": false, "": false, nil: false} {
		firebase := signedInWith("google.com")
		firebase["tenant"] = tenant
		if tenant == nil {
			delete(firebase, "tenant")
		}
		token := mint(t, s.Stack, claims(newUID(), servicetest.Email(), map[string]any{"firebase": firebase}))
		if accepted {
			expectUser(t, s, "T2: the tenant's", token)
			continue
		}
		expectRefusal(t, s, "T2: a token of another tenant or none", token, http.StatusUnauthorized, invalid)
	}
}

// Section 3's order: malformed or unsigned, expired, deactivated, revoked.
func TestTokens_OrderOfRefusals(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	uid, email := newUID(), servicetest.Email()
	first := stack.Start(t)
	row := expectUser(t, first, "first", mint(t, stack, claims(uid, email)))
	execute(t, stack, "UPDATE auth.users SET is_active = false, tokens_valid_after = now() + interval '1 day' WHERE id = $1", row.ID)
	s := stack.Start(t)
	ended := map[string]any{"exp": in(-time.Hour), "iat": in(-2 * time.Hour), "auth_time": in(-2 * time.Hour)}
	of := func(o identity.MintOptions, changes ...map[string]any) string {
		return mint(t, stack, claims(uid, email, changes...), o)
	}
	known := map[string]any{"kid": stack.Identity.KeyID()}
	expectRefusal(t, s, "a stranger's signature, expired, deactivated, revoked",
		of(identity.MintOptions{ForeignKey: true, Header: known}, ended), 401, invalid)
	expectRefusal(t, s, "unsigned, expired, deactivated, revoked", of(identity.MintOptions{Unsigned: true}, ended), 401, invalid)
	expectRefusal(t, s, "another audience, expired, deactivated", of(identity.MintOptions{}, ended, map[string]any{"aud": "x"}), 401, invalid)
	expectRefusal(t, s, "expired, deactivated, revoked", of(identity.MintOptions{}, ended), 401, expired)
	expectRefusal(t, s, "deactivated, revoked", of(identity.MintOptions{}), 403, "account_deactivated")
	execute(t, stack, "UPDATE auth.users SET is_active = true WHERE id = $1", row.ID)
	expectRefusal(t, stack.Start(t), "revoked", of(identity.MintOptions{}), 401, "token_revoked")
	// The token is checked first.
	askAs(t, s, http.MethodPatch, "/v1/auth/me", `{"nonsense":1}`, of(identity.MintOptions{Unsigned: true})).expect(t, "bad token and bad body", 401, invalid)
}
