package identity

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/api/identitytoolkit/v1"
	admin "google.golang.org/api/identitytoolkit/v2"
)

// googles are Google's generated messages.
var googles = map[string]any{
	"signUp":                             identitytoolkit.GoogleCloudIdentitytoolkitV1SignUpRequest{},
	"signInWithPassword":                 identitytoolkit.GoogleCloudIdentitytoolkitV1SignInWithPasswordRequest{},
	"signInWithCustomToken":              identitytoolkit.GoogleCloudIdentitytoolkitV1SignInWithCustomTokenRequest{},
	"signInWithEmailLink":                identitytoolkit.GoogleCloudIdentitytoolkitV1SignInWithEmailLinkRequest{},
	"signInWithIdp":                      identitytoolkit.GoogleCloudIdentitytoolkitV1SignInWithIdpRequest{},
	"lookup":                             identitytoolkit.GoogleCloudIdentitytoolkitV1GetAccountInfoRequest{},
	"lookup.federatedUserId":             identitytoolkit.GoogleCloudIdentitytoolkitV1FederatedUserIdentifier{},
	"update":                             identitytoolkit.GoogleCloudIdentitytoolkitV1SetAccountInfoRequest{},
	"update.linkProviderUserInfo":        identitytoolkit.GoogleCloudIdentitytoolkitV1ProviderUserInfo{},
	"update.mfa":                         identitytoolkit.GoogleCloudIdentitytoolkitV1MfaInfo{},
	"update.mfa.enrollments":             identitytoolkit.GoogleCloudIdentitytoolkitV1MfaEnrollment{},
	"delete":                             identitytoolkit.GoogleCloudIdentitytoolkitV1DeleteAccountRequest{},
	"batchDelete":                        identitytoolkit.GoogleCloudIdentitytoolkitV1BatchDeleteAccountsRequest{},
	"batchCreate":                        identitytoolkit.GoogleCloudIdentitytoolkitV1UploadAccountRequest{},
	"batchCreate.users":                  identitytoolkit.GoogleCloudIdentitytoolkitV1UserInfo{},
	"batchCreate.users.providerUserInfo": identitytoolkit.GoogleCloudIdentitytoolkitV1ProviderUserInfo{},
	"query":                              identitytoolkit.GoogleCloudIdentitytoolkitV1QueryUserInfoRequest{},
	"query.expression":                   identitytoolkit.GoogleCloudIdentitytoolkitV1SqlExpression{},
	"sendOobCode":                        identitytoolkit.GoogleCloudIdentitytoolkitV1GetOobCodeRequest{},
	"resetPassword":                      identitytoolkit.GoogleCloudIdentitytoolkitV1ResetPasswordRequest{},

	"mfaEnrollment:start":                         admin.GoogleCloudIdentitytoolkitV2StartMfaEnrollmentRequest{},
	"mfaEnrollment:start.totpEnrollmentInfo":      admin.GoogleCloudIdentitytoolkitV2StartMfaTotpEnrollmentRequestInfo{},
	"mfaEnrollment:finalize":                      admin.GoogleCloudIdentitytoolkitV2FinalizeMfaEnrollmentRequest{},
	"mfaEnrollment:finalize.totpVerificationInfo": admin.GoogleCloudIdentitytoolkitV2FinalizeMfaTotpEnrollmentRequestInfo{},
	"mfaEnrollment:withdraw":                      admin.GoogleCloudIdentitytoolkitV2WithdrawMfaRequest{},
	"mfaSignIn:finalize":                          admin.GoogleCloudIdentitytoolkitV2FinalizeMfaSignInRequest{},
	"mfaSignIn:finalize.totpVerificationInfo":     admin.GoogleCloudIdentitytoolkitV2MfaTotpSignInRequestInfo{},
	"updateConfig":                                admin.GoogleCloudIdentitytoolkitAdminV2Config{},
	"updateConfig.signIn":                         admin.GoogleCloudIdentitytoolkitAdminV2SignInConfig{},
	"updateConfig.emailPrivacyConfig":             admin.GoogleCloudIdentitytoolkitAdminV2EmailPrivacyConfig{},

	// Secure Token's reference
	"token": struct {
		GrantType    string `json:"grantType"`
		RefreshToken string `json:"refreshToken"`
		Code         string `json:"code"`
	}{},
}

// undescribed fields are missing in Google's description.
var undescribed = map[string][]string{"signUp": {"returnSecureToken"}}

func TestFields_TableIsGooglesList(t *testing.T) {
	for path, message := range googles {
		want := slices.Sorted(slices.Values(append(jsonNames(reflect.TypeOf(message)), undescribed[path]...)))
		if got := slices.Sorted(maps.Keys(requestFields[path])); !slices.Equal(got, want) {
			t.Errorf("%s: the table has\n  %v\nGoogle's client has\n  %v", path, got, want)
		}
	}
	for path := range requestFields {
		if _, known := googles[path]; !known {
			t.Errorf("%s is in the table and no message of Google's", path)
		}
	}
}

func TestFields_RequestsHoldWhatIsHonoured(t *testing.T) {
	p := newField(t).provider(t)
	checked := map[string]bool{}
	for _, operation := range slices.Concat(p.clientOperations(), p.adminOperations()) {
		if _, listed := requestFields[operation.name]; listed && !checked[operation.name] {
			checked[operation.name] = true
			holdsHonoured(t, operation.name, operation.request)
		}
	}
}

func holdsHonoured(t *testing.T, path string, message reflect.Type) {
	t.Helper()
	var want []string
	for name, rule := range requestFields[path] {
		if name != "targetProjectId" && (rule.treatment == honoured || rule.row != "") {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(jsonNames(message))); !slices.Equal(got, want) {
		t.Errorf("%s: the request type holds\n  %v\nthe table honours\n  %v", path, got, want)
	}
	for field := range message.Fields() {
		name := jsonName(field)
		if _, nested := requestFields[path+"."+name]; nested {
			holdsHonoured(t, path+"."+name, messageOf(field.Type))
		}
	}
}

func messageOf(kind reflect.Type) reflect.Type {
	for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice {
		kind = kind.Elem()
	}
	return kind
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

func jsonNames(message reflect.Type) []string {
	var names []string
	for field := range message.Fields() {
		if name := jsonName(field); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}
