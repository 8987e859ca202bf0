package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/testkit/servicetest"
)

// servicetest configures these secrets.
const (
	accessSecret  = "access-secret-of-a-test-32-bytes!"
	refreshSecret = "refresh-secret-of-a-test-32-bytes"
)

// localUser inserts a row as the old auth-service stored it.
func localUser(t testing.TB, s *servicetest.Stack, email, password string, changes ...map[string]any) uuid.UUID {
	t.Helper()
	columns := map[string]any{"password_hash": hashOf(t, password), "auth_provider": "local"}
	for _, change := range changes {
		maps.Copy(columns, change)
	}
	return legacyRow(t, s, email, columns)
}

func hashOf(t testing.TB, password string) string {
	t.Helper()
	hashed, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hashed)
}

// hs256 signs a payload as any platform service can.
func hs256(t testing.TB, secret string, payload map[string]any, header ...map[string]any) string {
	t.Helper()
	head := map[string]any{"alg": "HS256", "typ": "JWT"}
	for _, change := range header {
		maps.Copy(head, change)
	}
	signed := segment(t, head) + "." + segment(t, payload)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func segment(t testing.TB, v any) string {
	t.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(encoded)
}

// oldAccess is the old access token's payload; nil removes a member.
func oldAccess(id uuid.UUID, email string, changes ...map[string]any) map[string]any {
	now := time.Now().Unix()
	payload := map[string]any{"id": id.String(), "email": email, "user_type": "user", "iat": now, "exp": now + 3600}
	for _, change := range changes {
		for name, value := range change {
			if payload[name] = value; value == nil {
				delete(payload, name)
			}
		}
	}
	return payload
}

type legacyPair struct {
	User         map[string]any `json:"user"`
	AccessToken  string         `json:"accessToken"`
	RefreshToken string         `json:"refreshToken"`
}

func legacyLogin(t testing.TB, s *servicetest.Service, email, password string) legacyPair {
	t.Helper()
	return pairOf(t, ask(t, s, http.MethodPost, "/api/v1/auth/login", registerBody(t, email, password)), http.StatusOK)
}

func pairOf(t testing.TB, answer reply, status int) (pair legacyPair) {
	t.Helper()
	if answer.status != status {
		t.Fatalf("answered %d, expected %d\n%s", answer.status, status, answer.body)
	}
	if err := json.Unmarshal(answer.body, &pair); err != nil || pair.AccessToken == "" || pair.RefreshToken == "" {
		t.Fatalf("no pair in %s (%v)", answer.body, err)
	}
	return pair
}

type newSession struct {
	UID, IDToken, RefreshToken, Kind string
	User                             struct {
		ID           uuid.UUID
		AuthProvider string `json:"auth_provider"`
		FirebaseUID  string `json:"firebase_uid"`
	}
}

func sessionOf(t testing.TB, answer reply, status int) newSession {
	t.Helper()
	if answer.status != status {
		t.Fatalf("answered %d, expected %d\n%s", answer.status, status, answer.body)
	}
	var decoded struct{ Data newSession }
	if err := json.Unmarshal(answer.body, &decoded); err != nil || decoded.Data.IDToken == "" {
		t.Fatalf("no session in %s (%v)", answer.body, err)
	}
	return decoded.Data
}

func newLogin(t testing.TB, s *servicetest.Service, email, password string) newSession {
	t.Helper()
	return sessionOf(t, ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, email, password)), http.StatusOK)
}

func payloadOf(t testing.TB, compact string) (payload map[string]any) {
	t.Helper()
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %d segments", len(parts))
	}
	decoded, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(decoded, &payload); err != nil {
		t.Fatal(err)
	}
	return payload
}

// askRaw skips the check against the contract.
func askRaw(t testing.TB, s *servicetest.Service, method, path, body string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return reply{status: response.StatusCode, header: response.Header, body: []byte(readAll(t, response.Body))}
}

func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	read, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(read)
}

type session struct {
	ID        string
	UserAgent *string `json:"user_agent"`
	Current   bool
}

func sessionsIn(t testing.TB, body []byte) []session {
	t.Helper()
	var decoded struct{ Data struct{ Sessions []session } }
	if err := json.Unmarshal(body, &decoded); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return decoded.Data.Sessions
}
