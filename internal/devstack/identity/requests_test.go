package identity_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
)

func TestBody_IsRefusedInGooglesWords(t *testing.T) {
	s := serve(t, identity.Options{})
	for body, want := range map[string]string{
		`{"requestType":99}`:                   `Invalid value at 'request_type' (type.googleapis.com/google.cloud.identitytoolkit.v1.OobReqType), 99`,
		`{"requestType":"NONSENSE"}`:           `Invalid value at 'request_type' (type.googleapis.com/google.cloud.identitytoolkit.v1.OobReqType), "NONSENSE"`,
		`{"requestType":{}}`:                   `Invalid value at 'request_type' (type.googleapis.com/google.cloud.identitytoolkit.v1.OobReqType), {}`,
		`{"email":7}`:                          `Invalid value at 'email' (TYPE_STRING), 7`,
		`{"returnOobLink":"yes"}`:              `Invalid value at 'return_oob_link' (TYPE_BOOL), "yes"`,
		`{"favouriteColour":"blue"}`:           `Invalid JSON payload received. Unknown name "favouriteColour": Cannot find field.`,
		`[]`:                                   `Invalid JSON payload received. Unknown name "": Root element must be a message.`,
		`{"email":`:                            `Invalid JSON payload received. Unexpected token.`,
		`{"email":"a@example.com"}{}`:          `Invalid JSON payload received. Parsing terminated before end of input.`,
		`{"requestType":"PASSWORD_RESET"} nix`: `Invalid JSON payload received. Parsing terminated before end of input.`,
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, toolkit+"accounts:sendOobCode?key=any", strings.NewReader(body))
		recorder := httptest.NewRecorder()
		s.Handler().ServeHTTP(recorder, request)
		if recorder.Code != http.StatusBadRequest || !strings.Contains(recorder.Body.String(), jsonText(t, want)) {
			t.Errorf("%s is answered %d %s, want %q", body, recorder.Code, recorder.Body, want)
		}
	}
	nested := s.admin("accounts:batchCreate", object{"users": []object{{"localId": "a"}, {"uid": "b"}}})
	equal(t, "a field inside", nested.message(), `Invalid JSON payload received. Unknown name "uid" at 'users[1]': Cannot find field.`)
	validSince := s.admin("accounts:update", object{"localId": "a", "validSince": "soon"})
	equal(t, "an int64", validSince.message(), `Invalid value at 'valid_since' (TYPE_INT64), "soon"`)
}

func TestDevSignIn_RefusesWhatOnlyTheProviderSets(t *testing.T) {
	s := serve(t, identity.Options{})
	for name, value := range map[string]any{
		"providers": []string{"google.com"}, "createdAt": "2026-01-01T00:00:00Z", "lastLoginAt": "2026-01-01T00:00:00Z", "validSince": "2026-01-01T00:00:00Z",
	} {
		a := s.do("POST", "/dev/signIn", object{"provider": "password", "user": object{"email": "jane@example.com", name: value}}, "")
		equal(t, name, a.status, http.StatusBadRequest)
	}
}

func TestQueryParameters_ATenantIsRefused(t *testing.T) {
	s := serve(t, identity.Options{})
	s.do("GET", "projects/"+project+"/accounts:batchGet?tenantId=t", nil, "Bearer owner").refused("UNSUPPORTED_TENANT_OPERATION")
}

func TestConfig_UpdateMask(t *testing.T) {
	s := serve(t, identity.Options{})
	path := "/identitytoolkit.googleapis.com/v2/projects/" + project + "/config"
	protected := func() any {
		settings, _ := s.do("GET", path, nil, "Bearer owner").ok().body["emailPrivacyConfig"].(object)
		return settings["enableImprovedEmailPrivacy"]
	}
	off := object{"emailPrivacyConfig": object{"enableImprovedEmailPrivacy": false}}
	s.do("PATCH", path+"?updateMask=signIn.allowDuplicateEmails", off, "Bearer owner").ok()
	equal(t, "not in the mask", protected(), any(true))
	s.do("PATCH", path+"?updateMask=emailPrivacyConfig.enableImprovedEmailPrivacy", off, "Bearer owner").ok()
	equal(t, "in the mask", protected(), any(false))
	s.SetEnumerationProtection(true)
	s.do("PATCH", path+"?updateMask=emailPrivacyConfig", object{}, "Bearer owner").ok()
	equal(t, "in the mask and not in the request", protected(), any(false))
	equal(t, "a setting that is not served", s.do("PATCH", path+"?updateMask=mfa", object{}, "Bearer owner").status, http.StatusNotImplemented)
}

func TestUpdate_AClientsValidSinceRevokes(t *testing.T) {
	now := newClock()
	s := serve(t, identity.Options{Clock: now.Now})
	up := s.signUp("jane@example.com")
	now.Advance(2 * time.Second)
	next := s.client("accounts:update", object{"idToken": up.text("idToken"), "validSince": "0"}).ok()
	s.client("accounts:lookup", object{"idToken": up.text("idToken")}).refused("TOKEN_EXPIRED")
	s.refresh(up.text("refreshToken")).refused("TOKEN_EXPIRED")
	s.client("accounts:lookup", object{"idToken": next.text("idToken")}).ok()
	s.refresh(next.text("refreshToken")).ok()
}

func TestUpdate_OnlyAnAdminChangesSecondFactors(t *testing.T) {
	s := serve(t, identity.Options{})
	up := s.signUp("jane@example.com")
	factor, _, err := s.EnrollTOTP(up.text("localId"), "app")
	if err != nil {
		t.Fatal(err)
	}
	s.client("accounts:update", object{"idToken": up.text("idToken"), "mfa": object{}}).refused("INSUFFICIENT_PERMISSION")
	change := func(enrollments ...object) answer {
		return s.admin("accounts:update", object{"localId": up.text("localId"), "mfa": object{"enrollments": enrollments}})
	}
	known := object{"mfaEnrollmentId": factor, "totpInfo": object{}}
	change(object{"totpInfo": object{}}).refused("INVALID_MFA_ENROLLMENT_ID")
	change(known, known).refused("DUPLICATE_MFA_ENROLLMENT_ID")
	change(object{"mfaEnrollmentId": "another", "totpInfo": object{}}).refused("MFA_ENROLLMENT_NOT_FOUND")
	change(object{"mfaEnrollmentId": factor}).refused("INVALID_ARGUMENT")
	change(known).ok()
	pending := s.signIn("jane@example.com", "secret-1").ok().text("mfaPendingCredential")
	if pending == "" {
		t.Error("the factor is gone")
	}
	change().ok()
	s.signIn("jane@example.com", "secret-1").ok().text("idToken")
}

func TestEmailLink_OpensTheAppAndExpires(t *testing.T) {
	now := newClock()
	s := serve(t, identity.Options{Clock: now.Now})
	s.client("accounts:sendOobCode", object{"requestType": "EMAIL_SIGNIN", "email": "jane@example.com", "continueUrl": "http://app.example/in?a=1"}).ok()
	mail := s.Mails()[0]
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(mail.Link)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	equal(t, "status", response.StatusCode, http.StatusSeeOther)
	app, err := url.Parse(response.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "app", app.Host+app.Path, "app.example/in")
	equal(t, "its own parameter", app.Query().Get("a"), "1")
	equal(t, "code", app.Query().Get("oobCode"), mail.Code)
	equal(t, "mode", app.Query().Get("mode"), "signIn")
	now.Advance(time.Hour)
	s.client("accounts:signInWithEmailLink", object{"email": "jane@example.com", "oobCode": mail.Code}).refused("EXPIRED_OOB_CODE")
}

func TestIDP_TheSecondFactorKeepsTheFirstOnesName(t *testing.T) {
	now := newClock()
	s := serve(t, identity.Options{Clock: now.Now})
	in := object{"requestUri": "http://localhost", "postBody": `providerId=google.com&id_token={"sub":"7"}`}
	uid := s.client("accounts:signInWithIdp", in).ok().text("localId")
	factor, secret, err := s.EnrollTOTP(uid, "app")
	if err != nil {
		t.Fatal(err)
	}
	code, err := identity.TOTP(secret, now.Now())
	if err != nil {
		t.Fatal(err)
	}
	done := s.do("POST", "/identitytoolkit.googleapis.com/v2/accounts/mfaSignIn:finalize?key=any", object{
		"mfaPendingCredential": s.client("accounts:signInWithIdp", in).ok().text("mfaPendingCredential"), "mfaEnrollmentId": factor,
		"totpVerificationInfo": object{"verificationCode": code},
	}, "").ok()
	firebase, _ := verified(t, s, done.text("idToken"))["firebase"].(object)
	equal(t, "sign_in_provider", firebase["sign_in_provider"], any("google.com"))
}

func TestMails_AreInTheOrderOfSending(t *testing.T) {
	now := newClock()
	opts := identity.Options{Clock: now.Now, SnapshotPath: filepath.Join(t.TempDir(), "snapshot.json")}
	s := serve(t, opts)
	var want []string
	for number := range 8 {
		want = append(want, fmt.Sprintf("%d@example.com", number))
		s.client("accounts:sendOobCode", object{"requestType": "EMAIL_SIGNIN", "email": want[number]}).ok()
	}
	equal(t, "recipients", recipients(s), want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "recipients in the next run", recipients(serve(t, opts)), want)
}

func recipients(s served) []string {
	var list []string
	for _, mail := range s.Mails() {
		list = append(list, mail.Email)
	}
	return list
}
