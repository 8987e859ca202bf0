package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestLoad_SendsEachRequestOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	long := strings.Repeat("x", 5000) // net/http sends it in chunks
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		seen[r.URL.Path+" "+string(body)]++
		mu.Unlock()
		if r.URL.Path == "/long" {
			_, _ = io.WriteString(w, long)
			return
		}
		_, _ = io.WriteString(w, "short")
	})
	l := load{addr: addr, once: true, connections: 2, limit: time.Minute, requests: [][]byte{
		post(addr, "/short", []byte("1")), post(addr, "/long", []byte("2")), post(addr, "/short", []byte("3")),
	}}
	r := l.run(t.Context())
	if r.failed != 0 || len(r.latencies) != 3 || r.bodyBytes != 2*len("short")+len(long) {
		t.Errorf("%d answers with %d bytes and %d failures (%v)", len(r.latencies), r.bodyBytes, r.failed, r.failure)
	}
	for _, request := range []string{"/short 1", "/long 2", "/short 3"} {
		if seen[request] != 1 {
			t.Errorf("%s came %d times, want once (%v)", request, seen[request], seen)
		}
	}
}

func TestLoad_CountsFailures(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/refused":
			http.Error(w, "no, thank you", http.StatusServiceUnavailable)
		case "/cut":
			panic(http.ErrAbortHandler)
		}
	})
	l := load{addr: addr, once: true, connections: 1, limit: time.Minute, requests: [][]byte{
		post(addr, "/refused", nil), post(addr, "/cut", nil), post(addr, "/fine", nil),
	}}
	r := l.run(t.Context())
	if r.failed != 2 || len(r.latencies) != 1 || !strings.Contains(r.failure.Error(), "503 Service Unavailable: no, thank you") {
		t.Errorf("%d answers, %d failures, the first %v", len(r.latencies), r.failed, r.failure)
	}
}

func TestLoad_EndsInTimeAndRepeats(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(http.ResponseWriter, *http.Request) {})
	l := load{addr: addr, connections: 2, limit: 50 * time.Millisecond, requests: [][]byte{post(addr, "/", nil)}}
	r := l.run(t.Context())
	if r.failed != 0 || len(r.latencies) < 2 || r.took < l.limit {
		t.Errorf("%d answers and %d failures (%v) in %s", len(r.latencies), r.failed, r.failure, r.took)
	}
}
