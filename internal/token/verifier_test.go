package token_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/token"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func verifierAt(t testing.TB, now time.Time, edits ...func(*token.VerifierOptions)) *token.Verifier {
	t.Helper()
	server := newKeyServer(t, serve(listedKeys(now)))
	still := newClock(now)
	options := token.VerifierOptions{
		Clock:  still.Now,
		Legacy: newLegacy(t, now),
		Keys:   startKeys(t, token.KeySetOptions{URL: server.URL, Clock: still.Now}),
	}
	for _, edit := range edits {
		edit(&options)
	}
	return newVerifier(t, options)
}

// T1, T2, T3.
func TestVerify_TableOfTokens(t *testing.T) {
	verifier := verifierAt(t, noon)
	for _, c := range tokenCases(noon) {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			claims, err := verifier.Verify(context.Background(), c.compact)
			if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
				t.Fatalf("want %v, got %v", c.want, err)
			}
			if err != nil && !reflect.DeepEqual(claims, token.Claims{}) {
				t.Fatalf("a refused token gave claims: %+v", claims)
			}
			if err == nil && (claims.Subject == "" || claims.Subject == "victim" || claims.Kind != token.KindFirebase) {
				t.Fatalf("claims of an accepted token: %+v", claims)
			}
		})
	}
}

// T6.
func TestVerify_RefusalsHoldNoPartOfTheToken(t *testing.T) {
	verifier := verifierAt(t, noon)
	for _, c := range tokenCases(noon) {
		_, err := verifier.Verify(context.Background(), c.compact)
		if err == nil {
			continue
		}
		for _, secret := range []string{"jane@example.com", "9f2c6c1e", "victim", kidStranger, "evil"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %q is in %q", c.name, secret, err)
			}
		}
		for segment := range strings.SplitSeq(c.compact, ".") {
			if len(segment) > 8 && strings.Contains(err.Error(), segment[:8]) {
				t.Errorf("%s: a segment is in %q", c.name, err)
			}
		}
	}
}

func TestSentinels_HaveTheContractsCodes(t *testing.T) {
	want := map[error]fault.Code{
		token.ErrMissing: fault.TokenMissing, token.ErrMalformed: fault.TokenInvalid,
		token.ErrExpired: fault.TokenExpired, token.ErrUnavailable: fault.DependencyUnavailable,
	}
	for err, code := range want {
		if got := fault.CodeOf(err); got != code {
			t.Errorf("%v has code %s, want %s", err, got, code)
		}
	}
	if token.ErrUnavailable.RetryAfter <= 0 {
		t.Error("an outage without advice when to retry")
	}
}

func TestVerify_GivesAllClaims(t *testing.T) {
	verifier := verifierAt(t, noon, func(o *token.VerifierOptions) { o.Tenant = "customers" })
	compact := idToken(noon, kid, firstKey(),
		set("picture", "https://example.com/jane.png"), set("phone_number", "+4930123456"),
		set("firebase", map[string]any{
			"tenant": "customers", "sign_in_provider": "google.com",
			"identities": map[string]any{
				"google.com": []string{"1047"}, "email": []string{"jane@example.com"}, "new": "shape", "mixed": []any{"a", 1},
			},
		}))
	got, err := verifier.Verify(context.Background(), compact)
	if err != nil {
		t.Fatal(err)
	}
	want := token.Claims{
		Kind: token.KindFirebase, Subject: "9f2c6c1e-58b5-4a39-9d1c-8a4d7c1f0b11",
		Email: "jane@example.com", EmailVerified: true, Name: "Jane Doe", Picture: "https://example.com/jane.png", Phone: "+4930123456",
		SignInProvider: "google.com", Tenant: "customers",
		Identities: []string{"email", "google.com", "mixed", "new"},
		AuthTime:   noon.Add(-2 * time.Minute), IssuedAt: noon.Add(-time.Minute), ExpiresAt: noon.Add(59 * time.Minute),
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

// F5 depends on it.
func TestVerify_AnonymousUserHasNoIdentity(t *testing.T) {
	verifier := verifierAt(t, noon)
	compact := idToken(noon, kid, firstKey(), without("email"), without("email_verified"), without("name"),
		set("firebase", map[string]any{"sign_in_provider": "anonymous", "identities": map[string]any{}}))
	claims, err := verifier.Verify(context.Background(), compact)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Email != "" || claims.EmailVerified || len(claims.Identities) != 0 || claims.SignInProvider != "anonymous" {
		t.Fatalf("%+v", claims)
	}
}

// T2.
func TestVerify_TenantMustMatch(t *testing.T) {
	of := func(tenant any) string {
		return idToken(noon, kid, firstKey(), set("firebase", map[string]any{"tenant": tenant, "sign_in_provider": "password"}))
	}
	for _, c := range []struct {
		name, configured, compact string
		want                      error
	}{
		{"the same", "customers", of("customers"), nil},
		{"another", "customers", of("staff"), token.ErrMalformed},
		{"another case", "customers", of("Customers"), token.ErrMalformed},
		{"none in the token", "customers", idToken(noon, kid, firstKey()), token.ErrMalformed},
		{"no firebase claim", "customers", idToken(noon, kid, firstKey(), without("firebase")), token.ErrMalformed},
		{"none configured, one in the token", "", of("customers"), token.ErrMalformed},
		{"none configured, null in the token", "", of(nil), nil},
		{"none configured, a number in the token", "", of(1), token.ErrMalformed},
		{"none anywhere", "", idToken(noon, kid, firstKey()), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			verifier := verifierAt(t, noon, func(o *token.VerifierOptions) { o.Tenant = c.configured })
			if _, err := verifier.Verify(context.Background(), c.compact); !errors.Is(err, c.want) {
				t.Fatalf("want %v, got %v", c.want, err)
			}
		})
	}
}

// T1.
func TestVerify_UnsignedOnlyWhereAllowed(t *testing.T) {
	verifier := newVerifier(t, token.VerifierOptions{AllowUnsigned: true, Clock: newClock(noon).Now})
	body := jsonText(payload(noon))
	emulator := func(edits ...func(map[string]any)) string {
		claims := payload(noon)
		for _, edit := range edits {
			edit(claims)
		}
		return compact(`{"alg":"none","typ":"JWT"}`, jsonText(claims), unsigned)
	}
	for _, c := range []struct {
		name, compact string
		want          error
	}{
		{"the emulator's", emulator(), nil},
		{"with something for a signature", compact(`{"alg":"none","typ":"JWT"}`, body, func(string) []byte { return []byte("x") }), token.ErrMalformed},
		{"signed by RS256", idToken(noon, kid, firstKey()), token.ErrMalformed},
		{"signed by HS256", compact(`{"alg":"HS256"}`, body, hs256([]byte("secret"))), token.ErrMalformed},
		{"alg None", compact(`{"alg":"None"}`, body, unsigned), token.ErrMalformed},
		{"alg absent", compact(`{"typ":"JWT"}`, body, unsigned), token.ErrMalformed},
		{"crit", compact(`{"alg":"none","crit":["x"]}`, body, unsigned), token.ErrMalformed},
		{"another project's", emulator(set("aud", "other")), token.ErrMalformed},
		{"sub twice", compact(`{"alg":"none"}`, strings.TrimSuffix(body, "}")+`,"sub":"x"}`, unsigned), token.ErrMalformed},
		{"expired", emulator(set("exp", noon.Add(-time.Hour).Unix()), set("iat", noon.Add(-2*time.Hour).Unix())), token.ErrExpired},
		{"none at all", "", token.ErrMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := verifier.Verify(context.Background(), c.compact); !errors.Is(err, c.want) {
				t.Fatalf("want %v, got %v", c.want, err)
			}
		})
	}
}

func TestNewVerifier_RefusesWhatItCannotHold(t *testing.T) {
	keys, err := token.NewKeySet(token.KeySetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string]token.VerifierOptions{
		"no project":                             {Keys: keys},
		"neither keys nor unsigned":              {ProjectID: project},
		"keys and unsigned, so alg would choose": {ProjectID: project, Keys: keys, AllowUnsigned: true},
	} {
		if _, err := token.NewVerifier(options); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestVerify_DefaultClock(t *testing.T) {
	now := time.Now()
	server := newKeyServer(t, serve(listedKeys(now)))
	verifier := newVerifier(t, token.VerifierOptions{Keys: startKeys(t, token.KeySetOptions{URL: server.URL})})
	if _, err := verifier.Verify(context.Background(), idToken(now, kid, firstKey())); err != nil {
		t.Fatal(err)
	}
}
