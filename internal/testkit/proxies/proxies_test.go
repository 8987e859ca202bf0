package proxies_test

import (
	"net/http"
	"testing"

	"auth-v2-service/internal/testkit/proxies"
)

func TestStart_EachOnItsConfiguration(t *testing.T) {
	for _, kind := range proxies.All {
		version, err := kind.Version()
		if err != nil {
			t.Fatal(err)
		}
		t.Log(version)
		proxy := kind.Start(t, "127.0.0.1:1", "127.0.0.1:1")
		response, err := http.Get("http://" + proxy.Addr + "/private")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
			t.Errorf("%s answers %d with Retry-After %q while everything is away, expected 503 with one",
				kind.Name, response.StatusCode, response.Header.Get("Retry-After"))
		}
	}
}
