package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/testkit/servicetest"
)

// secretsOf adds a JWT's payload and signature.
func secretsOf(values ...string) []string {
	var out []string
	for _, value := range values {
		out = append(out, value)
		if parts := strings.Split(value, "."); len(parts) == 3 && len(parts[1]) > 20 {
			out = append(out, parts[1], parts[2][:40])
		}
	}
	return out
}

// liveThroughEverything uses every operation and returns the secrets and addresses used.
func liveThroughEverything(t *testing.T, s *servicetest.Service) (secrets, addresses []string) {
	t.Helper()
	email, password, wrong := servicetest.Email(), "Correct-Horse-7731", "Wrong-Battery-9942"
	register := ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, email, password))
	login := ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, email, password))
	ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, email, wrong)).expect(t, "login", http.StatusUnauthorized, "invalid_credentials")
	ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, email, wrong)).expect(t, "register", http.StatusConflict, "email_taken")
	secrets = []string{password, wrong}
	type session struct {
		Data struct{ IDToken, RefreshToken string }
	}
	var last session
	for _, r := range []reply{register, login} {
		var signedIn session
		if err := json.Unmarshal(r.body, &signedIn); err != nil || signedIn.Data.IDToken == "" {
			t.Fatalf("%d %s (%v)", r.status, r.body, err)
		}
		secrets, last = append(secrets, signedIn.Data.IDToken, signedIn.Data.RefreshToken), signedIn
	}
	refresh := ask(t, s, http.MethodPost, "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": last.Data.RefreshToken}))
	var refreshed session
	if err := json.Unmarshal(refresh.body, &refreshed); err != nil {
		t.Fatal(err)
	}
	googler, local := servicetest.Email(), servicetest.Email()
	legacyRow(t, s.Stack, local)
	bad := mint(t, s.Stack, claims(newUID(), servicetest.Email(), map[string]any{"aud": "other"}))
	ended := mint(t, s.Stack, claims(newUID(), servicetest.Email(), map[string]any{"exp": in(-time.Hour), "iat": in(-2 * time.Hour)}))
	required := mint(t, s.Stack, claims(newUID(), local, map[string]any{"email_verified": false}))
	secrets = append(secrets, refreshed.Data.IDToken, refreshed.Data.RefreshToken, bad, ended, required)
	for _, token := range []string{last.Data.IDToken, mint(t, s.Stack, claims(newUID(), googler)), bad, ended, required} {
		verify(t, s, token)
		forward(t, s, token)
		askAs(t, s, http.MethodGet, "/v1/auth/me", "", token)
		secrets = append(secrets, token)
	}
	askAs(t, s, http.MethodPatch, "/v1/auth/me", `{"username":"somebody"}`, last.Data.IDToken)
	askAs(t, s, http.MethodPatch, "/v1/auth/me", `{"token":"`+last.Data.IDToken+`"}`, last.Data.IDToken)
	ask(t, s, http.MethodGet, "/v1/auth/me?access_token="+last.Data.IDToken, "")
	ask(t, s, http.MethodGet, "/nowhere/"+last.Data.IDToken, "")
	askAs(t, s, http.MethodPost, "/v1/auth/logout", "", last.Data.IDToken)
	return secretsOf(secrets...), []string{email, googler, local}
}

// T6, O1: addresses are only in auth.users.
func TestTokens_AndPasswordsAreKeptNowhere(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"RATE_LIMIT": "on"})
	secrets, addresses := liveThroughEverything(t, s)
	tables, kept := databaseDump(t, s), redisDump(t, s)
	if len(tables) < 5 || kept == "" || s.Log.String() == "" {
		t.Fatalf("looked into %d tables, %d bytes of Redis: this test would see nothing", len(tables), len(kept))
	}
	for place, content := range map[string]string{"Redis": kept, "the log": s.Log.String()} {
		expectNone(t, "T6: "+place, content, append(secrets, addresses...))
	}
	for table, content := range tables {
		expectNone(t, "T6: table "+table, content, secrets)
		if table != "auth.users" {
			expectNone(t, "O1: table "+table, content, addresses)
		}
	}
}

func expectNone(t *testing.T, place, content string, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		if at := strings.Index(strings.ToLower(content), strings.ToLower(secret)); at >= 0 {
			t.Errorf("%s holds %.20s...: %s", place, secret, content[max(0, at-80):min(len(content), at+40)])
		}
	}
}

func databaseDump(t *testing.T, s *servicetest.Service) map[string]string {
	t.Helper()
	ctx := context.Background()
	rows, err := s.DB.Query(ctx, "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Schema, Table string }])
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range names {
		var content string
		query := "SELECT coalesce(string_agg(to_jsonb(t)::text, E'\\n'), '') FROM " + pgx.Identifier{name.Schema, name.Table}.Sanitize() + " AS t"
		if err := s.DB.QueryRow(ctx, query).Scan(&content); err != nil {
			t.Fatal(err)
		}
		out[name.Schema+"."+name.Table] = content
	}
	return out
}

func redisDump(t *testing.T, s *servicetest.Service) string {
	t.Helper()
	options, err := redis.ParseURL(s.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	var out strings.Builder
	keys := client.Scan(t.Context(), 0, "*", 1000).Iterator()
	for keys.Next(t.Context()) {
		value, err := client.Dump(t.Context(), keys.Val()).Result()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %s\n", keys.Val(), value)
	}
	if err := keys.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
