package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"auth-v2-service/internal/devstack/identity"
)

const (
	project  = "demo-bench"
	password = "bench-password"
	// scryptCost is low, because Google's hashing costs this machine nothing.
	scryptCost = 4
)

type person struct{ uid, email, name string }

// someone returns the i-th person of a kind. The uid is as long and random as Firebase's. fill's statement makes the same.
func someone(kind string, i int) person {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, i))
	return person{
		uid:   hex.EncodeToString(sum[:])[:28],
		email: fmt.Sprintf("%s-%d@example.test", kind, i), name: fmt.Sprintf("%s person %d", kind, i),
	}
}

func people(kind string, n int) []person {
	out := make([]person, 0, n)
	for i := range n {
		out = append(out, someone(kind, i))
	}
	return out
}

// stride is prime, so its multiples meet each row once before any repeats.
const stride = 2_654_435_761

func scattered(rows, n int) []person {
	out := make([]person, 0, n)
	for i := range n {
		out = append(out, someone("known", int(int64(i)*stride%int64(rows))))
	}
	return out
}

// mint signs one token a person. The serial makes it unique.
func mint(ctx context.Context, provider *identity.Provider, people []person, first int) ([]string, error) {
	tokens := make([]string, len(people))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range people {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() (err error) {
			tokens[i], err = provider.Mint(claims(p, first+i), identity.MintOptions{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("mint tokens: %w", err)
	}
	return tokens, ctx.Err()
}

func claims(p person, serial int) map[string]any {
	return map[string]any{
		"sub": p.uid, "email": p.email, "email_verified": true, "name": p.name, "jti": fmt.Sprint(serial),
		"firebase": map[string]any{"identities": map[string]any{"email": []string{p.email}}, "sign_in_provider": "password"},
	}
}

// prepareIdentity writes the accounts that the provider loads. The caller closes the result.
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
