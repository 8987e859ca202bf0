package httpapi

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// byItsFirstLetter decides by the token's first letter.
type byItsFirstLetter struct{}

func (byItsFirstLetter) Verify(_ context.Context, compact string) (token.Claims, error) {
	switch {
	case strings.Trim(compact, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "":
		return token.Claims{}, token.ErrMalformed // as T1 has it
	case strings.HasPrefix(compact, "m"):
		return token.Claims{}, token.ErrMalformed
	case strings.HasPrefix(compact, "x"):
		return token.Claims{}, token.ErrExpired
	case strings.HasPrefix(compact, "k"):
		return token.Claims{}, token.ErrUnavailable
	}
	began := time.Unix(2_000_000_000, 0)
	return token.Claims{
		Kind: token.KindFirebase, Subject: compact, AuthTime: began, IssuedAt: began, ExpiresAt: began.Add(time.Hour),
	}, nil
}

func (byItsFirstLetter) FirstSight(_ context.Context, claims token.Claims) (user.User, error) {
	u := user.User{
		ID: uuid.NewSHA1(uuid.Nil, []byte(claims.Subject)), FirebaseUID: claims.Subject, Username: "Zoë <&> \"" + claims.Subject + "\"",
		Email: "zoë@example.test", Type: "user", IsActive: true, TokenBalance: int32(len(claims.Subject)),
	}
	switch claims.Subject[0] {
	case 'd':
		u.IsActive = false
	case 'r':
		u.TokensValidAfter = claims.AuthTime.Add(time.Second)
	case 'u':
		return user.User{}, user.ErrUnsupportedIdentity
	case 'l':
		return user.User{}, user.ErrLinkRequired
	case 'b':
		return user.User{}, errors.New("a bug")
	}
	return u, nil
}

func (byItsFirstLetter) ByID(context.Context, uuid.UUID) (user.User, error) {
	return user.User{}, user.ErrNotFound
}

func (byItsFirstLetter) ByLegacyID(context.Context, uuid.UUID) (user.User, error) {
	return user.User{}, user.ErrNotFound
}

func (byItsFirstLetter) Seen(user.User) {}

type roads struct{ short, long http.Handler }

func newRoads(t testing.TB) roads {
	t.Helper()
	build := func(before func(shortCut) func(http.Handler) http.Handler) http.Handler {
		limiter := noLimit(t)
		o := Options{
			Resolver: principal.NewResolver(principal.Options{
				Verifier: byItsFirstLetter{}, Users: byItsFirstLetter{}, Cache: principal.NewCache(principal.CacheOptions{Bytes: 1 << 20}),
				Render: NewCachedResponse,
			}),
			Limiter: limiter, Metrics: telemetry.NewMetrics(), Logger: slog.New(slog.DiscardHandler), Version: "test",
			CORSOrigins: []string{"https://app.example.test"},
		}
		edge, err := assemble(o, before(shortCut{o.Resolver}))
		if err != nil {
			t.Fatal(err)
		}
		return edge
	}
	return roads{
		short: build(func(s shortCut) func(http.Handler) http.Handler { return s.before }),
		long: build(func(shortCut) func(http.Handler) http.Handler {
			return func(next http.Handler) http.Handler { return next }
		}),
	}
}

type told struct {
	status int
	header http.Header
	body   string
}

// ask sends chunks for length -1.
func ask(edge http.Handler, method, target string, body []byte, length int64, header http.Header) told {
	request := httptest.NewRequest(method, target, bytes.NewReader(body))
	request.ContentLength = length
	request.Header = header.Clone()
	request.Header.Set(requestIDHeader, "the-same-for-both")
	recorder := httptest.NewRecorder()
	edge.ServeHTTP(recorder, request)
	answer := recorder.Result()
	answer.Header.Del("Content-Length") // net/http sets it
	return told{answer.StatusCode, answer.Header, recorder.Body.String()}
}

// expectAlike compares both roads, for new and known tokens.
func (r roads) expectAlike(t *testing.T, method, target string, body []byte, length int64, header http.Header) (last told) {
	t.Helper()
	for _, when := range []string{"at first", "the second time", "the third time"} {
		short, long := ask(r.short, method, target, body, length, header), ask(r.long, method, target, body, length, header)
		if short.status != long.status || short.body != long.body || !maps.EqualFunc(short.header, long.header, slices.Equal) {
			t.Fatalf("%s %s %v %q, %s: the short cut answers\n%+v\nthe long road\n%+v", method, target, header, body, when, short, long)
		}
		last = short
	}
	return last
}

var edgesOfCanonical = []string{
	`{"token":"a.b.c"}`, `{"token":"m"}`, `{"token":"x.y.z"}`, `{"token":"k"}`, `{"token":"d"}`, `{"token":"r"}`, `{"token":"u"}`,
	`{"token":"l"}`, `{"token":"b"}`, `{"token":""}`, `{"token":"a b"}`, `{"token":"a\u0062"}`, `{"token":"a\\"}`, `{"token":"a"b"}`,
	`{"token":"a","token":"b"}`, `{"token":"a","x":"b"}`, `{"token": "a.b.c"}`, ` {"token":"a.b.c"}`, `{"token":"a.b.c"} `, `{"token":"a.b.c"}x`,
	"{\"token\":\"a.b.c\"}\n", `{"Token":"a.b.c"}`, `{"token":5}`, `{"token":null}`, `{}`, ``, `[]`, `{"token":"é"}`, "{\"token\":\"a\x00\"}",
	"{\"token\":\"\xff\"}", "{\"token\":\"a\tb\"}", `{"token":"a`, `{"token":"`, `"}`, `{"token":"}`, `{"token":"{"token":"a"}`, `{"token":"~!#$%&'()*+,/:;<=>?@[]^{|}` + "`" + `"}`,
}

func FuzzShortCut_AnswersAsTheLongRoad(f *testing.F) {
	for _, body := range edgesOfCanonical {
		f.Add([]byte(body), "application/json", "", false)
	}
	f.Add([]byte(`{"token":"a.b.c"}`), "application/json; charset=utf-8", "", false)
	f.Add([]byte(`{"token":"a.b.c"}`), "application/json; charset=latin1", "", false)
	f.Add([]byte(`{"token":"a.b.c"}`), "text/plain", "", false)
	f.Add([]byte(`{"token":"a.b.c"}`), "", "gzip", false)
	f.Add([]byte(`{"token":"a.b.c"}`), "application/json", "gzip", false)
	f.Add([]byte(`{"token":"a.b.c"}`), "application/json", "identity", false)
	f.Add([]byte(`{"token":"a.b.c"}`), "application/json", "", true)
	roads := newRoads(f)
	f.Fuzz(func(t *testing.T, body []byte, mediaType, coding string, chunked bool) {
		header := http.Header{}
		if mediaType != "" {
			header["Content-Type"] = []string{mediaType}
		}
		if coding != "" {
			header["Content-Encoding"] = []string{coding}
		}
		length := int64(len(body))
		if chunked {
			length = -1
		}
		roads.expectAlike(t, http.MethodPost, verifyTokenPath, body, length, header)
	})
}

func FuzzShortCut_ForwardAnswersAsTheLongRoad(f *testing.F) {
	for _, authorization := range []string{
		"Bearer a.b.c", "bearer a.b.c", "Bearer  a.b.c", "Bearer a.b.c ", "Bearer ", "Bearer", "", "Basic YTpi", "Bearer m", "Bearer x", "Bearer k", "Bearer d", "Bearer r", "Bearer u",
		"Bearer l", "Bearer b", "Bearer a b", "Bearer é", "a.b.c", "Bearer a.b.c,Bearer a.b.c",
	} {
		f.Add(authorization, "", "")
	}
	f.Add("Bearer a.b.c", "Bearer a.b.c", "")
	f.Add("Bearer a.b.c", "", "av2_id_secret")
	roads := newRoads(f)
	f.Fuzz(func(t *testing.T, authorization, another, key string) {
		header := http.Header{"Authorization": {authorization}}
		if another != "" {
			header.Add("Authorization", another)
		}
		if key != "" {
			header.Set(keyHeader, key)
		}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			roads.expectAlike(t, method, forwardPath, nil, 0, header)
		}
	})
}

func TestShortCut_IsTaken(t *testing.T) {
	t.Parallel()
	roads := newRoads(t)
	const longestInContract = 16384
	plain := http.Header{"Content-Type": {"application/json"}}
	body := []byte(`{"token":"a.b.c"}`)
	if got := roads.expectAlike(t, "POST", verifyTokenPath, body, int64(len(body)), plain); got.status != http.StatusOK {
		t.Fatalf("verify-token answered %+v", got)
	}
	if got := roads.expectAlike(t, "GET", forwardPath, nil, 0, http.Header{"Authorization": {"Bearer a.b.c"}}); got.header.Get("X-User-Id") == "" {
		t.Fatalf("forward answered %+v", got)
	}
	long := `{"token":"` + strings.Repeat("a", longestInContract) + `"}`
	longest := `{"token":"` + strings.Repeat("a", longestToken) + `"}`
	for _, odd := range []struct {
		method, target, body string
		length               int64
		header               http.Header
	}{
		{"POST", verifyTokenPath, longest, int64(len(longest)), plain},
		{"POST", verifyTokenPath, long, int64(len(long)), plain},
		{"POST", verifyTokenPath, long[:20] + "aa" + long[20:], int64(len(long)) + 2, plain},
		{"POST", verifyTokenPath, string(body), int64(len(body)) + 5, plain}, // truncated
		{"POST", verifyTokenPath + "?x=1", string(body), int64(len(body)), plain},
		{"POST", "/v1/auth/verify%2dtoken", string(body), int64(len(body)), plain},
		{"PUT", verifyTokenPath, string(body), int64(len(body)), plain},
		{"POST", verifyTokenPath, string(body), int64(len(body)), http.Header{"Content-Type": {"application/json", "text/plain"}}},
		{"POST", verifyTokenPath, string(body), int64(len(body)), http.Header{"Content-Type": plain["Content-Type"], "Origin": {"https://app.example.test"}}},
		{"POST", verifyTokenPath, string(body), int64(len(body)), http.Header{"Content-Type": plain["Content-Type"], "Origin": {"https://evil.example.test"}}},
		{"GET", forwardPath, "a body", 6, http.Header{"Authorization": {"Bearer a.b.c"}}},
		{"GET", forwardPath + "?x=%zz", "", 0, http.Header{"Authorization": {"Bearer a.b.c"}}},
		{"POST", forwardPath, "", 0, http.Header{"Authorization": {"Bearer a.b.c"}}},
	} {
		roads.expectAlike(t, odd.method, odd.target, []byte(odd.body), odd.length, odd.header)
	}
}

func TestShortCut_ItsReasonsHold(t *testing.T) {
	t.Parallel()
	contract := testContract(t)
	ops := testOperations(t, contract)
	verify, forward := ops["POST "+verifyTokenPath], ops["GET "+forwardPath]
	for _, op := range []operation{verify, forward} {
		if op.limited || op.legacy || op.admin || op.keys || op.claimsOnly {
			t.Errorf("%s is limited, deprecated, an admin's, or takes another credential: the short cut passes that by", op.id)
		}
	}
	o := contract.Paths.Value(verifyTokenPath).Post
	if o.Security == nil || len(*o.Security) != 0 || len(o.Parameters) != 0 {
		t.Error("verifyToken asks for a credential or has parameters: the short cut passes them by")
	}
	for _, o := range contract.Paths.Value(forwardPath).Operations() {
		if o.Security != nil || len(o.Parameters) != 0 {
			t.Error("forward has another credential than everybody, or parameters: the short cut passes them by")
		}
	}
	schema := o.RequestBody.Value.Content["application/json"].Schema.Value
	if len(schema.Required) != 1 || schema.Required[0] != "token" {
		t.Errorf("the body of verifyToken must have %v: the canonical body has a token alone", schema.Required)
	}
	text := schema.Properties["token"].Value
	if !text.Type.Is("string") || text.MinLength > 1 || text.MaxLength == nil || *text.MaxLength < longestToken ||
		text.Pattern != "" || text.Format != "" || len(text.Enum) > 0 {
		t.Error("the contract refuses tokens that the short cut takes")
	}
}
