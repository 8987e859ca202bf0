package identity_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"auth-v2-service/internal/devstack/identity"
)

func three() []object { return []object{{"localId": "a"}, {"localId": "b"}, {"localId": "c"}} }

func TestFaults_HalfABatch(t *testing.T) {
	s := serve(t, identity.Options{})
	addFaults(t, s, identity.Fault{Match: "batchCreate", Kind: identity.FaultHalf, Count: 1})
	answered := s.admin("accounts:batchCreate", object{"users": three()}).ok()
	equal(t, "errors", answered.body["error"], any(nil))
	equal(t, "imported", s.export("").uids(), "a b")
	s.admin("accounts:batchCreate", object{"users": three(), "allowOverwrite": true}).ok()
	equal(t, "imported the second time", s.export("").uids(), "a b c")
	addFaults(t, s, identity.Fault{Match: "batchDelete", Kind: identity.FaultHalf, Count: 1})
	s.admin("accounts:batchDelete", object{"localIds": []string{"a", "b", "c"}, "force": true}).ok()
	equal(t, "left", s.export("").uids(), "c")
}

func TestFaults_HalfABatchWithoutAnAnswer(t *testing.T) {
	s := serve(t, identity.Options{})
	addFaults(t, s, identity.Fault{Match: "batchCreate", Kind: identity.FaultHalf, After: true, Count: 1})
	body, err := json.Marshal(object{"users": three()})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, s.base+toolkit+"projects/"+project+"/accounts:batchCreate", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer owner")
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		_ = response.Body.Close()
		t.Error("a cut connection gave an answer")
	}
	equal(t, "imported", s.export("").uids(), "a b")
}

func TestFaults_AWrongHash(t *testing.T) {
	s := serve(t, identity.Options{})
	s.signUp("jane@example.com")
	s.importBcrypt("imported", "john@example.com", "secret-1")
	addFaults(t, s, identity.Fault{Match: "batchGet", Kind: identity.FaultWrongHash, Count: 1})
	for _, user := range s.export("").users() {
		if user["localId"] == "imported" {
			_, has := user["passwordHash"]
			equal(t, "an imported hash", has, false)
			continue
		}
		equal(t, "opens", opens(t, user, s.HashConfig(), "secret-1"), false)
	}
	equal(t, "afterwards", opens(t, s.admin("accounts:lookup", object{"email": []string{"jane@example.com"}}).users()[0], s.HashConfig(), "secret-1"), true)
	s.signIn("jane@example.com", "secret-1").ok()
}
