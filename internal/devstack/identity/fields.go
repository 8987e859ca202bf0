package identity

import (
	"fmt"
	"maps"
	"net/http"
)

type treatment int

const (
	honoured treatment = iota
	ignored
	refused
)

type fieldRule struct {
	treatment treatment
	why       string    // of an ignored field
	err       *apiError // of a refused field
	row       string    // an import row's error
}

// fieldRules maps JSON names. Other names are unknown to the API.
type fieldRules map[string]fieldRule

func honour(names ...string) fieldRules {
	return ruled(fieldRule{treatment: honoured}, names)
}

func ignore(why string, names ...string) fieldRules {
	return ruled(fieldRule{treatment: ignored, why: why}, names)
}

func reject(err *apiError, names ...string) fieldRules {
	return ruled(fieldRule{treatment: refused, err: err}, names)
}

func rejectRow(message string, names ...string) fieldRules {
	return ruled(fieldRule{treatment: refused, row: message}, names)
}

func rejectUnserved(names ...string) fieldRules {
	list := fieldRules{}
	for _, name := range names {
		list[name] = fieldRule{treatment: refused, err: unserved(name)}
	}
	return list
}

func unserved(what string) *apiError {
	return &apiError{
		code: http.StatusNotImplemented, status: "NOT_IMPLEMENTED", reason: "unimplemented",
		message: what + " is not part of the development provider.",
	}
}

func ruled(rule fieldRule, names []string) fieldRules {
	list := fieldRules{}
	for _, name := range names {
		list[name] = rule
	}
	return list
}

func fields(parts ...fieldRules) fieldRules {
	all := fieldRules{}
	for _, part := range parts {
		for name := range part {
			if _, twice := all[name]; twice {
				panic(fmt.Sprintf("identity: the field %s has two rules", name))
			}
		}
		maps.Copy(all, part)
	}
	return all
}

const (
	whyAbuse     = "it serves Firebase's protection against abuse, which a development provider does not have"
	whyDelegated = "it names another project in Google's billing"
	whyAlways    = "tokens are always returned, as by the official emulator"
	whyMobile    = "links lead to the provider's own page, whichever app asks, as at the official emulator"
	whyOutput    = "Identity Toolkit documents it as output only"
	whyNew       = "an import sets it anew, as the official emulator does"
	whyOtherHash = "it is a parameter of hash algorithms that are refused"
	whySessionID = "it belongs to createAuthUri, which is not served"
	whyOldCode   = "Secure Token documents it as deprecated and ignored"
	whyOwnName   = "the path names the configuration"
)

var errSMSFactor = refuse("OPERATION_NOT_ALLOWED : SMS based MFA not enabled.")

// requestFields lists every field of every operation; nested messages are by path. read refuses unlisted fields and drops ignored ones.
var requestFields = map[string]fieldRules{
	"signUp": fields(
		honour("email", "password", "displayName", "photoUrl", "phoneNumber", "emailVerified", "disabled", "localId", "idToken", "targetProjectId"),
		ignore(whyAlways, "returnSecureToken"),
		ignore(whyAbuse, "captchaChallenge", "captchaResponse", "clientType", "instanceId", "recaptchaVersion"),
		reject(errSMSFactor, "mfaInfo"), reject(errTenant, "tenantId"),
	),
	"signInWithPassword": fields(
		honour("email", "password"),
		ignore(whyAlways, "returnSecureToken"),
		ignore(whyAbuse, "captchaChallenge", "captchaResponse", "clientType", "instanceId", "recaptchaVersion"),
		ignore(whyDelegated, "delegatedProjectNumber"),
		rejectUnserved("idToken", "pendingIdToken"), reject(errTenant, "tenantId"),
	),
	"signInWithCustomToken": fields(
		honour("token"),
		ignore(whyAlways, "returnSecureToken"), ignore(whyAbuse, "instanceId"), ignore(whyDelegated, "delegatedProjectNumber"),
		reject(errTenant, "tenantId"),
	),
	"signInWithEmailLink": fields(
		honour("email", "oobCode", "idToken"),
		reject(errTenant, "tenantId"),
	),
	"signInWithIdp": fields(
		honour("requestUri", "postBody", "idToken", "returnIdpCredential", "autoCreate"),
		ignore(whyAlways, "returnSecureToken"), ignore(whySessionID, "sessionId"), ignore(whyDelegated, "delegatedProjectNumber"),
		rejectUnserved("pendingIdToken", "pendingToken", "returnRefreshToken"), reject(errTenant, "tenantId"),
	),
	"lookup": fields(
		honour("idToken", "localId", "email", "phoneNumber", "initialEmail", "federatedUserId", "targetProjectId"),
		ignore(whyDelegated, "delegatedProjectNumber"),
		reject(errTenant, "tenantId"),
	),
	"lookup.federatedUserId": honour("providerId", "rawId"),
	"update": fields(
		honour("idToken", "oobCode", "localId", "email", "password", "displayName", "photoUrl", "phoneNumber", "emailVerified",
			"disableUser", "customAttributes", "validSince", "createdAt", "lastLoginAt", "deleteAttribute", "deleteProvider",
			"linkProviderUserInfo", "mfa", "returnSecureToken", "targetProjectId"),
		ignore(whyAbuse, "captchaChallenge", "captchaResponse", "instanceId"), ignore(whyDelegated, "delegatedProjectNumber"),
		rejectUnserved("provider", "upgradeToFederatedLogin"), reject(errTenant, "tenantId"),
	),
	"update.linkProviderUserInfo": providerFields,
	"update.mfa":                  honour("enrollments"),
	"update.mfa.enrollments": fields(
		honour("mfaEnrollmentId", "displayName", "enrolledAt", "totpInfo"),
		reject(errSMSFactor, "phoneInfo", "unobfuscatedPhoneInfo", "emailInfo"),
	),
	"delete": fields(
		honour("localId", "idToken", "targetProjectId"),
		ignore(whyDelegated, "delegatedProjectNumber"),
		reject(errTenant, "tenantId"),
	),
	"batchDelete": fields(honour("localIds", "force"), reject(errTenant, "tenantId")),
	"batchCreate": fields(
		honour("users", "allowOverwrite", "sanityCheck", "hashAlgorithm", "signerKey", "saltSeparator", "rounds", "memoryCost"),
		ignore(whyOtherHash, "argon2Parameters", "blockSize", "cpuMemCost", "dkLen", "parallelization", "passwordHashOrder"),
		ignore(whyDelegated, "delegatedProjectNumber"),
		reject(errTenant, "tenantId"),
	),
	"batchCreate.users": fields(
		honour("localId", "email", "initialEmail", "emailVerified", "displayName", "photoUrl", "phoneNumber", "passwordHash", "salt",
			"rawPassword", "customAttributes", "disabled", "createdAt", "lastLoginAt", "providerUserInfo"),
		ignore(whyOutput, "customAuth", "dateOfBirth", "emailLinkSignin", "language", "screenName", "timeZone"),
		ignore(whyNew, "lastRefreshAt", "passwordUpdatedAt", "validSince", "version"),
		rejectRow("Second factor not supported.", "mfaInfo"),
		rejectRow("Tenant id in userInfo does not match the tenant id in request.", "tenantId"),
	),
	"batchCreate.users.providerUserInfo": providerFields,
	"query": fields(
		honour("expression", "limit", "offset", "order", "sortBy", "returnUserInfo"),
		reject(errTenant, "tenantId"),
	),
	"query.expression": honour("email", "phoneNumber", "userId"),
	"sendOobCode": fields(
		honour("requestType", "email", "newEmail", "idToken", "continueUrl", "returnOobLink", "targetProjectId"),
		ignore(whyAbuse, "captchaResp", "challenge", "clientType", "recaptchaVersion", "userIp"),
		ignore(whyMobile, "androidInstallApp", "androidMinimumVersion", "androidPackageName", "canHandleCodeInApp", "dynamicLinkDomain",
			"iOSAppStoreId", "iOSBundleId", "linkDomain"),
		reject(errTenant, "tenantId"),
	),
	"resetPassword": fields(
		honour("oobCode", "newPassword"),
		rejectUnserved("email", "oldPassword"), reject(errTenant, "tenantId"),
	),
	"mfaEnrollment:start": fields(
		honour("idToken", "totpEnrollmentInfo"),
		reject(errSMSFactor, "phoneEnrollmentInfo"), reject(errTenant, "tenantId"),
	),
	"mfaEnrollment:start.totpEnrollmentInfo": {},
	"mfaEnrollment:finalize": fields(
		honour("idToken", "displayName", "totpVerificationInfo"),
		reject(errSMSFactor, "phoneVerificationInfo"), reject(errTenant, "tenantId"),
	),
	"mfaEnrollment:finalize.totpVerificationInfo": honour("sessionInfo", "verificationCode"),
	"mfaEnrollment:withdraw":                      fields(honour("idToken", "mfaEnrollmentId"), reject(errTenant, "tenantId")),
	"mfaSignIn:finalize": fields(
		honour("mfaPendingCredential", "mfaEnrollmentId", "totpVerificationInfo"),
		reject(errSMSFactor, "phoneVerificationInfo"), reject(errTenant, "tenantId"),
	),
	"mfaSignIn:finalize.totpVerificationInfo": honour("verificationCode"),
	"updateConfig": fields(
		honour("signIn", "emailPrivacyConfig"),
		ignore(whyOwnName, "name"),
		rejectUnserved("authorizedDomains", "autodeleteAnonymousUsers", "blockingFunctions", "client", "defaultHostingSite", "mfa",
			"mobileLinksConfig", "monitoring", "multiTenant", "notification", "passwordPolicyConfig", "quota", "recaptchaConfig",
			"smsRegionConfig", "subtype"),
	),
	"updateConfig.signIn":             fields(honour("allowDuplicateEmails"), rejectUnserved("anonymous", "email", "hashConfig", "phoneNumber")),
	"updateConfig.emailPrivacyConfig": honour("enableImprovedEmailPrivacy"),
	"token":                           fields(honour("grantType", "refreshToken"), ignore(whyOldCode, "code")),
}

var providerFields = honour("providerId", "rawId", "federatedId", "email", "displayName", "photoUrl", "phoneNumber", "screenName")

type enum struct {
	name   string
	values []string
}

// enums maps field names, which have one type in all messages.
var enums = map[string]enum{
	"requestType": {"google.cloud.identitytoolkit.v1.OobReqType", []string{
		"OOB_REQ_TYPE_UNSPECIFIED", requestPasswordReset, "OLD_EMAIL_AGREE", "NEW_EMAIL_ACCEPT", requestVerifyEmail, requestRecoverEmail,
		requestEmailSignIn, requestChangeEmail, "REVERT_SECOND_FACTOR_ADDITION",
	}},
	"deleteAttribute": {"google.cloud.identitytoolkit.v1.SetAccountInfoRequest.UserAttributeName", []string{
		"USER_ATTRIBUTE_NAME_UNSPECIFIED", "EMAIL", "DISPLAY_NAME", "PROVIDER", "PHOTO_URL", "PASSWORD", "RAW_USER_INFO",
	}},
	"order": {"google.cloud.identitytoolkit.v1.QueryUserInfoRequest.Order", []string{"ORDER_UNSPECIFIED", "ASC", "DESC"}},
	"sortBy": {"google.cloud.identitytoolkit.v1.QueryUserInfoRequest.SortByField", []string{
		"SORT_BY_FIELD_UNSPECIFIED", "USER_ID", "NAME", "CREATED_AT", "LAST_LOGIN_AT", "USER_EMAIL",
	}},
	"clientType": {"google.cloud.identitytoolkit.v1.ClientType", []string{
		"CLIENT_TYPE_UNSPECIFIED", "CLIENT_TYPE_WEB", "CLIENT_TYPE_ANDROID", "CLIENT_TYPE_IOS",
	}},
	"recaptchaVersion": {"google.cloud.identitytoolkit.v1.RecaptchaVersion", []string{
		"RECAPTCHA_VERSION_UNSPECIFIED", "RECAPTCHA_ENTERPRISE",
	}},
	"passwordHashOrder": {"google.cloud.identitytoolkit.v1.UploadAccountRequest.PasswordHashOrder", []string{
		"UNSPECIFIED_ORDER", "SALT_AND_PASSWORD", "PASSWORD_AND_SALT",
	}},
}
