package conformance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	projectID = "demo-conformance"
	toolkit   = "/identitytoolkit.googleapis.com/v1/"
	tokenPath = "/securetoken.googleapis.com/v1/token"
	codesPath = "/emulator/v1/projects/" + projectID + "/oobCodes"

	accountsPath = "/emulator/v1/projects/" + projectID + "/accounts"
	configPath   = "/emulator/v1/projects/" + projectID + "/config"

	adminConfigPath = "/identitytoolkit.googleapis.com/v2/projects/" + projectID + "/config"
)

type object = map[string]any

type subject struct {
	t        *testing.T
	base     string
	pristine pristine
}

type pristine struct{ config, mails object }

// reset enables enumeration protection, as new projects do.
func (s subject) reset() {
	s.t.Helper()
	s.call("DELETE", accountsPath, nil, "").must()
	s.protect(true)
}

func (s subject) protect(on bool) {
	s.t.Helper()
	s.call("PATCH", configPath,
		object{"emailPrivacyConfig": object{"enableImprovedEmailPrivacy": on}}, "").must()
}

func (s subject) client(op string, body object) reply {
	s.t.Helper()
	return s.call("POST", toolkit+"accounts:"+op+"?key=any", body, "")
}

func (s subject) admin(op string, body object) reply {
	s.t.Helper()
	return s.call("POST", toolkit+"projects/"+projectID+"/accounts"+op, body, "Bearer owner")
}

func (s subject) refresh(refreshToken string) reply {
	s.t.Helper()
	return s.call("POST", tokenPath+"?key=any", object{"grant_type": "refresh_token", "refresh_token": refreshToken}, "")
}

func (s subject) call(method, path string, body any, authorization string) reply {
	s.t.Helper()
	var payload io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		payload = bytes.NewReader(encoded)
	}
	header := http.Header{}
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	if authorization != "" {
		header.Set("Authorization", authorization)
	}
	return s.raw(method, path, payload, header)
}

func (s subject) raw(method, path string, payload io.Reader, header http.Header) reply {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, payload)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	r := reply{t: s.t, status: response.StatusCode, header: response.Header}
	if len(content) > 0 {
		if err := json.Unmarshal(content, &r.body); err != nil {
			s.t.Fatalf("%s %s answers no JSON object: %v", method, path, err)
		}
	}
	return r
}

const (
	jane   = "jane@example.com"
	john   = "john@example.com"
	secret = "secret-1"
	uid    = "11111111-2222-4333-8444-555555555555"
)

func (s subject) signUp(email string) reply {
	s.t.Helper()
	return s.client("signUp", object{"email": email, "password": secret, "returnSecureToken": true}).must()
}

func (s subject) signIn(email, password string) reply {
	s.t.Helper()
	return s.client("signInWithPassword", object{"email": email, "password": password, "returnSecureToken": true})
}

func (s subject) lookupOwn(idToken string) reply {
	s.t.Helper()
	return s.client("lookup", object{"idToken": idToken})
}

func (s subject) user(localID string) object {
	s.t.Helper()
	return s.admin(":lookup", object{"localId": []string{localID}}).must().user()
}

func (s subject) sendCode(body object) string {
	s.t.Helper()
	s.client("sendOobCode", body).must()
	return s.newestCode()
}

func (s subject) newestCode() string {
	s.t.Helper()
	mails := s.mails()
	if len(mails) == 0 {
		s.t.Fatal("no mail was sent")
	}
	newest, _ := mails[len(mails)-1].(object)
	code, _ := newest["oobCode"].(string)
	return code
}

// mails lists unused mails of all behaviours so far.
func (s subject) mails() []any {
	s.t.Helper()
	list, _ := s.call("GET", codesPath, nil, "").must().body["oobCodes"].([]any)
	return list
}

type reply struct {
	t      *testing.T
	status int
	body   object
	header http.Header
}

func (r reply) must() reply {
	r.t.Helper()
	if r.status != http.StatusOK {
		r.t.Fatalf("a step that prepares the behaviour is answered %s", r.outcome())
	}
	return r
}

// outcome is "200", "400 WORD" or, from the infrastructure, "403 STATUS".
func (r reply) outcome() string {
	fault, refused := r.body["error"].(object)
	if !refused {
		return fmt.Sprint(r.status)
	}
	message, _ := fault["message"].(string)
	word, _, _ := strings.Cut(message, " : ")
	if strings.ToUpper(word) != word || strings.Contains(word, " ") {
		word, _ = fault["status"].(string)
	}
	return fmt.Sprintf("%d %s", r.status, word)
}

// message adds the word to a refusal with a status.
func (r reply) message() string {
	fault, _ := r.body["error"].(object)
	text, _ := fault["message"].(string)
	word, _, _ := strings.Cut(text, " : ")
	return fmt.Sprintf("%d %s", r.status, word)
}

// shape adds the answer's field names.
func (r reply) shape() string {
	if r.status != http.StatusOK {
		return r.outcome()
	}
	return r.outcome() + " " + names(r.body)
}

func (r reply) errorShape() string {
	fault, _ := r.body["error"].(object)
	shape := fmt.Sprintf("%d %s", r.status, names(fault))
	if list, _ := fault["errors"].([]any); len(list) > 0 {
		item, _ := list[0].(object)
		shape += " " + names(item)
	}
	return shape
}

func names(fields object) string {
	list := make([]string, 0, len(fields))
	for name := range fields {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

func (r reply) text(field string) string {
	r.t.Helper()
	text, ok := r.body[field].(string)
	if !ok {
		r.t.Fatalf("the answer has no %q: %v", field, r.body)
	}
	return text
}

func (r reply) user() object {
	r.t.Helper()
	list, _ := r.body["users"].([]any)
	if len(list) == 0 {
		r.t.Fatalf("the answer has no user: %v", r.body)
	}
	user, _ := list[0].(object)
	return user
}

func (r reply) uids() string {
	list, _ := r.body["users"].([]any)
	var ids []string
	for _, entry := range list {
		user, _ := entry.(object)
		ids = append(ids, fmt.Sprint(user["localId"]))
	}
	return strings.Join(ids, ",")
}

func (r reply) importErrors() string {
	list, _ := r.body["error"].([]any)
	var rows []string
	for _, entry := range list {
		row, _ := entry.(object)
		rows = append(rows, fmt.Sprintf("%v: %v", row["index"], row["message"]))
	}
	return fmt.Sprintf("%d [%s]", r.status, strings.Join(rows, "; "))
}

// segment decodes a token's header (0) or claims (1) unverified.
func segment(t *testing.T, compact string, index int) object {
	t.Helper()
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		t.Fatalf("a token has %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[index])
	if err != nil {
		t.Fatal(err)
	}
	var fields object
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func (s subject) claims(compact string) object {
	s.t.Helper()
	return segment(s.t, compact, 1)
}

func jsonText(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}
