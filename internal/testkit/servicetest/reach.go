package servicetest

import (
	"net/http"
	"testing"
	"time"

	"auth-v2-service/gen/client"
)

// Reach returns a client of an instance in another process. Log and Queries stay empty, and Stop does nothing.
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
