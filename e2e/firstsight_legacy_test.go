package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// nulls is a row of NULLs with a meaning by D3.
var nulls = map[string]any{
	"username": nil, "user_type": nil, "is_active": nil, "token_balance": nil, "last_login": nil, "created_at": nil,
	"updated_at": nil, "auth_provider": nil, "federation_status": nil, "provider_data": nil, "last_firebase_sync": nil,
}

// oddRows are rows that the legacy service may have left.
var oddRows = map[string]map[string]any{
	"NULLs everywhere":             {},
	"a username of control bytes":  {"username": "a\tb\nc\rd\x01\x7f"},
	"a username of 100 emoji":      {"username": strings.Repeat("🙂", 100)},
	"an empty username":            {"username": ""},
	"a username of spaces":         {"username": "   "},
	"a username with a percent":    {"username": `100% "quoted", <b>; \`},
	"a user_type nobody knows":     {"user_type": "süper-ädmin\n"},
	"an empty user_type":           {"user_type": ""},
	"a negative balance":           {"token_balance": -2147483648},
	"the largest balance":          {"token_balance": 2147483647},
	"the first year":               {"created_at": "0001-01-01 00:00:00", "last_login": "0001-01-01 00:00:00"},
	"the last microsecond":         {"created_at": "9999-12-31 23:59:59.999999", "last_login": "9999-12-31 23:59:59.999999"},
	"beyond RFC 3339":              {"created_at": "20260-01-01", "last_login": "0044-03-15 BC"},
	"infinity":                     {"created_at": "-infinity", "last_login": "infinity", "updated_at": "infinity"},
	"returned to local":            {"auth_provider": "local"},
	"hybrid without a hash":        {"auth_provider": "hybrid", "password_hash": nil},
	"a failed sync":                {"federation_status": "failed"},
	"a sync that never ended":      {"federation_status": "syncing"},
	"provider_data of any shape":   {"provider_data": `[1,"two",{"three":null}]`},
	"provider_data that is null":   {"provider_data": `null`},
	"a hash that is none":          {"auth_provider": "hybrid", "password_hash": "plain"},
	"an address beyond ASCII":      {"email": "JÄNE.%d@EXÄMPLE.com"},
	"an address that is none":      {"email": "nobody %d"},
	"an address in another case":   {"email": "Odd.%d@Example.COM"},
	"an address with blanks":       {"email": " odd.blank.%d@example.com\t"},
	"an address of 255 characters": {"email": "%d" + strings.Repeat("l", 230) + "@example.com"},
}

// D3: the rows are linked by uid, since some have no usable address.
func TestFirstSight_OldRowsAreReadableByEveryOperation(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	n := 0
	for name, odd := range oddRows {
		n++
		t.Run(name, func(t *testing.T) {
			email, uid := servicetest.Email(), newUID()
			columns := maps.Clone(nulls)
			columns["password_hash"] = hashOf(t, servicetest.Password) // NULL means local: this service checks the password
			maps.Copy(columns, odd)
			if pattern, given := odd["email"].(string); given {
				columns["email"] = strings.Replace(pattern, "%d", fmt.Sprint(n), 1)
			} else {
				columns["email"] = email
			}
			columns["firebase_uid"] = uid
			legacyRow(t, s.Stack, email, columns)
			putUser(t, s.Stack, identity.User{UID: uid, Email: email, Password: servicetest.Password})
			useEverything(t, s, uid, email)
		})
	}
}

func useEverything(t *testing.T, s *servicetest.Service, uid, email string) {
	t.Helper()
	// Another provider's first proof would set the password aside (F3).
	before := mint(t, s.Stack, claims(uid, email, map[string]any{"firebase": signedInWith("password")}))
	askAs(t, s, http.MethodGet, "/v1/auth/me", "", before).expect(t, "me, before any sign-in through us", http.StatusOK, "")
	credentials := jsonOf(t, map[string]string{"email": email, "password": servicetest.Password})
	login := ask(t, s, http.MethodPost, "/v1/auth/login", credentials)
	login.expect(t, "login", http.StatusOK, "")
	var session struct {
		Data struct {
			IDToken, RefreshToken string
			User                  map[string]any
		}
	}
	if err := json.Unmarshal(login.body, &session); err != nil || session.Data.User["firebase_uid"] != uid {
		t.Fatalf("login answered %s (%v)", login.body, err)
	}
	token := session.Data.IDToken
	ask(t, s, http.MethodPost, "/v1/auth/verify-token", jsonOf(t, map[string]string{"token": token})).expect(t, "verifyToken", http.StatusOK, "")
	refresh := jsonOf(t, map[string]string{"refreshToken": session.Data.RefreshToken})
	ask(t, s, http.MethodPost, "/v1/auth/refresh", refresh).expect(t, "refresh", http.StatusOK, "")
	for _, operation := range []struct{ method, path, body string }{
		{http.MethodGet, "/v1/auth/me", ""},
		{http.MethodGet, "/v1/auth/forward", ""},
		{http.MethodHead, "/v1/auth/forward", ""},
		{http.MethodPatch, "/v1/auth/me", jsonOf(t, map[string]string{"username": "renamed " + uid})},
		{http.MethodDelete, "/v1/auth/me", ""},
	} {
		askAs(t, s, operation.method, operation.path, operation.body, token).expect(t, operation.method+" "+operation.path, http.StatusOK, "")
	}
}

func TestFirstSight_NullsHaveTheirMeaning(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"LEGACY_EMAIL_VERIFIED": "trust"})
	email, uid := servicetest.Email(), newUID()
	id := legacyRow(t, s.Stack, email, nulls)
	token := mint(t, s.Stack, claims(uid, email))
	user := expectUser(t, s, "D3", token)
	if user.ID != id || user.UserType != "user" || !user.IsActive || user.TokenBalance != 0 || user.Username != nil {
		t.Errorf("D3: answered %+v, expected type user, active, balance 0, no username", user)
	}
	profile := me(t, s, token)
	if profile.AuthProvider != "hybrid" || profile.CreatedAt != nil {
		t.Errorf("D3: me answered %+v, expected hybrid, and no created_at", profile)
	}
	forwarded := askAs(t, s, http.MethodGet, "/v1/auth/forward", "", token)
	if h := forwarded.header; h.Get("X-User-Type") != "user" || h.Get("X-User-Token-Balance") != "0" || h.Get("X-User-Username") != "" {
		t.Errorf("D3: forward answered %v", h)
	}
}
