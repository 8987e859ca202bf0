package token_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/token"
)

// FuzzVerify holds T1: no accepted token but those that the test signed.
func FuzzVerify(f *testing.F) {
	still := newClock(noon)
	server := &keyServer{answer: serve(listedKeys(noon))}
	keys := startKeys(f, token.KeySetOptions{Clock: still.Now, Client: &http.Client{Transport: server}})
	legacy := newLegacy(f, noon)
	strict := newVerifier(f, token.VerifierOptions{Keys: keys, Legacy: legacy, Clock: still.Now})
	emulated := newVerifier(f, token.VerifierOptions{AllowUnsigned: true, Legacy: legacy, Clock: still.Now})

	signed := map[string]bool{}
	for _, c := range tokenCases(noon) {
		if len(c.compact) < 16<<10 {
			f.Add(c.compact)
		}
		signed[c.compact] = c.want == nil
	}
	f.Add(compact(`{"alg":"none","typ":"JWT"}`, jsonText(payload(noon)), unsigned))
	refreshes := map[string]bool{}
	for _, c := range legacyAccessCases(noon) {
		f.Add(c.compact)
		signed[c.compact] = c.want == nil
	}
	for _, c := range legacyRefreshCases(noon) {
		f.Add(c.compact)
		refreshes[c.compact] = c.want == nil
	}

	f.Fuzz(func(t *testing.T, compact string) {
		claims, err := strict.Verify(context.Background(), compact)
		if err == nil && !signed[compact] {
			t.Fatalf("accepted what was never signed so: %q", compact)
		}
		checkVerdict(t, claims, err)

		claims, err = emulated.Verify(context.Background(), compact)
		isUnsigned := strings.HasSuffix(compact, ".") && strings.Count(compact, ".") == 2
		if err == nil && isUnsigned != (claims.Kind == token.KindFirebase) || err == nil && !isUnsigned && !signed[compact] {
			t.Fatalf("accepted as unsigned: %q", compact)
		}
		checkVerdict(t, claims, err)

		if _, err := legacy.VerifyRefresh(compact); err == nil && !refreshes[compact] {
			t.Fatalf("accepted as a refresh token what was never signed so: %q", compact)
		}
	})
}

// FuzzLegacyContent compares with encoding/json.
func FuzzLegacyContent(f *testing.F) {
	legacy := newLegacy(f, noon)
	verifier := newVerifier(f, token.VerifierOptions{AllowUnsigned: true, Legacy: legacy, Clock: newClock(noon).Now})
	for _, c := range append(legacyAccessCases(noon), legacyRefreshCases(noon)...) {
		if header, body, ok := decoded(c.compact); ok {
			f.Add(header, body)
		}
	}
	f.Fuzz(func(t *testing.T, header, body string) {
		var h struct{ Alg string }
		if json.Unmarshal([]byte(header), &h) == nil && h.Alg == "none" {
			return
		}
		claims, accessErr := verifier.Verify(context.Background(), compact(header, body, hs256([]byte(accessSecret))))
		checkVerdict(t, claims, accessErr)
		refresh, refreshErr := legacy.VerifyRefresh(compact(header, body, hs256([]byte(refreshSecret))))
		if accessErr != nil && refreshErr != nil {
			return
		}
		if accessErr == nil && refreshErr == nil && (claims.AuthTime != claims.IssuedAt || !refresh.Foreign) {
			t.Fatalf("one content is both kinds of token: %q", body)
		}
		var p map[string]any
		if json.Unmarshal([]byte(body), &p) != nil {
			t.Fatalf("accepted what is no JSON: %q", body)
		}
		id, sid, jti := p["id"], p["sid"], p["jti"]
		if accessErr == nil && (id != claims.UserID.String() || jti != nil || (sid != nil && sid != claims.SessionID.String())) {
			t.Fatalf("another parser reads another access token: %q", body)
		}
		if refreshErr == nil && (id != refresh.UserID.String() || !refresh.Foreign && (sid != refresh.SessionID.String() || jti != refresh.ID)) {
			t.Fatalf("another parser reads another refresh token: %q", body)
		}
	})
}

// FuzzVerifyContent compares with encoding/json.
func FuzzVerifyContent(f *testing.F) {
	verifier := newVerifier(f, token.VerifierOptions{AllowUnsigned: true, Clock: newClock(noon).Now})
	for _, c := range tokenCases(noon) {
		if header, body, ok := decoded(c.compact); ok {
			f.Add(strings.Replace(header, "RS256", "none", 1), body)
		}
	}
	f.Fuzz(func(t *testing.T, header, body string) {
		claims, err := verifier.Verify(context.Background(), compact(header, body, unsigned))
		checkVerdict(t, claims, err)
		if err != nil {
			return
		}
		var h, p map[string]any
		if json.Unmarshal([]byte(header), &h) != nil || json.Unmarshal([]byte(body), &p) != nil {
			t.Fatalf("accepted what is no JSON: %q %q", header, body)
		}
		verified, _ := p["email_verified"].(bool)
		email, _ := p["email"].(string)
		if h["alg"] != "none" || p["aud"] != project || p["iss"] != "https://securetoken.google.com/"+project ||
			p["sub"] != claims.Subject || verified != claims.EmailVerified || email != claims.Email {
			t.Fatalf("another parser reads another token: %q %q", header, body)
		}
		provided, _ := p["firebase"].(map[string]any)
		identities, _ := provided["identities"].(map[string]any)
		if !slices.Equal(slices.Sorted(maps.Keys(identities)), slices.Sorted(slices.Values(claims.Identities))) {
			t.Fatalf("another parser reads other identities than %q: %q", claims.Identities, body)
		}
	})
}

func decoded(compact string) (header, body string, ok bool) {
	parts := strings.Split(compact, ".")
	if len(parts) != 3 || len(compact) > 4<<10 {
		return "", "", false
	}
	h, headerErr := base64.RawURLEncoding.DecodeString(parts[0])
	p, bodyErr := base64.RawURLEncoding.DecodeString(parts[1])
	return string(h), string(p), headerErr == nil && bodyErr == nil
}

func checkVerdict(t *testing.T, claims token.Claims, err error) {
	t.Helper()
	if err != nil {
		var refusal *fault.Error
		if !errors.As(err, &refusal) || errors.Is(err, token.ErrUnavailable) {
			t.Fatalf("not one of the refusals: %v", err)
		}
		return
	}
	skewed := noon.Add(60e9)
	if claims.Kind == token.KindLegacy {
		if claims.Subject != "" || claims.UserID == uuid.Nil || claims.EmailVerified || claims.ExpiresAt.Sub(claims.IssuedAt) > token.MaxAccessLife ||
			claims.AuthTime.After(skewed) || claims.IssuedAt.After(skewed) || noon.After(claims.ExpiresAt.Add(60e9)) {
			t.Fatalf("accepted claims break T8: %+v", claims)
		}
		return
	}
	if claims.Subject == "" || claims.UserID != uuid.Nil || len([]rune(claims.Subject)) > 128 || claims.Tenant != "" ||
		claims.AuthTime.After(skewed) || claims.IssuedAt.After(skewed) || noon.After(claims.ExpiresAt.Add(60e9)) {
		t.Fatalf("accepted claims break T2: %+v", claims)
	}
}
