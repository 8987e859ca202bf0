package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/emulator"
)

func createAccount(t *testing.T, addr string) int {
	t.Helper()
	url := "http://" + addr + "/identitytoolkit.googleapis.com/v1/projects/demo-emulator/accounts"
	body := strings.NewReader(`{"localId":"kept-account-000000000001","email":"kept@example.test","password":"secret-1"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer owner")
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestStart_KeepsAccounts(t *testing.T) {
	t.Parallel()
	o := emulator.Options{Dir: t.TempDir(), ProjectID: "demo-emulator", Log: t.Output()}
	for i, want := range []int{http.StatusOK, http.StatusBadRequest} {
		server, err := emulator.Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if got := createAccount(t, server.Addr()); got != want {
			t.Errorf("run %d: creating the account gives %d, want %d", i+1, got, want)
		}
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
		<-server.Done()
	}
}
