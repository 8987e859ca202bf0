package identity

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// frozen is the promised list.
var frozen = []string{
	"signUp", "signInWithPassword", "signInWithCustomToken", "signInWithEmailLink", "signInWithIdp", "lookup", "update", "delete",
	"batchCreate", "batchGet", "batchDelete", "query", "sendOobCode", "resetPassword", "mfaEnrollment:start", "mfaEnrollment:finalize",
	"mfaEnrollment:withdraw", "mfaSignIn:finalize", "token", "getProject", "getConfig", "updateConfig",
}

func TestOperations_TheFrozenListAnswers(t *testing.T) {
	f := newField(t)
	p := f.provider(t)
	var names []string
	for _, operation := range slices.Concat(p.clientOperations(), p.adminOperations()) {
		names = append(names, operation.name)
		method, path, _ := strings.Cut(strings.ReplaceAll(operation.pattern, "{project}", p.ProjectID()), " ")
		request := httptest.NewRequestWithContext(t.Context(), method, path+"?key=any", strings.NewReader("{}"))
		if strings.Contains(path, "/projects/") {
			request.Header.Set("Authorization", "Bearer owner")
		}
		recorder := httptest.NewRecorder()
		p.Handler().ServeHTTP(recorder, request)
		if recorder.Code != http.StatusOK && recorder.Code != http.StatusBadRequest {
			t.Errorf("%s is answered %d %s", operation.pattern, recorder.Code, recorder.Body)
		}
		if _, listed := requestFields[operation.name]; listed == (method == http.MethodGet) {
			t.Errorf("%s: a table of fields is for what has a body, and only for that", operation.name)
		}
	}
	slices.Sort(names)
	if got, want := slices.Compact(names), slices.Sorted(slices.Values(frozen)); !slices.Equal(got, want) {
		t.Errorf("served are\n  %v\nthe list is\n  %v", got, want)
	}
	recorder := httptest.NewRecorder()
	p.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, CertificatePath, nil))
	if recorder.Code != http.StatusOK {
		t.Errorf("the certificates are answered %d", recorder.Code)
	}
}
