package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) code() string { return servicetest.Code(r.body) }

// ask sends one request. header lists names and values in turn and overrides the default application/json.
func ask(t testing.TB, s *servicetest.Service, method, path, body string, header ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		request.Body = http.NoBody
	} else {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Del(header[i])
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	return send(t, s, request)
}

func send(t testing.TB, s *servicetest.Service, request *http.Request) reply {
	t.Helper()
	response, err := s.HTTP.Do(request)
	if err != nil {
		t.Errorf("%s %s: %v", request.Method, request.URL.Path, err)
		return reply{header: http.Header{}}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("%s %s: %v", request.Method, request.URL.Path, err)
	}
	return reply{status: response.StatusCode, header: response.Header, body: body}
}

// expect takes code "" for an answer without an error envelope.
func (r reply) expect(t testing.TB, what string, status int, code string) {
	t.Helper()
	if r.status != status || r.code() != code {
		t.Errorf("%s answered %d %q, expected %d %q\n%s", what, r.status, r.code(), status, code, r.body)
	}
}

// secured lists the operations that need a bearer token, with valid bodies.
var secured = []struct{ operation, method, path, body string }{
	{"getMe", http.MethodGet, "/v1/auth/me", ""},
	{"updateMe", http.MethodPatch, "/v1/auth/me", `{"username":"somebody else"}`},
	{"deleteMe", http.MethodDelete, "/v1/auth/me", ""},
	{"logout", http.MethodPost, "/v1/auth/logout", ""},
	{"forward", http.MethodGet, "/v1/auth/forward", ""},
	{"headForward", http.MethodHead, "/v1/auth/forward", ""},
	{"listSessions", http.MethodGet, "/v1/auth/me/sessions", ""},
	{"endSession", http.MethodDelete, "/v1/auth/me/sessions/7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d", ""},
	{"changePassword", http.MethodPost, "/v1/auth/password/change", `{"newPassword":"NewPassword123"}`},
	{"sendEmailVerification", http.MethodPost, "/v1/auth/email/verify", ""},
	{"getRollout", http.MethodGet, "/v1/admin/rollout", ""},
	{"setRollout", http.MethodPut, "/v1/admin/rollout", rolloutBody},
	{"listUsers", http.MethodGet, "/v1/admin/users?q=somebody%40", ""},
	{"getUser", http.MethodGet, nobodyPath, ""},
	{"updateUser", http.MethodPatch, nobodyPath, `{"username":"somebody else"}`},
	{"deactivateUser", http.MethodPost, nobodyPath + "/deactivate", `{"reason":"a test"}`},
	{"reactivateUser", http.MethodPost, nobodyPath + "/reactivate", ""},
	{"revokeUserTokens", http.MethodPost, nobodyPath + "/revoke-tokens", ""},
	{"syncUser", http.MethodPost, nobodyPath + "/sync", ""},
	{"syncAccount", http.MethodPost, "/v1/admin/users/sync", syncBody},
	{"listAuditEvents", http.MethodGet, "/v1/admin/audit-events", ""},
	{"listJobs", http.MethodGet, "/v1/admin/jobs", ""},
	{"retryJob", http.MethodPost, "/v1/admin/jobs/42/retry", ""},
	{"listMoves", http.MethodGet, "/v1/admin/moves", ""},
	{"startMove", http.MethodPost, "/v1/admin/moves", moveBody},
	{"getMove", http.MethodGet, noRunPath, ""},
	{"pauseMove", http.MethodPost, noRunPath + "/pause", ""},
	{"resumeMove", http.MethodPost, noRunPath + "/resume", ""},
	{"stopMove", http.MethodPost, noRunPath + "/stop", ""},
	{"retryMove", http.MethodPost, noRunPath + "/retry", ""},
	{"exportMe", http.MethodGet, "/v1/auth/me/export", ""},
	{"changeTokenBalance", http.MethodPost, "/v1/users/7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d/token-balance", spend5},
	{"listTokenBalanceEntries", http.MethodGet, "/v1/users/7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d/token-balance/entries", ""},
	{"legacyLogout", http.MethodPost, "/auth/logout", ""},
	{"legacyMe", http.MethodGet, "/api/v1/auth/me", ""},
}

const rolloutBody = `{"revision":0,"usersPercent":0,"trafficPercent":100,"newUsers":"firebase","allow":[],"deny":[],"belowFullTraffic":false}`

// noRunPath names no existing run.
const (
	noRunPath = "/v1/admin/moves/0b6f3c3e-8a52-4b9e-9a41-6f1f2d8a7c11"
	moveBody  = `{"selection":"all"}`
)

// nobodyPath and syncBody name no existing user or account.
const (
	nobodyPath = "/v1/admin/users/7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d"
	syncBody   = `{"firebase_uid":"7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d"}`
)

var taking = []struct{ operation, method, path, body string }{
	{"register", http.MethodPost, "/v1/auth/register", `{"email":"reader@example.com","password":"TestPassword123"}`},
	{"login", http.MethodPost, "/v1/auth/login", `{"email":"reader@example.com","password":"TestPassword123"}`},
	{"refresh", http.MethodPost, "/v1/auth/refresh", `{"refreshToken":"a-token"}`},
	{"verifyToken", http.MethodPost, "/v1/auth/verify-token", `{"token":"a-token"}`},
	{"updateMe", http.MethodPatch, "/v1/auth/me", `{"username":"reader"}`},
	{"deleteMe", http.MethodDelete, "/v1/auth/me", `{"currentPassword":"TestPassword123"}`},
	{"loginMfa", http.MethodPost, "/v1/auth/login/mfa", `{"pendingCredential":"pending","factorId":"one","code":"123456"}`},
	{"linkAccount", http.MethodPost, "/v1/auth/link", `{"password":"TestPassword123"}`},
	{"forgotPassword", http.MethodPost, "/v1/auth/password/forgot", `{"email":"reader@example.com"}`},
	{"resetPassword", http.MethodPost, "/v1/auth/password/reset", `{"code":"a-code","newPassword":"NewPassword123"}`},
	{"changePassword", http.MethodPost, "/v1/auth/password/change", `{"newPassword":"NewPassword123"}`},
	{"confirmEmail", http.MethodPost, "/v1/auth/email/verify/confirm", `{"code":"a-code"}`},
	{"legacyRegister", http.MethodPost, "/auth/register", `{"email":"reader@example.com","password":"TestPassword123"}`},
	{"legacyLogin", http.MethodPost, "/auth/login", `{"email":"reader@example.com","password":"TestPassword123"}`},
	{"legacyRefresh", http.MethodPost, "/auth/refresh", `{"refreshToken":"a-token"}`},
	{"legacyVerifyToken", http.MethodPost, "/auth/verify-token", `{"token":"a-token"}`},
}

// bodyless lists operations with ignored bodies, admins' bodies and bodies of other types.
var bodyless = []struct{ operation, method, path, body string }{
	{"setRollout", http.MethodPut, "/v1/admin/rollout", rolloutBody},
	{"updateUser", http.MethodPatch, nobodyPath, `{"username":"somebody else"}`},
	{"deactivateUser", http.MethodPost, nobodyPath + "/deactivate", `{"reason":"a test"}`},
	{"syncAccount", http.MethodPost, "/v1/admin/users/sync", syncBody},
	{"startMove", http.MethodPost, "/v1/admin/moves", moveBody},
	{"changeTokenBalance", http.MethodPost, "/v1/users/7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d/token-balance", spend5},
	{"legacyLogout", http.MethodPost, "/auth/logout", `{"anything":"x"}`},
}

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func registerBody(t testing.TB, email, password string) string {
	t.Helper()
	return jsonOf(t, map[string]string{"email": email, "password": password})
}

// staleToken returns a valid token of a sign-in an hour ago.
func staleToken(t testing.TB, s *servicetest.Service, uid, email string) string {
	t.Helper()
	now := time.Now()
	compact, err := s.Identity.Mint(map[string]any{
		"sub": uid, "email": email, "email_verified": false,
		"auth_time": now.Add(-time.Hour).Unix(), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"firebase": map[string]any{"sign_in_provider": "password", "identities": map[string]any{"email": []string{email}}},
	}, identity.MintOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func localPerson(t testing.TB, s *servicetest.Stack, email string) uuid.UUID {
	t.Helper()
	id := uuid.New()
	mustExec(t, s, `INSERT INTO auth.users (id, email, password_hash, auth_provider) VALUES ($1, $2, 'a hash', 'local')`, id, email)
	return id
}

func mustExec(t testing.TB, s *servicetest.Stack, sql string, args ...any) {
	t.Helper()
	if _, err := s.DB.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func countRows(t testing.TB, s *servicetest.Stack, where string, args ...any) (rows int) {
	t.Helper()
	if err := s.DB.QueryRow(t.Context(), "SELECT count(*) FROM auth.users WHERE "+where, args...).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	waitFor(t, 20*time.Second, what, condition)
}

// expectNoSecrets searches the log (O1, T6).
func expectNoSecrets(t testing.TB, s *servicetest.Service, secrets ...string) {
	t.Helper()
	log := s.Log.String()
	for _, secret := range secrets {
		if secret != "" && strings.Contains(log, secret) {
			t.Errorf("O1: the log shows the secret or address %.12q...", secret)
		}
	}
}
