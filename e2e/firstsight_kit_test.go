package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

var uids atomic.Int64

func newUID() string { return fmt.Sprintf("uid-%024d", uids.Add(1)) }

// claims are a Google sign-in's. A nil value removes one.
func claims(uid, email string, changes ...map[string]any) map[string]any {
	c := map[string]any{
		"sub": uid, "email": email, "email_verified": true, "name": "Some Body", "firebase": signedInWith("google.com"),
	}
	if email == "" {
		c["email"], c["email_verified"] = nil, nil
	}
	for _, change := range changes {
		maps.Copy(c, change)
	}
	return c
}

func signedInWith(provider string) map[string]any {
	return map[string]any{"sign_in_provider": provider, "identities": map[string]any{provider: []string{"1"}}}
}

// mint signs claims as the provider does, without an account.
func mint(t testing.TB, s *servicetest.Stack, c map[string]any, options ...identity.MintOptions) string {
	t.Helper()
	o := identity.MintOptions{}
	if len(options) > 0 {
		o = options[0]
	}
	token, err := s.Identity.Mint(c, o)
	if err != nil {
		t.Fatalf("mint a token: %v", err)
	}
	return token
}

func expectUser(t testing.TB, s *servicetest.Service, what, token string) client.User {
	t.Helper()
	status, code, user := s.Verify(t, token)
	if status != http.StatusOK {
		t.Errorf("%s: verify-token answered %d %s, expected 200", what, status, code)
	}
	return user
}

func expectRefusal(t testing.TB, s *servicetest.Service, what, token string, status int, code string) {
	t.Helper()
	if gotStatus, gotCode, _ := s.Verify(t, token); gotStatus != status || gotCode != code {
		t.Errorf("%s: verify-token answered %d %s, expected %d %s", what, gotStatus, gotCode, status, code)
	}
}

type row struct {
	ID                                                        uuid.UUID
	FirebaseUID, Provider, Username, Hash, Type, Status       *string
	Email                                                     string
	Balance                                                   *int32
	LastLogin, Updated, TokensValidAfter, LegacyTokensValidAt *time.Time
}

func rowOf(t testing.TB, s *servicetest.Stack, condition string, arguments ...any) row {
	t.Helper()
	rows, err := s.DB.Query(context.Background(), `
		SELECT id, firebase_uid, auth_provider, username, password_hash, user_type, federation_status, email, token_balance,
			last_login, updated_at, tokens_valid_after, legacy_tokens_valid_after
		FROM auth.users WHERE `+condition, arguments...)
	if err != nil {
		t.Fatalf("read a row: %v", err)
	}
	defer rows.Close()
	var found []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.ID, &r.FirebaseUID, &r.Provider, &r.Username, &r.Hash, &r.Type, &r.Status, &r.Email, &r.Balance,
			&r.LastLogin, &r.Updated, &r.TokensValidAfter, &r.LegacyTokensValidAt); err != nil {
			t.Fatalf("read a row: %v", err)
		}
		found = append(found, r)
	}
	if len(found) != 1 {
		t.Fatalf("%d rows where %s %v, expected one", len(found), condition, arguments)
	}
	return found[0]
}

func count(t testing.TB, s *servicetest.Stack, query string, arguments ...any) int {
	t.Helper()
	var n int
	if err := s.DB.QueryRow(context.Background(), "SELECT count(*) FROM "+query, arguments...).Scan(&n); err != nil {
		t.Fatalf("count %s: %v", query, err)
	}
	return n
}

// execute changes the database directly, as another service does.
func execute(t testing.TB, s *servicetest.Stack, statement string, arguments ...any) {
	t.Helper()
	if _, err := s.DB.Exec(context.Background(), statement, arguments...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

var bcryptHash = "$2a$10$" + strings.Repeat("x", 53)

func legacyRow(t testing.TB, s *servicetest.Stack, email string, changes ...map[string]any) uuid.UUID {
	t.Helper()
	id := uuid.New()
	columns := map[string]any{
		"id": id, "email": email, "password_hash": bcryptHash, "username": "legacy " + id.String()[:8], "token_balance": 7,
	}
	for _, change := range changes {
		maps.Copy(columns, change)
	}
	var names, places []string
	var values []any
	for name, value := range columns {
		values = append(values, value)
		names = append(names, name)
		places = append(places, fmt.Sprintf("$%d", len(values)))
	}
	execute(t, s, "INSERT INTO auth.users ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(places, ", ")+")", values...)
	return id
}

// waitFor fails only after a check that began after the limit.
func waitFor(t testing.TB, limit time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := false; !holds(); late = time.Since(began) > limit {
		if late {
			t.Fatalf("%s: not within %s", what, limit)
		}
		<-tick.C
	}
	return time.Since(began)
}
