package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/limit"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

type anyToken struct{}

func (anyToken) Verify(context.Context, string) (token.Claims, error) {
	return token.Claims{Kind: token.KindFirebase, Subject: "somebody", ExpiresAt: time.Now().Add(time.Hour)}, nil
}

type failingUsers struct {
	sight func(ctx context.Context) error
}

func (f failingUsers) FirstSight(ctx context.Context, _ token.Claims) (user.User, error) {
	return user.User{}, f.sight(ctx)
}

func (f failingUsers) ByID(ctx context.Context, _ uuid.UUID) (user.User, error) {
	return user.User{}, f.sight(ctx)
}

func (f failingUsers) ByLegacyID(ctx context.Context, _ uuid.UUID) (user.User, error) {
	return user.User{}, f.sight(ctx)
}

func (failingUsers) Seen(user.User) {}

func noLimit(t testing.TB) *limit.Limiter {
	t.Helper()
	limiter, err := limit.New(limit.Options{Off: true})
	if err != nil {
		t.Fatal(err)
	}
	return limiter
}

// newEdge fails every look-up with sight's error.
func newEdge(t *testing.T, sight func(ctx context.Context) error) (http.Handler, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	edge, err := New(Options{
		Resolver: principal.NewResolver(principal.Options{
			Verifier: anyToken{}, Users: failingUsers{sight}, Cache: principal.NewCache(principal.CacheOptions{}),
		}),
		Limiter: noLimit(t), Metrics: telemetry.NewMetrics(), Logger: slog.New(slog.NewJSONHandler(log, nil)), Version: "test",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return edge, log
}

func call(edge http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	edge.ServeHTTP(recorder, request)
	return recorder
}

func expectRefusal(t *testing.T, door string, got *httptest.ResponseRecorder, status int, code fault.Code) {
	t.Helper()
	var envelope api.Failure
	if err := json.Unmarshal(got.Body.Bytes(), &envelope); err != nil {
		t.Errorf("the door %s: not the envelope: %v\n%s", door, err, got.Body)
	}
	if got.Code != status || envelope.Code != api.ErrorCode(code) || envelope.Success || envelope.Message == "" {
		t.Errorf("the door %s answered %d %+v, expected %d %s", door, got.Code, envelope, status, code)
	}
	if got.Header().Get("Content-Type") != "application/json" || envelope.RequestID != got.Header().Get(requestIDHeader) {
		t.Errorf("the door %s answered the headers %v, expected JSON with the request's id", door, got.Header())
	}
	if strings.Contains(got.Body.String(), "the cause") || strings.Contains(got.Body.String(), "goroutine") {
		t.Errorf("the door %s tells the cause: %s", door, got.Body)
	}
}

const loginBody = `{"email":"jane@example.com","password":"TestPassword123"}`

var errCause = errors.New("the cause")

// These errors need a bug or an outage.
func TestDoors_OneWriter(t *testing.T) {
	t.Parallel()
	edge, log := newEdge(t, func(context.Context) error { return errCause })
	bearer := []string{"Authorization", "Bearer some-token"}
	expectRefusal(t, "panic", call(edge, "POST", "/v1/auth/login", loginBody), 500, fault.Internal)
	expectRefusal(t, "handler", call(edge, "POST", "/v1/auth/verify-token", `{"token":"x"}`), 500, fault.Internal)
	expectRefusal(t, "credential", call(edge, "GET", "/v1/auth/me", "", bearer...), 500, fault.Internal)
	for _, want := range []string{`panic: runtime error`, `goroutine`, `the cause`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q\n%s", want, log)
		}
	}
	if strings.Contains(log.String(), "TestPassword123") || strings.Contains(log.String(), "jane@") {
		t.Errorf("the log shows what was sent\n%s", log)
	}

	bare := chi.NewRouter()
	mount(bare, server{}, nil)
	expectRefusal(t, "strict decode", call(quiet(bare), "POST", "/v1/auth/login", `{"email":5}`), 400, fault.InvalidRequest)
	unencodable := chi.NewRouter()
	mount(unencodable, answersYear20000{}, nil)
	expectRefusal(t, "response encoding", call(quiet(unencodable), http.MethodGet, "/v1/auth/me", ""), 500, fault.Internal)
	expectRefusal(t, "parameter binding", call(quiet(bare), http.MethodDelete, "/v1/auth/me/sessions/1", ""), 400, fault.InvalidRequest)
}

func TestRefusalOf(t *testing.T) {
	t.Parallel()
	taken := fault.New(fault.EmailTaken, "taken")
	for want, errs := range map[fault.Code][]error{
		fault.DependencyUnavailable: {
			context.DeadlineExceeded, context.Canceled, fmt.Errorf("query: %w", context.DeadlineExceeded), fault.Unavailable("away", errCause),
		},
		fault.Internal:   {errCause, io.EOF, fault.New("a code nobody knows", "words"), nil},
		fault.EmailTaken: {taken, fmt.Errorf("register: %w", taken.With(context.DeadlineExceeded))},
	} {
		for _, err := range errs {
			if got := refusalOf(err).Code; got != want {
				t.Errorf("%v leaves as %s, expected %s", err, got, want)
			}
		}
	}
}

type answersYear20000 struct{ server }

func (answersYear20000) GetMe(context.Context, api.GetMeRequestObject) (api.GetMeResponseObject, error) {
	var out api.ProfileJSONResponse
	out.Data.User.CreatedAt = new(time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC))
	return api.GetMe200JSONResponse{ProfileJSONResponse: out}, nil
}

// O3: 503 within 2 s.
func TestDoors_TimeOutWithin2s_O3(t *testing.T) {
	t.Parallel()
	edge, _ := newEdge(t, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	for door, ask := range map[string]func() *httptest.ResponseRecorder{
		"verify-token": func() *httptest.ResponseRecorder { return call(edge, "POST", "/v1/auth/verify-token", `{"token":"x"}`) },
		"forward": func() *httptest.ResponseRecorder {
			return call(edge, "GET", "/v1/auth/forward", "", "Authorization", "Bearer y")
		},
	} {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			answer := ask()
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s answered after %s, expected within 2 s", door, took)
			}
			expectRefusal(t, door, answer, 503, fault.DependencyUnavailable)
			if answer.Header().Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
		})
	}
}

// Half an answer must not look whole.
func TestPanic_AfterTheAnswerBeganCutsIt(t *testing.T) {
	t.Parallel()
	root := chi.NewRouter()
	root.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 100_000))
		panic("too late")
	}))
	var log syncedLog
	telling := requestMiddleware{log: slog.New(slog.NewJSONHandler(&log, nil)), metrics: telemetry.NewMetrics()}
	server := httptest.NewServer(telling.observe(enterRouter(root)))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err == nil {
		defer response.Body.Close()
		_, err = io.ReadAll(response.Body)
	}
	if err == nil {
		t.Error("a broken answer arrived whole, expected the connection to be cut")
	}
	await(t, "the cause in the log, as an error", func() bool {
		return strings.Contains(log.String(), "too late") && strings.Contains(log.String(), `"level":"ERROR"`)
	})
}

func quiet(routes http.Handler) http.Handler {
	return requestMiddleware{log: slog.New(slog.DiscardHandler), metrics: telemetry.NewMetrics()}.observe(enterRouter(routes))
}

func TestEdge_Order(t *testing.T) {
	t.Parallel()
	edge, _ := newEdge(t, func(context.Context) error { return nil })
	want := []string{
		"observe", "crossOrigin", "before", "legacyPaths", "headAsGet", "enterRouter",
		"identify", "legacySurface", "limitBody", "limitAddress", "prepareAuth", "OapiRequestValidatorWithOptions", "readableQuery",
	}
	contract := testContract(t)
	AddAliases(contract)
	ops := testOperations(t, contract)
	around := edge.(*chi.ChainHandler)
	routes := 0
	err := chi.Walk(around.Endpoint.(chi.Routes), func(method, route string, _ http.Handler, middlewares ...func(http.Handler) http.Handler) error {
		routes++
		if _, known := ops[method+" "+route]; !known {
			t.Errorf("%s %s is mounted, and the contract does not have it: it has no time", method, route)
		}
		var got []string
		for _, m := range slices.Concat(around.Middlewares, middlewares) {
			got = append(got, nameOf(m))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s %s passes %v, expected %v", method, route, got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if routes != len(ops) {
		t.Errorf("%d routes are mounted, expected the contract's %d, aliases included", routes, len(ops))
	}
}

func nameOf(middleware func(http.Handler) http.Handler) string {
	name := runtime.FuncForPC(reflect.ValueOf(middleware).Pointer()).Name()
	name = name[strings.LastIndex(name, "/")+1:]
	parts := strings.Split(strings.TrimSuffix(name, "-fm"), ".")
	for _, part := range slices.Backward(parts) {
		if !closure.MatchString(part) {
			return part
		}
	}
	return name
}

// closure matches function literals, inlined or not.
var closure = regexp.MustCompile(`^(func)?[0-9]+$`)

func TestEdge_OrderOfRefusals(t *testing.T) {
	t.Parallel()
	edge, log := newEdge(t, func(context.Context) error { return user.ErrRevoked })
	bearer := []string{"Authorization", "Bearer some-token"}
	expectRefusal(t, "a body over the limit comes before the credential",
		call(edge, "PATCH", "/v1/auth/me", strings.Repeat("x", maxBody+1)), 413, fault.PayloadTooLarge)
	expectRefusal(t, "malformed JSON comes before the credential", call(edge, "PATCH", "/v1/auth/me", "{"), 400, fault.InvalidRequest)
	expectRefusal(t, "the credential comes before the body's fields", call(edge, "PATCH", "/v1/auth/me", `{"x":1}`), 401, fault.TokenMissing)
	expectRefusal(t, "a revoked credential too", call(edge, "PATCH", "/v1/auth/me", `{"x":1}`, bearer...), 401, fault.TokenRevoked)
	expectRefusal(t, "an unknown path asks nobody", call(edge, "GET", "/v1/nothing", "", bearer...), 404, fault.NotFound)
	for _, line := range strings.Split(strings.TrimSpace(log.String()), "\n") {
		if !strings.Contains(line, `"request_id":"`) || !strings.Contains(line, `"client.address":"192.0.2.1"`) {
			t.Errorf("a line of the access log names no request or no client: %s", line)
		}
	}
	call(edge, "GET", "/health/live", "", "X-Forwarded-For", "198.51.100.7")
	if !strings.Contains(log.String(), `"client.address":"198.51.100.7"`) {
		t.Error("the access log names the proxy, expected its client")
	}
}

func TestEdge_EverySecuredOperationAsksForACredential(t *testing.T) {
	t.Parallel()
	edge, _ := newEdge(t, func(context.Context) error { t.Error("somebody was looked up without a credential"); return nil })
	for path, item := range testContract(t).Paths.Map() {
		for method, o := range item.Operations() {
			if o.Security != nil {
				continue
			}
			body := ""
			if o.RequestBody != nil {
				example, err := json.Marshal(o.RequestBody.Value.Content["application/json"].Example)
				if err != nil {
					t.Fatal(err)
				}
				body = string(example)
			}
			for _, header := range []string{"", "Bearer", "Bearer ", "Basic amFuZTpqYW5l", "some-token", "bearer\tx"} {
				if got := call(edge, method, path, body, "Authorization", header); got.Code != http.StatusUnauthorized {
					t.Errorf("%s with the credential %q answered %d, expected 401", o.OperationID, header, got.Code)
				}
			}
		}
	}
}

func TestBearerToken(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "BEARER   abc ": "abc", "Bearer": "", "Bearer ": "", "Basic abc": "", "": "", "Bearerabc": "", "abc": "",
	} {
		if got := bearerToken(header); got != want {
			t.Errorf("bearerToken(%q) = %q, expected %q", header, got, want)
		}
	}
}

// A proxy understands 2xx, 401 and 403.
func TestForward_ProxiesUnderstandEveryRefusal(t *testing.T) {
	t.Parallel()
	for code := range status {
		edge, _ := newEdge(t, func(context.Context) error { return fault.New(code, "the words") })
		got := call(edge, "GET", "/v1/auth/forward", "", "Authorization", "Bearer some-token").Code
		switch got {
		case 401, 403, 500, 503:
		case 404, 405, 413, 415, 429:
		default:
			t.Errorf("a proxy hears %d for %s, expected 401, 403, 500 or 503", got, code)
		}
	}
}

func TestHeaderValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Jane Doe": "Jane Doe", "": "", "100%": "100%25", "José": "Jos%C3%A9", "a\r\nX-User-Id: 1": "a%0D%0AX-User-Id: 1", "李": "%E6%9D%8E", "a\x00b": "a%00b",
		" Jane": "%20Jane", "Jane ": "Jane%20", "  Jane  Doe  ": "%20%20Jane  Doe%20%20", " ": "%20", "   ": "%20%20%20", "\tJane\t": "%09Jane%09",
		" é ": "%20%C3%A9%20", "\u00a0Jane\u3000": "%C2%A0Jane%E3%80%80", " 100% ": "%20100%25%20", "%20Jane": "%2520Jane",
	} {
		if got := headerValue(text); got != want {
			t.Errorf("headerValue(%q) = %q, expected %q", text, got, want)
		}
		if back, err := url.PathUnescape(headerValue(text)); err != nil || back != text || strings.TrimSpace(headerValue(text)) != headerValue(text) {
			t.Errorf("headerValue(%q) is read as %q (%v)", text, back, err)
		}
	}
}
