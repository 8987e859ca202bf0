package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	authored "auth-v2-service/api"
	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

const keyHeader = "X-API-Key"

func newKey(t testing.TB, s *servicetest.Stack, scope apikey.Scope) (whole string, key apikey.Key) {
	t.Helper()
	whole, key, err := apikey.Create(t.Context(), s.DB, "a service", scope, "cli:tester")
	if err != nil {
		t.Fatal(err)
	}
	return whole, key
}

func revokeKey(t testing.TB, s *servicetest.Stack, key apikey.Key) {
	t.Helper()
	if _, _, err := apikey.Revoke(t.Context(), s.DB, key.ID, "cli:tester"); err != nil {
		t.Fatal(err)
	}
}

var scopes = []apikey.Scope{apikey.Admin, apikey.Balance, apikey.Events}

// keyed maps operations that take keys to the scope beside admin, or "".
func keyed(t testing.TB) map[string]apikey.Scope {
	t.Helper()
	contract, err := openapi3.NewLoader().LoadFromData(authored.Contract)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]apikey.Scope{}
	for _, item := range contract.Paths.Map() {
		for _, o := range item.Operations() {
			if o.Security == nil {
				continue
			}
			for _, way := range *o.Security {
				if _, ok := way["apiKey"]; ok {
					scope, _ := o.Extensions["x-scope"].(string)
					out[o.OperationID] = apikey.Scope(scope)
				}
			}
		}
	}
	for operation := range out {
		if !slices.ContainsFunc(secured, func(o struct{ operation, method, path, body string }) bool { return o.operation == operation }) {
			t.Fatalf("%s takes keys and is not among the secured operations of the tests: add it", operation)
		}
	}
	return out
}

func TestKeys_OpenTheirScope(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	keys := map[apikey.Scope]string{}
	for _, scope := range scopes {
		keys[scope], _ = newKey(t, s.Stack, scope)
	}
	person := s.Person(t)
	opens := keyed(t)
	for _, o := range secured {
		scope, takesKeys := opens[o.operation]
		if !takesKeys {
			continue
		}
		for _, of := range scopes {
			answer := ask(t, s, o.method, o.path, o.body, keyHeader, keys[of])
			if of == apikey.Admin || of == scope {
				if answer.status == http.StatusUnauthorized || answer.status == http.StatusForbidden {
					t.Errorf("%s by a key of scope %s answered %d %s", o.operation, of, answer.status, answer.body)
				}
				continue
			}
			answer.expect(t, o.operation+" by a key of scope "+string(of), 403, "forbidden")
		}
		ask(t, s, o.method, o.path, o.body, "Authorization", "Bearer "+person.IDToken).expect(t, o.operation+" by a user", 403, "forbidden")
	}
}

func TestKeys_AreNamedOnRecord_O4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	whole, key := newKey(t, s.Stack, apikey.Admin)
	change := strings.Replace(rolloutBody, `"usersPercent":0`, `"usersPercent":5`, 1)
	answer := ask(t, s, http.MethodPut, "/v1/admin/rollout", change, keyHeader, whole)
	answer.expect(t, "setRollout by a key", 200, "")
	if !strings.Contains(string(answer.body), `"updated_by":"key:`+key.ID+`"`) {
		t.Errorf("the record does not name the key: %s", answer.body)
	}
	if actor, _, _ := lastChange(t, s.Stack); actor != "key:"+key.ID {
		t.Errorf("O4: on record is %s, expected the key", actor)
	}
}

// Every bad key gets the same refusal and costs at most one statement.
func TestKeys_Refused(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	whole, key := newKey(t, s.Stack, apikey.Admin)
	other, revoked := newKey(t, s.Stack, apikey.Admin)
	revokeKey(t, s.Stack, revoked)
	opens := keyed(t)
	for what, presented := range map[string]string{
		"a revoked key": other, "another's secret": "av2_" + key.ID + "_" + other[len(other)-43:], "an unknown id": "av2_aaaaaaaaaaaaaaaa_" + whole[len(whole)-43:],
		"the id alone": key.ID, "a token": s.Person(t).IDToken, "nonsense": "x", "Bearer": "Bearer " + whole,
	} {
		for _, o := range secured {
			if _, takesKeys := opens[o.operation]; !takesKeys {
				continue
			}
			var answer reply
			statements := s.Queries.During(func() { answer = ask(t, s, o.method, o.path, o.body, keyHeader, presented) })
			answer.expect(t, o.operation+" with "+what, 401, "token_invalid")
			if !strings.Contains(string(answer.body), `"The API key is not valid"`) {
				t.Errorf("%s with %s: %s", o.operation, what, answer.body)
			}
			if want := strings.HasPrefix(presented, "av2_"); len(statements) > 1 || want != (len(statements) == 1) {
				t.Errorf("%s with %s ran %v, expected one statement for what looks like a key, else none", o.operation, what, statements)
			}
		}
	}
	ask(t, s, "GET", "/v1/admin/rollout", "", "Authorization", "Bearer "+whole).expect(t, "a key as a bearer token", 401, "token_invalid")
}

// Only forward ignores keys: its headers belong to another service.
func TestKeys_OneCredentialARequest(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	whole, _ := newKey(t, s.Stack, apikey.Admin)
	bearer := "Bearer " + s.Person(t).IDToken
	opens := keyed(t)
	for _, o := range secured {
		_, takesKeys := opens[o.operation]
		if o.operation == "forward" || o.operation == "headForward" {
			ask(t, s, o.method, o.path, o.body, "Authorization", bearer, keyHeader, whole).expect(t, o.operation+" with somebody's key", 200, "")
			if answer := ask(t, s, o.method, o.path, o.body, keyHeader, whole); answer.status != http.StatusUnauthorized {
				t.Errorf("%s opened to a key: %d", o.operation, answer.status)
			}
			continue
		}
		for what, header := range map[string][]string{
			"a token and a key": {"Authorization", bearer, keyHeader, whole}, "two keys": {keyHeader, whole, keyHeader, whole},
			"Basic and a key":    {"Authorization", "Basic amFuZTpqYW5l", keyHeader, whole},
			"a token and no key": {"Authorization", bearer, keyHeader, ""},
		} {
			ask(t, s, o.method, o.path, o.body, header...).expect(t, o.operation+" with "+what, 400, "invalid_request")
		}
		missing, alone := "A bearer token is required", whole
		if takesKeys {
			missing, alone = "A bearer token or an API key is required", ""
		}
		answer := ask(t, s, o.method, o.path, o.body, keyHeader, alone)
		answer.expect(t, o.operation+" with what is no credential there", 401, "token_missing")
		if !strings.Contains(string(answer.body), missing) {
			t.Errorf("%s says %s, expected %q", o.operation, answer.body, missing)
		}
	}
	ask(t, s, "POST", "/v1/auth/link", `{"password":"x"}`, "Authorization", bearer, keyHeader, whole).expect(t, "link with both", 400, "invalid_request")
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, *s.Person(t).Email, servicetest.Password), keyHeader, "x").
		expect(t, "login, which asks for no credential", 200, "")
}

func TestKeys_RevokedEverywhereAtOnce_T5(t *testing.T) {
	t.Parallel()
	stack, instances := twoInstances(t)
	for range 20 {
		whole, key := newKey(t, stack, apikey.Admin)
		for _, s := range instances {
			ask(t, s, "GET", "/v1/admin/rollout", "", keyHeader, whole).expect(t, "a key that counts", 200, "")
		}
		revokeKey(t, stack, key)
		for _, s := range instances {
			ask(t, s, "GET", "/v1/admin/rollout", "", keyHeader, whole).expect(t, "T5: the first request after the revocation", 401, "token_invalid")
		}
	}
}

func TestKeys_CostOneStatement(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	whole, _ := newKey(t, s.Stack, apikey.Admin)
	for range 2 {
		statements := s.Queries.During(func() {
			ask(t, s, "GET", "/v1/admin/rollout", "", keyHeader, whole).expect(t, "getRollout by a key", 200, "")
		})
		if want := []string{"UseAPIKeyCredentials", "Rollout"}; !slices.Equal(statements, want) {
			t.Errorf("it ran %v, expected %v", statements, want)
		}
	}
}

// T6, O1: no log shows a key.
func TestKeys_AreNowhereToBeRead_T6(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	whole, key := newKey(t, s.Stack, apikey.Admin)
	wrong := "av2_" + key.ID + "_" + strings.Repeat("A", 43)
	ask(t, s, "GET", "/v1/admin/rollout", "", keyHeader, whole).expect(t, "a key", 200, "")
	ask(t, s, "GET", "/v1/admin/rollout", "", keyHeader, wrong).expect(t, "a wrong secret", 401, "token_invalid")
	revokeKey(t, s.Stack, key)
	ask(t, s, "GET", "/v1/admin/rollout", "", keyHeader, whole).expect(t, "a revoked key", 401, "token_invalid")
	execute(t, s.Stack, "ALTER TABLE auth.api_keys RENAME TO gone")
	answer := ask(t, s, "GET", "/v1/admin/rollout", "", keyHeader, whole)
	answer.expect(t, "without the table of keys", 500, "internal")
	if !strings.Contains(s.Log.String(), "SQLSTATE 42P01") {
		t.Error("the cause of a 500 is not in the log, expected it there")
	}
	expectNoSecrets(t, s, whole, whole[len(whole)-43:], wrong[len(wrong)-43:])
}

func TestKeys_DatabaseAway_O3(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*netfault.Wire){"cut": (*netfault.Wire).Cut, "hanging": (*netfault.Wire).Hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			wire, through := netfault.URL(t, stack.DatabaseURL)
			s := stack.Start(t, map[string]string{"DATABASE_URL": through})
			whole, _ := newKey(t, stack, apikey.Admin)
			ask(t, s, "GET", "/v1/admin/rollout", "", keyHeader, whole).expect(t, "before", 200, "")
			opens := keyed(t)
			fail(wire)
			for _, o := range secured {
				if _, takesKeys := opens[o.operation]; takesKeys {
					began := time.Now()
					answer := ask(t, s, o.method, o.path, o.body, keyHeader, whole)
					answer.expect(t, o.operation+", database "+name, 503, "dependency_unavailable")
					if took := time.Since(began); took > 2*time.Second || answer.header.Get("Retry-After") == "" {
						t.Errorf("%s, database %s: after %s, Retry-After %q", o.operation, name, took, answer.header.Get("Retry-After"))
					}
				}
			}
			ask(t, s, "GET", "/v1/admin/rollout", "", keyHeader, "nonsense").expect(t, "what is no key by its looks", 401, "token_invalid")
		})
	}
}

func TestKeys_AreNotForBrowsers(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"CORS_ORIGINS": "https://app.example.com"})
	for header, want := range map[string]string{"authorization": "https://app.example.com", "x-api-key": ""} {
		answer := ask(t, s, "OPTIONS", "/v1/admin/rollout", "", "Origin", "https://app.example.com",
			"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", header)
		if got := answer.header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("a page that wants to send %s was answered %q, expected %q", header, got, want)
		}
	}
}
