package firebase_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
)

type sent struct {
	path string
	body map[string]any
}

func recording(t *testing.T, body string) (*google, *sent) {
	t.Helper()
	last := &sent{}
	return newGoogle(t, func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		last.path, last.body = r.URL.Path, nil
		if err := json.Unmarshal(content, &last.body); err != nil {
			t.Errorf("sent %q: %v", content, err)
		}
		answer(body)(w, r)
	}), last
}

// M1.
func TestImport_OnTheWire(t *testing.T) {
	created := time.Date(2021, 2, 3, 4, 5, 6, 7_000_000, time.UTC)
	full := firebase.ImportUser{
		UID: "uid-1", Email: email, EmailVerified: true, DisplayName: "Jane", PasswordHash: bcryptHash, Disabled: true,
		CreatedAt: created, LastLoginAt: created.Add(time.Hour),
	}
	for tenant, path := range map[string]string{
		"":    "/identitytoolkit.googleapis.com/v1/projects/demo-test/accounts:batchCreate",
		"t-1": "/identitytoolkit.googleapis.com/v1/projects/demo-test/tenants/t-1/accounts:batchCreate",
	} {
		g, last := recording(t, `{}`)
		client := g.client(t, func(o *firebase.Options) { o.Tenant = tenant })
		failures, err := client.Import(t.Context(), []firebase.ImportUser{full, {UID: "uid-2"}})
		if err != nil || len(failures) != 0 || g.calls.Load() != 1 {
			t.Fatalf("%d requests, %v, %v; want one and neither", g.calls.Load(), failures, err)
		}
		want := map[string]any{
			"hashAlgorithm": "BCRYPT", "allowOverwrite": false, "sanityCheck": true,
			"users": []any{
				map[string]any{
					"localId": "uid-1", "email": email, "emailVerified": true, "displayName": "Jane", "disabled": true,
					"passwordHash": base64.URLEncoding.EncodeToString([]byte(bcryptHash)),
					"createdAt":    "1612325106007", "lastLoginAt": "1612328706007",
				},
				map[string]any{"localId": "uid-2"},
			},
		}
		if last.path != path || !reflect.DeepEqual(last.body, want) {
			t.Errorf("sent to %s\n  %v\nwant\n  %v", last.path, last.body, want)
		}
	}
}

func TestImport_RowsInOurWords(t *testing.T) {
	g := newGoogle(t, answer(`{"error":[
		{"message":"localId belongs to an existing account - can not overwrite."},
		{"index":1,"message":"email exists in other account in database"},
		{"index":2,"message":"email is invalid"},
		{"index":3,"message":"something about `+email+`"},
		{"index":4,"message":"SOMETHING_NEW : `+email+`"}]}`))
	failures, err := g.client(t).Import(t.Context(), make([]firebase.ImportUser, 6))
	want := []error{
		firebase.ErrUIDExists, firebase.ErrEmailExists, firebase.ErrInvalidUser, firebase.ErrNotImported, firebase.ErrNotImported,
	}
	if err != nil || len(failures) != len(want) {
		t.Fatalf("got %v, %v", failures, err)
	}
	for i, failure := range failures {
		if failure.Index != i || !errors.Is(failure.Err, want[i]) {
			t.Errorf("row %d is %d: %v, want %v", i, failure.Index, failure.Err, want[i])
		}
		holdsNoSecret(t, failure.Err)
	}
	if !strings.Contains(failures[4].Err.Error(), "SOMETHING_NEW") {
		t.Errorf("the operator is not told the code: %v", failures[4].Err)
	}
}

func TestImport_AnAnswerAboutAnotherBatch(t *testing.T) {
	for _, body := range []string{`{"error":[{"index":1,"message":"email is invalid"}]}`, `{"error":[{"index":-1}]}`, `<html>`} {
		_, err := newGoogle(t, answer(body)).client(t).Import(t.Context(), []firebase.ImportUser{{UID: "uid-1"}})
		if !errors.Is(err, firebase.ErrUnreachable) {
			t.Errorf("%s gives %v", body, err)
		}
	}
}

func TestImport_NobodyOrTooMany(t *testing.T) {
	g := newGoogle(t, answer(`{}`))
	if failures, err := g.client(t).Import(t.Context(), nil); err != nil || failures != nil {
		t.Errorf("nobody gives %v, %v", failures, err)
	}
	if _, err := g.client(t).Import(t.Context(), make([]firebase.ImportUser, firebase.MaxImport+1)); err == nil {
		t.Error("1,001 at once are accepted")
	}
	if g.calls.Load() != 0 {
		t.Errorf("%d requests, want none", g.calls.Load())
	}
}

func TestUser_Fields(t *testing.T) {
	g := newGoogle(t, answer(`{"users":[{"localId":"uid-of-jane","email":"`+email+`","emailVerified":true,"disabled":true,
		"displayName":"Jane Doe","photoUrl":"https://example.com/jane.png","phoneNumber":"+15555550100","createdAt":"1612325106000",
		"passwordUpdatedAt":1612325106007,"mfaInfo":[{"mfaEnrollmentId":"f","somethingNew":{}}],
		"providerUserInfo":[{"providerId":"google.com"},{"providerId":"password"}]}]}`))
	want := firebase.User{
		UID: "uid-of-jane", Email: email, EmailVerified: true, Disabled: true, HasPassword: true,
		Providers: []string{"google.com", "password"}, PasswordUpdatedAt: time.Date(2021, 2, 3, 4, 5, 6, 7_000_000, time.UTC),
		DisplayName: "Jane Doe", PhotoURL: "https://example.com/jane.png", Phone: "+15555550100",
		CreatedAt: time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC),
	}
	for _, lookUp := range []func() (firebase.User, error){
		func() (firebase.User, error) { return g.client(t).User(t.Context(), "uid-of-jane") },
		func() (firebase.User, error) { return g.client(t).UserByEmail(t.Context(), strings.ToUpper(email)) },
	} {
		if got, err := lookUp(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}
	for what, err := range map[string]error{
		"another uid":     second(g.client(t).User(t.Context(), "uid-of-john")),
		"another address": second(g.client(t).UserByEmail(t.Context(), "john@example.com")),
		"no uid":          second(g.client(t).User(t.Context(), "")),
		"no address":      second(g.client(t).UserByEmail(t.Context(), "nonsense")),
	} {
		if !errors.Is(err, firebase.ErrUserNotFound) {
			t.Errorf("%s gives %v", what, err)
		}
	}
}

func TestSetDisabled_SaysFalse(t *testing.T) {
	g, last := recording(t, `{"localId":"uid-of-jane"}`)
	if err := g.client(t).SetDisabled(t.Context(), "uid-of-jane", false); err != nil {
		t.Fatal(err)
	}
	if want := map[string]any{"localId": "uid-of-jane", "disableUser": false}; !reflect.DeepEqual(last.body, want) {
		t.Errorf("sent %v, want %v", last.body, want)
	}
}

// S1.
func TestSetEmail_IsUnproved(t *testing.T) {
	g, last := recording(t, `{"localId":"uid-of-jane"}`)
	if err := g.client(t).SetEmail(t.Context(), "uid-of-jane", "jane.doe@example.com"); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"localId": "uid-of-jane", "email": "jane.doe@example.com", "emailVerified": false}
	if !reflect.DeepEqual(last.body, want) {
		t.Errorf("sent %v, want %v", last.body, want)
	}
	if err := g.client(t).SetEmail(t.Context(), "uid-of-jane", "nonsense"); !errors.Is(err, firebase.ErrInvalidUser) || g.calls.Load() != 1 {
		t.Errorf("no address: %d requests, %v; want none more", g.calls.Load(), err)
	}
}

// M6.
func TestDisplace_OneCall(t *testing.T) {
	g, last := recording(t, everything)
	if err := g.client(t).Displace(t.Context(), "uid-of-jane", "gone@displaced.invalid"); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"localId": "uid-of-jane", "disableUser": true, "email": "gone@displaced.invalid"}
	if !reflect.DeepEqual(last.body, want) || g.calls.Load() != 2 {
		t.Errorf("sent %v as request %d, want %v as the second", last.body, g.calls.Load(), want)
	}
	for name, account := range map[string]string{
		"verified":      `"emailVerified":true,"providerUserInfo":[{"providerId":"password"}]`,
		"with Google":   `"providerUserInfo":[{"providerId":"google.com"},{"providerId":"password"}]`,
		"without a way": `"providerUserInfo":[]`,
	} {
		g := newGoogle(t, answer(`{"users":[{"localId":"uid-of-jane","email":"`+email+`",`+account+`}]}`))
		err := g.client(t).Displace(t.Context(), "uid-of-jane", "gone@displaced.invalid")
		if !errors.Is(err, firebase.ErrNotDisplaceable) || g.calls.Load() != 1 {
			t.Errorf("%s: %d requests, %v; want a look-up only", name, g.calls.Load(), err)
		}
	}
}

// M9.
func TestSignInAs_OnTheWire(t *testing.T) {
	g, last := recording(t, everything)
	session, err := g.client(t).SignInAs(t.Context(), "uid-of-jane", nil)
	if err != nil || session.UID != "uid-of-jane" || session.ExpiresIn != time.Hour || session.IDToken != idToken {
		t.Fatalf("got %+v, %v", session, err)
	}
	token, _ := last.body["token"].(string)
	header, claims := segmentOf(t, token, 0), segmentOf(t, token, 1)
	if header["alg"] != "none" || claims["uid"] != "uid-of-jane" || last.body["returnSecureToken"] != true ||
		claims["aud"] != "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit" ||
		claims["exp"].(float64)-claims["iat"].(float64) != 300 {
		t.Errorf("sent %v, %v, %v", last.body, header, claims)
	}
	made := strings.Replace(everything, `{"localId"`, `{"isNewUser":true,"localId"`, 1)
	if session, err := newGoogle(t, answer(made)).client(t).SignInAs(t.Context(), "uid-of-jane", nil); !errors.Is(err, firebase.ErrUserNotFound) ||
		session != (firebase.Session{}) {
		t.Errorf("an account made by the sign-in gives %+v, %v", session, err)
	}
}

func segmentOf(t *testing.T, token string, index int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token has %d parts", len(parts))
	}
	content, err := base64.RawURLEncoding.DecodeString(parts[index])
	var fields map[string]any
	if err == nil {
		err = json.Unmarshal(content, &fields)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestMails_RefuseWhatWouldDoNothing(t *testing.T) {
	g := newGoogle(t, answer(everything))
	client := g.client(t)
	for what, c := range map[string]struct{ got, want error }{
		"no new password": {second(client.ResetPassword(t.Context(), mailCode, "")), firebase.ErrWeakPassword},
		"a short one":     {second(client.ResetPassword(t.Context(), mailCode, "12345")), firebase.ErrWeakPassword},
		"no reset code":   {second(client.ResetPassword(t.Context(), "", password)), firebase.ErrInvalidCode},
		"no mail code":    {second(client.ConfirmEmail(t.Context(), "")), firebase.ErrInvalidCode},
		"no ID token":     {client.SendEmailVerification(t.Context(), ""), firebase.ErrInvalidIDToken},
		"no address":      {client.SendPasswordReset(t.Context(), "nonsense"), firebase.ErrUserNotFound},
		"set a short one": {client.SetPassword(t.Context(), "uid-of-jane", "12345"), firebase.ErrWeakPassword},
		"no factor":       {second(client.FinishSignIn(t.Context(), pending, "", totpCode)), firebase.ErrInvalidCode},
		"no code":         {second(client.FinishSignIn(t.Context(), pending, "f", "")), firebase.ErrInvalidCredentials},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s gives %v, want %v", what, c.got, c.want)
		}
	}
	if g.calls.Load() != 0 {
		t.Errorf("%d requests, want none", g.calls.Load())
	}
}

// A11.
func TestSignIn_SecondFactor(t *testing.T) {
	client := newGoogle(t, answer(`{"localId":"u","email":"`+email+`","mfaPendingCredential":"`+pending+`","mfaInfo":[
		{"mfaEnrollmentId":"f1","displayName":"app","totpInfo":{}},{"mfaEnrollmentId":"f2","phoneInfo":"+*******55"},
		{"mfaEnrollmentId":"f3"}]}`)).client(t)
	_, err := client.SignIn(t.Context(), email, password)
	if !errors.Is(err, firebase.ErrMFARequired) || fault.CodeOf(err) != fault.MFARequired {
		t.Fatalf("got %v, want mfa_required", err)
	}
	holdsNoSecret(t, err)
	var due *firebase.MFAError
	want := firebase.MFAChallenge{PendingCredential: pending, Factors: []firebase.Factor{
		{ID: "f1", Kind: firebase.FactorTOTP, DisplayName: "app"}, {ID: "f2", Kind: firebase.FactorPhone}, {ID: "f3"},
	}}
	if !errors.As(err, &due) || !reflect.DeepEqual(due.Challenge, want) {
		t.Errorf("the challenge is %+v, want %+v", due, want)
	}
}

func TestFinishSignIn_OnTheWire(t *testing.T) {
	g, last := recording(t, `{"idToken":"`+idToken+`","refreshToken":"r"}`)
	session, err := g.client(t).FinishSignIn(t.Context(), pending, "f1", totpCode)
	if want := (firebase.Session{IDToken: idToken, RefreshToken: "r", ExpiresIn: time.Hour, UID: "uid-of-jane"}); err != nil || session != want {
		t.Errorf("got %+v, %v", session, err)
	}
	want := map[string]any{
		"mfaPendingCredential": pending, "mfaEnrollmentId": "f1", "totpVerificationInfo": map[string]any{"verificationCode": totpCode},
	}
	if last.path != "/identitytoolkit.googleapis.com/v2/accounts/mfaSignIn:finalize" || !reflect.DeepEqual(last.body, want) {
		t.Errorf("sent to %s %v", last.path, last.body)
	}
	for _, body := range []string{`{}`, `{"idToken":"x","refreshToken":"r"}`, `{"idToken":"` + idToken + `"}`, `{"idToken":"a.b.c","refreshToken":"r"}`} {
		if session, err := newGoogle(t, answer(body)).client(t).FinishSignIn(t.Context(), pending, "f1", totpCode); !errors.Is(err, firebase.ErrUnreachable) ||
			session != (firebase.Session{}) {
			t.Errorf("%s gives %+v, %v", body, session, err)
		}
	}
}
