package authclient_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/authclient"
)

func BenchmarkMiddleware(b *testing.B) {
	answered := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(good)),
		}, nil
	})
	benchmark(b, authclient.Options{BaseURL: "http://auth:3008", Transport: answered})
}

func BenchmarkOverLoopback(b *testing.B) {
	benchmark(b, authclient.Options{BaseURL: newService(b, says(200, good)).URL})
}

func benchmark(b *testing.B, o authclient.Options) {
	passed := 0
	h := authclient.New(o).Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed++ }))
	r := request(b, "Bearer "+token)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(discard{}, r)
	}
	if passed == 0 {
		b.Fatal("nothing passed")
	}
}
