package official_test

import (
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/identity/official"
)

func TestStart_ServesUntilClosed(t *testing.T) {
	emulator, err := official.Start(t.Context(), official.Options{ProjectID: "demo-official"})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get("http://" + emulator.Host + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the emulator answers %d", response.StatusCode)
	}
	for range 2 {
		if err := emulator.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if response, err := http.Get("http://" + emulator.Host + "/"); err == nil {
		_ = response.Body.Close()
		t.Error("a closed emulator answers")
	}
}

func TestStart_SaysWhyItFailed(t *testing.T) {
	_, err := official.Start(t.Context(), official.Options{})
	if err == nil || !strings.Contains(err.Error(), "usage:") {
		t.Errorf("a start without a project gives %v, want what the script says", err)
	}
}
