package servicetest

import (
	"net/http"
	"testing"
	"time"

	"auth-v2-service/gen/client"
)

// Reach is an instance that somebody else runs on this stack, as a process of its own: over HTTP, held against the contract.
// Its log and its statements are out of sight, and Stop does nothing.
func (s *Stack) Reach(t testing.TB, url string) *Service {
	t.Helper()
	service := &Service{Stack: s, URL: url, Queries: &Queries{}, Log: &Log{}}
	service.HTTP = &http.Client{Transport: newValidating(t), Timeout: 15 * time.Second}
	var err error
	if service.API, err = client.NewClientWithResponses(url, client.WithHTTPClient(service.HTTP)); err != nil {
		t.Fatal(err)
	}
	return service
}
