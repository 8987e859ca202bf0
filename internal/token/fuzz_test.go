package token_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/token"
)

// FuzzVerify holds T1 against any input: no panic, only the sentinels, never a token that this test has not signed itself
// (compared whole, so that a second spelling of a good token is a failure too), and unsigned ones only where allowed.
func FuzzVerify(f *testing.F) {
	still := newClock(noon)
	server := &keyServer{answer: serve(listedKeys(noon))}
	keys := startKeys(f, token.KeySetOptions{Clock: still.Now, Client: &http.Client{Transport: server}})
	strict := newVerifier(f, token.VerifierOptions{Keys: keys, Clock: still.Now})
	emulated := newVerifier(f, token.VerifierOptions{AllowUnsigned: true, Clock: still.Now})

	signed := map[string]bool{}
	for _, c := range tokenCases(noon) {
		f.Add(c.compact)
		signed[c.compact] = c.want == nil
	}
	f.Add(compact(`{"alg":"none","typ":"JWT"}`, jsonText(payload(noon)), unsigned))

	f.Fuzz(func(t *testing.T, compact string) {
		claims, err := strict.Verify(context.Background(), compact)
		if err == nil && !signed[compact] {
			t.Fatalf("accepted what was never signed so: %q", compact)
		}
		checkVerdict(t, claims, err)

		claims, err = emulated.Verify(context.Background(), compact)
		if err == nil && (!strings.HasSuffix(compact, ".") || strings.Count(compact, ".") != 2) {
			t.Fatalf("accepted as unsigned: %q", compact)
		}
		checkVerdict(t, claims, err)
	})
}

// checkVerdict holds what every answer keeps: a sentinel and nothing else, or claims that keep T2.
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
	if claims.Subject == "" || len([]rune(claims.Subject)) > 128 || claims.Tenant != "" ||
		claims.AuthTime.After(skewed) || claims.IssuedAt.After(skewed) || noon.After(claims.ExpiresAt.Add(60e9)) {
		t.Fatalf("accepted claims break T2: %+v", claims)
	}
}
