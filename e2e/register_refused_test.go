package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

// The weak password's refusal must not remove the claim of the good one.
func TestRegister_RefusedPasswordBesideAGoodOne_A1(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	front := &policyFront{weak: "WeakPassword1", good: "GoodPassword2", goodCame: make(chan struct{}), weakGone: make(chan struct{})}
	s := stack.Start(t, map[string]string{"FIREBASE_AUTH_EMULATOR_HOST": front.serve(t, stack)})
	email := servicetest.Email()
	replies := make(chan reply, 2)
	register := func(password string) {
		replies <- ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, email, password))
	}
	go register(front.weak)
	eventually(t, "the claim", func() bool { return countRows(t, stack, "email = $1", email) == 1 })
	go register(front.good)
	(<-replies).expect(t, "the weak password", http.StatusUnprocessableEntity, "weak_password")
	close(front.weakGone)
	(<-replies).expect(t, "the good password", http.StatusCreated, "")
	if countRows(t, stack, "email = $1 AND firebase_uid = id::text AND federation_status = 'active'", email) != 1 {
		t.Error("A1: the row's id is not the account's uid: the claim was taken back from under a registration")
	}
}

// policyFront adds a password policy before the provider. It refuses the weak password just before the good account is made.
type policyFront struct {
	weak, good         string
	goodCame, weakGone chan struct{}
}

func (f *policyFront) serve(t *testing.T, stack *servicetest.Stack) (host string) {
	t.Helper()
	location, err := url.Parse(stack.IdentityURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(location)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		creates := !strings.HasSuffix(r.URL.Path, signIn) && strings.Contains(string(body), `"localId"`)
		switch {
		case creates && strings.Contains(string(body), f.weak):
			<-f.goodCame
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"code":400,"message":"PASSWORD_DOES_NOT_MEET_REQUIREMENTS : Missing a digit"}}`)
			return
		case creates && strings.Contains(string(body), f.good):
			close(f.goodCame)
			<-f.weakGone
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}
