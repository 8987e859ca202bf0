package firebase_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	passwords "auth-v2-service/internal/password"
)

// M7.
func TestExport_OnTheWire(t *testing.T) {
	for tenant, path := range map[string]string{
		"":    "/identitytoolkit.googleapis.com/v1/projects/demo-test/accounts:batchGet",
		"t-1": "/identitytoolkit.googleapis.com/v1/projects/demo-test/tenants/t-1/accounts:batchGet",
	} {
		g := newGoogle(t, func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			if r.URL.Path != path || query.Get("maxResults") != "7" || query.Get("nextPageToken") != "page" ||
				!strings.Contains(query.Get("fields"), "passwordHash,salt,version") {
				t.Errorf("asked %s?%s", r.URL.Path, r.URL.RawQuery)
			}
			answer(`{"nextPageToken":"next","users":[
				{"localId":"scrypt","email":"a@example.com","passwordHash":"-_8=","salt":"+/8=","version":0,"passwordUpdatedAt":1612325106007,
					"lastLoginAt":"1612325106000","validSince":"1612325106","customAttributes":"{}","providerUserInfo":[{"providerId":"password"}],
					"mfaInfo":[{"mfaEnrollmentId":"f","displayName":"app","totpInfo":{}}]},
				{"localId":"later","passwordHash":"-_8","salt":"AA","version":3},
				{"localId":"other","passwordHash":"AAAA"},
				{"localId":"imported","providerUserInfo":[{"providerId":"password"}]},
				{"localId":"redacted","passwordHash":"UkVEQUNURUQ=","version":0},
				{"localId":"malformed","passwordHash":"*","version":0}]}`)(w, r)
		})
		users, next, err := g.client(t, func(o *firebase.Options) { o.Tenant = tenant }).Export(t.Context(), "page", 7)
		if err != nil || next != "next" {
			t.Fatalf("got %q, %v", next, err)
		}
		at := time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC)
		hash := []byte{0xfb, 0xff}
		want := []firebase.ExportedUser{
			{
				User: firebase.User{
					UID: "scrypt", Email: "a@example.com", HasPassword: true, Providers: []string{"password"}, LastSignInAt: at, ValidSince: at,
					PasswordUpdatedAt: at.Add(7 * time.Millisecond),
				},
				Hash: hash, Salt: hash, Factors: []firebase.Factor{{ID: "f", Kind: firebase.FactorTOTP, DisplayName: "app"}}, CustomAttributes: "{}",
			},
			{User: firebase.User{UID: "later", HasPassword: true}, Hash: hash, Salt: []byte{0}, Version: 3},
			{User: firebase.User{UID: "other", HasPassword: true}, Hash: []byte{0, 0, 0}, Salt: []byte{}, Version: firebase.UnknownVersion},
			{User: firebase.User{UID: "imported", HasPassword: true, Providers: []string{"password"}}, Version: firebase.UnknownVersion},
			{User: firebase.User{UID: "redacted", HasPassword: true}, HashRedacted: true},
			{User: firebase.User{UID: "malformed", HasPassword: true}, HashMalformed: true},
		}
		for i, user := range users {
			if !reflect.DeepEqual(user, want[i]) {
				type plain firebase.ExportedUser
				t.Errorf("got  %+v\nwant %+v", plain(user), plain(want[i]))
			}
		}
		if len(users) != len(want) {
			t.Errorf("%d users, want %d", len(users), len(want))
		}
	}
}

// O1.
func TestExport_NoHashIsPrinted(t *testing.T) {
	user := firebase.ExportedUser{User: firebase.User{UID: "u", Email: email}, Hash: []byte("the hash"), Salt: []byte("the salt")}
	config := passwords.ScryptConfig{SignerKey: []byte("the key")}
	for _, value := range []any{user, config, &user, &config, []any{user, config}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			printed := fmt.Sprintf(verb, value)
			for _, secret := range []string{"the ", "116, 104, 101", "116 104 101", "0x74, 0x68", email} {
				if strings.Contains(printed, secret) {
					t.Errorf("%s prints %s", verb, printed)
				}
			}
		}
	}
}

func TestExport_Limits(t *testing.T) {
	g := newGoogle(t, answer(everything))
	for _, limit := range []int{0, -1, firebase.MaxList + 1} {
		if _, _, err := g.client(t).Export(t.Context(), "", limit); err == nil {
			t.Errorf("a page of %d is asked for", limit)
		}
	}
	if _, err := g.client(t).BatchDelete(t.Context(), make([]string, firebase.MaxDelete+1), true); err == nil {
		t.Error("1,001 accounts are deleted at once")
	}
	if failures, err := g.client(t).BatchDelete(t.Context(), nil, true); failures != nil || err != nil {
		t.Errorf("no accounts give %v, %v", failures, err)
	}
	if g.calls.Load() != 0 {
		t.Errorf("%d requests, want none", g.calls.Load())
	}
}

// M7: there, with a password of Firebase's, and back.
func TestExport_PasswordsComeHome(t *testing.T) {
	provider, client := newProvider(t)
	failures, err := client.Import(t.Context(), []firebase.ImportUser{
		{UID: "changed", Email: "a@example.com", PasswordHash: bcryptOf(t, "old-password")},
		{UID: "signed-in", Email: "b@example.com", PasswordHash: bcryptOf(t, "old-password")},
		{UID: "unused", Email: "c@example.com", PasswordHash: bcryptOf(t, "old-password")},
	})
	if err != nil || len(failures) != 0 {
		t.Fatalf("importing gives %v, %v", failures, err)
	}
	if _, err := client.SignIn(t.Context(), "b@example.com", "old-password"); err != nil {
		t.Fatal(err)
	}
	configs := make([]passwords.ScryptConfig, 2)
	if configs[0], err = client.HashConfig(t.Context()); err != nil {
		t.Fatal(err)
	}
	provider.RotateHashKey()
	if configs[1], err = client.HashConfig(t.Context()); err != nil || bytes.Equal(configs[0].SignerKey, configs[1].SignerKey) {
		t.Fatalf("the next parameters are %v, %v", configs[1], err)
	}
	if err := client.SetPassword(t.Context(), "changed", "new-password"); err != nil {
		t.Fatal(err)
	}
	found := map[string]firebase.ExportedUser{}
	for page, next := "", "first"; next != ""; page = next {
		var users []firebase.ExportedUser
		if users, next, err = client.Export(t.Context(), page, 2); err != nil {
			t.Fatal(err)
		}
		for _, user := range users {
			found[user.UID] = user
		}
	}
	if len(found) != 3 || found["unused"].Hash != nil || !found["unused"].HasPassword || found["unused"].Version != firebase.UnknownVersion {
		t.Errorf("%d exported, and without a sign-in %v", len(found), found["unused"].Hash)
	}
	for uid, c := range map[string]struct {
		version  int64
		password string
	}{"changed": {1, "new-password"}, "signed-in": {0, "old-password"}} {
		user := found[uid]
		if user.Version != c.version {
			t.Fatalf("%s has version %d, want %d", uid, user.Version, c.version)
		}
		config := configs[user.Version]
		hash, err := identity.HashConfig{
			SignerKey: config.SignerKey, SaltSeparator: config.SaltSeparator, Rounds: config.Rounds, MemoryCost: config.MemoryCost,
		}.Hash(c.password, user.Salt)
		if err != nil || !bytes.Equal(hash, user.Hash) {
			t.Errorf("%s is not opened by its password: %v", uid, err)
		}
	}
}

// M7.
func TestExport_WithoutThePermission(t *testing.T) {
	_, client := newProvider(t, func(o *identity.Options) { o.HashesHidden = true })
	create(t, client)
	users, next, err := client.Export(t.Context(), "", firebase.MaxList)
	if err != nil || next != "" || len(users) != 1 || !users[0].HashRedacted || users[0].Hash != nil {
		t.Errorf("exported are %v, %q, %v", users, next, err)
	}
	_, err = client.HashConfig(t.Context())
	if !errors.Is(err, firebase.ErrHashConfigHidden) || errors.Is(err, firebase.ErrRefused) || fault.CodeOf(err) != fault.DependencyUnavailable {
		t.Errorf("the parameters give %v", err)
	}
}

func TestHashConfig_OnTheWire(t *testing.T) {
	shown := `{"algorithm":"SCRYPT","signerKey":"-_8=","saltSeparator":"Bw==","rounds":8,"memoryCost":14}`
	want := passwords.ScryptConfig{SignerKey: []byte{0xfb, 0xff}, SaltSeparator: []byte{7}, Rounds: 8, MemoryCost: 14}
	for tenant, c := range map[string]struct{ path, body string }{
		"":    {"/identitytoolkit.googleapis.com/v2/projects/demo-test/config", `{"signIn":{"hashConfig":` + shown + `}}`},
		"t-1": {"/identitytoolkit.googleapis.com/v2/projects/demo-test/tenants/t-1", `{"hashConfig":` + shown + `}`},
	} {
		g := newGoogle(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != c.path {
				t.Errorf("asked %s, want %s", r.URL.Path, c.path)
			}
			answer(c.body)(w, r)
		})
		got, err := g.client(t, func(o *firebase.Options) { o.Tenant = tenant }).HashConfig(t.Context())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v", got, err)
		}
	}
	for body, want := range map[string]error{
		`{}`:            firebase.ErrHashConfigHidden,
		`{"signIn":{}}`: firebase.ErrHashConfigHidden,
		`{"signIn":{"hashConfig":{"algorithm":"SCRYPT","signerKey":"*"}}}`:                        firebase.ErrUnreachable,
		`{"signIn":{"hashConfig":{"algorithm":"BCRYPT","signerKey":"AAAA"}}}`:                     firebase.ErrUnreachable,
		`{"signIn":{"hashConfig":{"algorithm":"SCRYPT","signerKey":"AAAA","saltSeparator":"*"}}}`: firebase.ErrUnreachable,
	} {
		if _, err := newGoogle(t, answer(body)).client(t).HashConfig(t.Context()); !errors.Is(err, want) {
			t.Errorf("%s gives %v, want %v", body, err, want)
		}
	}
}

// M7.
func TestBoth_BatchDelete(t *testing.T) {
	onBothSides(t, func(t *testing.T, s side) {
		_, err := s.Import(t.Context(), []firebase.ImportUser{{UID: "enabled"}, {UID: "disabled", Disabled: true}, {UID: "spared"}})
		if err != nil {
			t.Fatal(err)
		}
		failures, err := s.BatchDelete(t.Context(), []string{"unknown", "enabled", "disabled"}, false)
		if err != nil || len(failures) != 1 || failures[0].UID != "enabled" || !errors.Is(failures[0].Err, firebase.ErrNotDisabled) {
			t.Fatalf("without force: %v, %v", failures, err)
		}
		if failures, err := s.BatchDelete(t.Context(), []string{"enabled"}, true); err != nil || len(failures) != 0 {
			t.Fatalf("with force: %v, %v", failures, err)
		}
		users, _, err := s.Export(t.Context(), "", firebase.MaxList)
		if err != nil || len(users) != 1 || users[0].UID != "spared" {
			t.Errorf("left are %v, %v", users, err)
		}
	})
}

func TestBatchDelete_OnTheWire(t *testing.T) {
	g, last := recording(t, `{"errors":[{"index":1,"localId":"b","message":"SOMETHING_NEW : about `+email+`"},{"localId":"a","message":"prose"}]}`)
	failures, err := g.client(t).BatchDelete(t.Context(), []string{"a", "b"}, false)
	if want := map[string]any{"localIds": []any{"a", "b"}, "force": false}; err != nil || !reflect.DeepEqual(last.body, want) {
		t.Errorf("sent %v, %v", last.body, err)
	}
	for i, uid := range []string{"b", "a"} {
		failure := failures[i]
		if failure.UID != uid || !errors.Is(failure.Err, firebase.ErrNotDeleted) || !errors.Is(failure.Err, firebase.ErrUnknown) {
			t.Errorf("failure %d is %+v", i, failure)
		}
		holdsNoSecret(t, failure.Err)
	}
	if !strings.Contains(failures[0].Err.Error(), "SOMETHING_NEW") {
		t.Errorf("the operator is not told the code: %v", failures[0].Err)
	}
	for _, body := range []string{`{"errors":[{"index":1}]}`, `{"errors":[{"index":-1}]}`} {
		if _, err := newGoogle(t, answer(body)).client(t).BatchDelete(t.Context(), []string{"a"}, true); !errors.Is(err, firebase.ErrUnreachable) {
			t.Errorf("%s gives %v", body, err)
		}
	}
}

func TestErrUnknown_IsForNewReasonsOnly(t *testing.T) {
	for status, known := range map[int][]string{
		400: {"OPERATION_NOT_ALLOWED : off", "INVALID_PASSWORD_HASH", "DUPLICATE_EMAIL", "QUOTA_EXCEEDED"},
		403: {"INSUFFICIENT_PERMISSION", "PERMISSION_DENIED"},
		429: {""},
		500: {"Internal error encountered."},
	} {
		for _, message := range known {
			err := operations["import"](t.Context(), newGoogle(t, refuse(status, message)).client(t))
			if err == nil || errors.Is(err, firebase.ErrUnknown) {
				t.Errorf("%d %q gives %v", status, message, err)
			}
		}
	}
	g := newGoogle(t, answer(`{"error":[{"message":"SOMETHING_NEW"},{"index":1,"message":"email is invalid"}]}`))
	failures, err := g.client(t).Import(t.Context(), make([]firebase.ImportUser, 2))
	if err != nil || !errors.Is(failures[0].Err, firebase.ErrUnknown) || errors.Is(failures[1].Err, firebase.ErrUnknown) {
		t.Errorf("rows give %v, %v", failures, err)
	}
}
