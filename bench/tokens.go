package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"auth-v2-service/internal/devstack/identity"
)

const (
	project  = "demo-bench"
	password = "bench-password"
	// scryptCost keeps the provider's password hash from being all that login measures: Google's own costs us no processor.
	scryptCost = 4
)

// person is somebody at the identity provider.
type person struct{ uid, email, name string }

// people makes n of them; kind tells them from others, as a part of everything that must be unique.
func people(kind string, n int) []person {
	out := make([]person, 0, n)
	for i := range n {
		out = append(out, person{
			uid:   fmt.Sprintf("%-10s%018d", kind, i), // 28 characters, as Firebase's
			email: fmt.Sprintf("%s-%d@example.test", kind, i), name: fmt.Sprintf("%s person %d", kind, i),
		})
	}
	return out
}

// mint signs tokens, the i-th for people[i % len(people)], on every processor. The serial makes each another token.
func mint(ctx context.Context, provider *identity.Provider, people []person, n int) ([]string, error) {
	tokens := make([]string, n)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() (err error) {
			tokens[i], err = provider.Mint(claims(people[i%len(people)], i), identity.MintOptions{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("mint tokens: %w", err)
	}
	return tokens, ctx.Err()
}

// claims are those of somebody who signed in with a password.
func claims(p person, serial int) map[string]any {
	return map[string]any{
		"sub": p.uid, "email": p.email, "email_verified": true, "name": p.name, "jti": fmt.Sprint(serial),
		"firebase": map[string]any{"identities": map[string]any{"email": []string{p.email}}, "sign_in_provider": "password"},
	}
}

// prepareIdentity makes a provider's state: its keys, and accounts for those who will sign in. The provider that serves later
// reads it from the file. The caller closes the one answered, which mints with the same keys.
func prepareIdentity(dir string, accounts []person) (*identity.Provider, error) {
	provider, err := identity.New(identity.Options{
		ProjectID: project, SnapshotPath: snapshotPath(dir), ScryptMemoryCost: scryptCost,
	})
	if err != nil {
		return nil, err
	}
	for _, p := range accounts {
		_, err := provider.PutUser(identity.User{
			UID: p.uid, Email: p.email, EmailVerified: true, Password: password, DisplayName: p.name,
		})
		if err != nil {
			return nil, fmt.Errorf("account for %s: %w", p.email, err)
		}
	}
	return provider, nil
}

func snapshotPath(dir string) string { return filepath.Join(dir, "identity.json") }
