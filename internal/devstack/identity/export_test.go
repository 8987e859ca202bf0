package identity_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/devstack/identity"
)

func (s served) export(query string) answer {
	s.t.Helper()
	return s.do("GET", "projects/"+project+"/accounts:batchGet?"+query, nil, "Bearer owner").ok()
}

func (a answer) users() []object {
	list, _ := a.body["users"].([]any)
	var users []object
	for _, entry := range list {
		user, _ := entry.(object)
		users = append(users, user)
	}
	return users
}

func (a answer) uids() string {
	var ids []string
	for _, user := range a.users() {
		ids = append(ids, fmt.Sprint(user["localId"]))
	}
	return strings.Join(ids, " ")
}

func TestExport_PagesSurviveInsertsAndDeletes(t *testing.T) {
	s := serve(t, identity.Options{})
	put := func(uids ...string) {
		for _, uid := range uids {
			if _, err := s.PutUser(identity.User{UID: uid}); err != nil {
				t.Fatal(err)
			}
		}
	}
	put("g", "a", "c", "e")
	first := s.export("maxResults=2")
	equal(t, "first page", first.uids(), "a c")
	put("b", "d", "h")
	s.DeleteUser("c")
	s.DeleteUser("e")
	second := s.export("maxResults=2&nextPageToken=" + first.text("nextPageToken"))
	equal(t, "second page", second.uids(), "d g")
	third := s.export("maxResults=2&nextPageToken=" + second.text("nextPageToken"))
	equal(t, "third page", third.uids(), "h")
	equal(t, "the end", third.body["nextPageToken"], any(nil))
}

func (s served) importBcrypt(uid, email, password string) {
	s.t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		s.t.Fatal(err)
	}
	s.admin("accounts:batchCreate", object{
		"hashAlgorithm": "BCRYPT", "sanityCheck": true,
		"users": []object{{"localId": uid, "email": email, "passwordHash": base64.URLEncoding.EncodeToString(hash)}},
	}).ok()
}

// opens checks an exported password as a service that users return to would.
func opens(t *testing.T, user object, config identity.HashConfig, password string) bool {
	t.Helper()
	var stored [2][]byte
	for i, field := range []string{"passwordHash", "salt"} {
		text, _ := user[field].(string)
		content, err := base64.URLEncoding.DecodeString(text)
		if err != nil || len(content) == 0 {
			t.Fatalf("%s is %q: %v", field, text, err)
		}
		stored[i] = content
	}
	hash, err := config.Hash(password, stored[1])
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(hash, stored[0])
}

// M7.
func TestExport_AnImportedHashAppearsAfterTheFirstSignIn(t *testing.T) {
	s := serve(t, identity.Options{})
	s.importBcrypt("jane", "jane@example.com", "secret-1")
	before := s.export("").users()[0]
	for _, field := range []string{"passwordHash", "salt", "version"} {
		equal(t, field, before[field], any(nil))
	}
	if before["passwordUpdatedAt"] == nil || before["providerUserInfo"] == nil {
		t.Errorf("the password is forgotten: %v", before)
	}
	s.signIn("jane@example.com", "secret-2").refused("INVALID_LOGIN_CREDENTIALS")
	equal(t, "after a wrong password", s.export("").users()[0]["passwordHash"], any(nil))
	s.signIn("jane@example.com", "secret-1").ok()
	after := s.export("").users()[0]
	equal(t, "version", after["version"], any(0.0))
	equal(t, "password updated", after["passwordUpdatedAt"], before["passwordUpdatedAt"])
	equal(t, "sessions from", after["validSince"], before["validSince"])
	equal(t, "right", opens(t, after, s.HashConfig(), "secret-1"), true)
	equal(t, "wrong", opens(t, after, s.HashConfig(), "secret-2"), false)
}

// M7.
func TestExport_EachVersionOfTheSignerKeyOpensItsHashes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.json")
	options := identity.Options{SnapshotPath: path, SnapshotDelay: time.Hour}
	s := serve(t, options)
	s.signUp("a@example.com")
	old := s.config()["hashConfig"].(object)["signerKey"]
	equal(t, "rotated over HTTP", s.do("POST", "/dev/hashes/rotate", object{}, "").ok().body["version"], any(1.0))
	if s.config()["hashConfig"].(object)["signerKey"] == old {
		t.Error("the configuration shows the old key")
	}
	s.signUp("b@example.com")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = serve(t, options)
	equal(t, "versions", len(s.HashConfigs()), 2)
	s.signIn("a@example.com", "secret-1").ok()
	s.signIn("b@example.com", "secret-1").ok()
	for _, user := range s.export("").users() {
		version := map[any]float64{"a@example.com": 0, "b@example.com": 1}[user["email"]]
		equal(t, "version", user["version"], any(version))
		equal(t, "its own key", opens(t, user, s.HashConfigs()[int(version)], "secret-1"), true)
		equal(t, "the other", opens(t, user, s.HashConfigs()[1-int(version)], "secret-1"), false)
	}
}

func (s served) config() object {
	s.t.Helper()
	body := s.do("GET", "/identitytoolkit.googleapis.com/v2/projects/"+project+"/config", nil, "Bearer owner").ok().body
	signIn, _ := body["signIn"].(object)
	return signIn
}

// M7.
func TestExport_WithoutThePermissionHashesAreRedacted(t *testing.T) {
	s := serve(t, identity.Options{HashesHidden: true})
	s.signUp("a@example.com")
	s.importBcrypt("imported", "b@example.com", "secret-1")
	check := func(user object) {
		t.Helper()
		if user["localId"] == "imported" {
			equal(t, "an imported hash", user["passwordHash"], any(nil))
			return
		}
		equal(t, "hash", user["passwordHash"], any(base64.StdEncoding.EncodeToString([]byte("REDACTED"))))
		equal(t, "salt", user["salt"], any(nil))
		equal(t, "version", user["version"], any(0.0))
	}
	for _, user := range s.export("").users() {
		check(user)
	}
	check(s.admin("accounts:lookup", object{"email": []string{"a@example.com"}}).ok().users()[0])
	equal(t, "hashConfig", s.config()["hashConfig"], any(nil))
	s.do("PUT", "/dev/hashes", object{"hidden": false}, "").ok()
	if s.config()["hashConfig"] == nil || s.export("").users()[0]["salt"] == nil && s.export("").users()[1]["salt"] == nil {
		t.Error("the permission gives nothing")
	}
	s.HideHashes(true)
	equal(t, "hashConfig", s.config()["hashConfig"], any(nil))
}

// Firebase's own example.
func TestExport_WithPublishedParameters(t *testing.T) {
	example := identity.HashConfig{
		SignerKey:     decoded(t, "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="),
		SaltSeparator: decoded(t, "Bw=="), Rounds: 8, MemoryCost: 14,
	}
	s := serve(t, identity.Options{HashConfig: &example, Rand: &firstSalt{salt: decoded(t, "42xEC+ixf3L2lw==")}})
	s.client("accounts:signUp", object{"email": "jane@example.com", "password": "user1password"}).ok()
	want := strings.NewReplacer("+", "-", "/", "_").Replace(
		"lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==")
	user := s.export("").users()[0]
	equal(t, "hash", user["passwordHash"], any(want))
	equal(t, "salt", user["salt"], any("42xEC-ixf3L2lw=="))
	equal(t, "signerKey", s.config()["hashConfig"].(object)["signerKey"], any(base64.StdEncoding.EncodeToString(example.SignerKey)))
	for _, bad := range []identity.HashConfig{{}, {SignerKey: []byte{1}, Rounds: 9, MemoryCost: 14}, {SignerKey: []byte{1}, Rounds: 8, MemoryCost: 15}} {
		if _, err := identity.New(identity.Options{ProjectID: project, KeyCount: 1, HashConfig: &bad}); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// firstSalt answers the first request for the length of its salt with it.
type firstSalt struct{ salt []byte }

func (r *firstSalt) Read(b []byte) (int, error) {
	if len(b) == len(r.salt) {
		return copy(b, r.salt), nil
	}
	return rand.Read(b)
}
