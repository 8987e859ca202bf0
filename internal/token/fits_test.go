package token_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"auth-v2-service/internal/token"
)

func TestVerify_TellsWhenNoTokenHasEverFitted(t *testing.T) {
	t.Parallel()
	var good string
	for _, c := range tokenCases(noon) {
		if c.want == nil {
			good = c.compact
			break
		}
	}
	for name, test := range map[string]struct {
		project, tenant string
		tokens          []string
		want            []token.Fit
	}{
		"the right project":     {"", "", []string{good, good}, nil},
		"another project":       {"another-project", "", []string{good, good, good}, []token.Fit{token.FitNone}},
		"another tenant":        {"", "customers", []string{good, good}, []token.Fit{token.FitNone}},
		"what is no token":      {"another-project", "", []string{"", "x", "a.b.c"}, nil},
		"nothing of Firebase's": {"another-project", "", []string{"eyJhbGciOiJub25lIn0.e30."}, nil},
	} {
		var told []token.Fit
		verifier := verifierAt(t, noon, func(o *token.VerifierOptions) {
			if test.project != "" {
				o.ProjectID = test.project
			}
			o.Tenant = test.tenant
			o.OnFit = func(f token.Fit) { told = append(told, f) }
		})
		for _, compact := range test.tokens {
			_, _ = verifier.Verify(context.Background(), compact)
		}
		if !slices.Equal(told, test.want) {
			t.Errorf("%s: told %v, expected %v", name, told, test.want)
		}
	}
}

func TestFits_ManyAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []token.Fit
	fits := token.NewFits(func(f token.Fit) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, f)
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(fits.Foreign)
	}
	all.Wait()
	for range 8 {
		all.Go(fits.Fitted)
		all.Go(fits.Foreign)
	}
	all.Wait()
	if !slices.Equal(told, []token.Fit{token.FitNone, token.FitSome}) {
		t.Errorf("told %v, expected none and some, once each", told)
	}
}
