package identity_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/identity"
)

func encoded(b []byte) string { return base64.URLEncoding.EncodeToString(b) }

func TestBody_TooLargeIsRefused(t *testing.T) {
	s := serve(t, identity.Options{})
	equal(t, "status", s.client("accounts:signUp", object{"email": strings.Repeat("x", 9<<20)}).status, http.StatusRequestEntityTooLarge)
}

// The only 5xx allowed is 501.
func FuzzOperations(f *testing.F) {
	p, err := identity.New(identity.Options{ProjectID: project, KeyCount: 1, ScryptMemoryCost: 1})
	if err != nil {
		f.Fatal(err)
	}
	paths := []string{
		"accounts:signUp", "accounts:signInWithPassword", "accounts:lookup", "accounts:update", "accounts:delete",
		"accounts:sendOobCode", "accounts:resetPassword", "projects/demo-test/accounts", "projects/demo-test/accounts:batchCreate",
		"projects/demo-test/accounts:update", "projects/demo-test/accounts:batchDelete", "../../securetoken.googleapis.com/v1/token",
		"accounts:signInWithEmailLink", "accounts:signInWithIdp", "projects/demo-test/accounts:query",
	}
	for _, body := range []string{
		`{}`, `[]`, `null`, `{"email":"a@b.co","password":"secret-1"}`, `{"email":null}`, `{"localId":"x","validSince":"9"}`, "{}{}",
		`{"idToken":"a.b.c"}`, `{"users":[{"localId":"a","passwordHash":"!"}]}`, `{"users":[null]}`, "\x00", `{"localId":["a"]}`,
		`{"localId":"x","linkProviderUserInfo":{"providerId":"g","rawId":"1"}}`, `{"grant_type":"refresh_token","refresh_token":"AAAA"}`,
		`{"requestUri":"http://a","postBody":"providerId=google.com&id_token={\"sub\":\"7\"}"}`, `{"requestUri":"http://%zz","postBody":"%zz"}`,
		`{"order":2,"limit":"1","offset":"99999999999","expression":[{"email":"a@b.co"}]}`, `{"mfa":{"enrollments":null}}`, `{"request_type":6}`,
		`{"hashAlgorithm":"SCRYPT","signerKey":"AA==","rounds":8,"memoryCost":99,"users":[{"localId":"b","passwordHash":"AA=="}]}`,
	} {
		for which := range paths {
			f.Add(which, body)
		}
	}
	f.Fuzz(func(t *testing.T, which int, body string) {
		path := paths[((which%len(paths))+len(paths))%len(paths)]
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, toolkit+path+"?key=any", strings.NewReader(body))
		if strings.HasPrefix(path, "..") {
			request.URL.Path = "/securetoken.googleapis.com/v1/token"
		}
		if strings.HasPrefix(path, "projects") {
			request.Header.Set("Authorization", "Bearer owner")
		}
		answer := httptest.NewRecorder()
		p.Handler().ServeHTTP(answer, request)
		if answer.Code >= 500 && answer.Code != http.StatusNotImplemented || !strings.HasPrefix(answer.Header().Get("Content-Type"), "application/json") {
			t.Errorf("%s %q is answered %d %s", path, body, answer.Code, answer.Body)
		}
	})
}
