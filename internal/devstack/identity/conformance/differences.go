package conformance

// Difference is a known deviation from Firebase.
type Difference struct {
	// Emulator is the official emulator's result. Empty: Firebase's.
	Emulator string
	// Ours is our result. Empty: Firebase's.
	Ours string
	// Why gives the reason and the consequence.
	Why string
}

// Differences lists all deviations by behaviour.
var Differences = map[string]Difference{
	"edge: enumeration protection of a new project": {
		Emulator: `{"enableImprovedEmailPrivacy":false}`,
		Why:      "projects made since September 2023 have it on; the emulator has it off until its configuration is PATCHed",
	},
	"edge: an unknown field": {
		Emulator: "200",
		Why:      "Google refuses names that the API does not know; the emulator ignores them, so a typing error passes there",
	},
	"signUp: e-mail without a domain's dot": {
		Emulator: "200",
		Why:      "the emulator asks for one @ and nothing else",
	},
	"signIn: right password": {
		Emulator: "200 email,expiresIn,idToken,kind,localId,refreshToken,registered",
		Why:      "Firebase always sends displayName, empty where there is none",
	},
	"signIn: many wrong passwords lock the address for the right one": {
		Emulator: "200",
		Why:      "the emulator never throttles; ours does when Options.MaxFailures says so",
	},
	"lookup: own account": {
		Emulator: "createdAt,email,emailVerified,lastLoginAt,lastRefreshAt,localId,passwordHash,passwordUpdatedAt,providerUserInfo,salt,validSince",
		Why:      "the emulator shows users their salt",
	},
	"lookup: a user sees REDACTED for the own hash": {
		Emulator: "false",
		Why:      "the emulator's redactPasswordHash does nothing",
	},
	"lookup: the hash hides the password": {
		Emulator: "false",
		Why:      "the emulator's hash is \"fakeHash:salt=...:password=<the password>\"",
	},
	"lookup: unsigned token": {
		Emulator: "200",
		Why:      "the emulator checks no signature and issues unsigned tokens itself: the reason for a provider of our own",
	},
	"update: returnSecureToken gives new tokens after any change": {
		Emulator: "false",
		Why:      "the reference says that it does; the emulator gives tokens only when the change revokes the old ones",
	},
	"update: own e-mail needs a mail first": {
		Emulator: "200",
		Why:      "with enumeration protection Firebase changes an address only by VERIFY_AND_CHANGE_EMAIL; the emulator does it at once",
	},
	"refresh: how a refusal is built": {
		Emulator: "400 code,errors,message domain,message,reason",
		Why:      "Secure Token answers a status and no errors list; the emulator uses one shape for both services",
	},
	"refresh: of a deleted user": {
		Emulator: "400 INVALID_REFRESH_TOKEN",
		Why:      "the reference lists USER_NOT_FOUND for it",
	},
	"refresh: after a revocation": {
		Emulator: "200",
		Why:      "the emulator does not look at validSince when a token is refreshed: its revoked sessions live on",
	},
	"refresh: after a change of password": {
		Emulator: "200",
		Why:      "the same",
	},
	"reset: ends the sessions before it": {
		Emulator: "200",
		Why:      "the same",
	},
	"refresh: auth_time stays the session's": {
		Emulator: "false",
		Why:      "the emulator takes auth_time from the user's last login, whichever session that was",
	},
	"token: header": {
		Emulator: "none alg,typ",
		Why:      "the emulator does not sign",
	},
	"import: the right password signs in": {
		Emulator: "400 INVALID_LOGIN_CREDENTIALS",
		Why:      "the emulator knows only its own fake hash, so nobody who was imported can sign in",
	},
	"import: the imported hash is not exported": {
		Emulator: "false",
		Why:      "Firebase gives a hash back only after it has replaced it by its own, at the first sign-in",
	},
	"import: a hash that is none refuses the request": {
		Emulator: "200",
		Why:      "the emulator does not look at hashes",
	},
	"import: a hash that is no base64": {
		Emulator: "200",
		Why:      "the same",
	},
	"import: a refused request imports no account": {
		Emulator: "imported [11111111-2222-4333-8444-555555555555,a]",
		Why:      "the same",
	},
	"import: an unknown hash algorithm": {
		Emulator: "200",
		Why:      "the same",
	},
	"import: no hash algorithm": {
		Emulator: "200",
		Why:      "the same",
	},
	"import: 1,001 users": {
		Emulator: "200",
		Why:      "the emulator has no limit",
	},
	"export: shows hash, salt and version": {
		Emulator: "true true <nil>",
		Why:      "firebase-tools exports hashes of version 0 only; the emulator does not send the version",
	},
	"export: an imported hash is not shown": {
		Emulator: "true false <nil>",
		Why:      "Firebase gives a hash back only after it has replaced it by its own, at the first sign-in",
	},
	"export: an imported password is shown after its first sign-in": {
		Emulator: "true false <nil>",
		Why:      "no imported user can sign in at the emulator",
	},
	"export: the fields of an imported account": {
		Emulator: "createdAt,customAttributes,disabled,displayName,email,emailVerified,lastLoginAt,localId,passwordHash,passwordUpdatedAt,phoneNumber," +
			"photoUrl,providerUserInfo,validSince",
		Why: "the emulator shows the imported hash",
	},
	"config: the parameters of hashes": {
		Emulator: "0 ",
		Why:      "the emulator's hashes have none",
	},
	"import: an existing e-mail, without sanityCheck": {
		Emulator: "200 [0: ((Auth Emulator does not support importing duplicate email: jane@example.com))]",
		Ours:     "200 [0: email exists in other account in database]",
		Why:      "without the check Firebase lets two accounts hold one address; neither provider here can, and no import of ours is sent without it (M1)",
	},
	"signUp: a phone as second factor, in a project for TOTP": {
		Emulator: "200",
		Why:      "the emulator knows text messages as second factors, in every project",
	},
	"adminUpdate: a phone as second factor, in a project for TOTP": {
		Emulator: "200",
		Why:      "the same",
	},
	"idp: autoCreate false makes no account": {
		Emulator: "200",
		Why:      "the emulator does not look at it; the JavaScript SDK sends it when a user signs in again",
	},
	"idp: a SAML provider that the project has not": {
		Emulator: "200",
		Why:      "the emulator takes any provider; SAML is not part of ours",
	},
	"import: an identity by its federatedId alone": {
		Emulator: "200 [0: ((Parsing federatedId is not implemented in Auth Emulator; please specify providerId AND rawId as a workaround.))]",
		Ours:     "200 [0: federatedId alone is not part of the development provider: give providerId and rawId]",
		Why:      "Google does not document how it is read; both providers say so in the row",
	},
	"query: by e-mail in another case": {
		Emulator: "501 NOT_IMPLEMENTED",
		Why:      "the emulator knows no expressions",
	},
	"query: by phone": {
		Emulator: "501 NOT_IMPLEMENTED",
		Why:      "the same",
	},
	"query: by uid, and only by the first expression": {
		Emulator: "501 NOT_IMPLEMENTED",
		Why:      "the same",
	},
	"query: of an expression's fields only the first counts": {
		Emulator: "501 NOT_IMPLEMENTED",
		Why:      "the same",
	},
	"query: a page": {
		Emulator: "501 NOT_IMPLEMENTED",
		Why:      "the emulator always returns all accounts",
	},
	"query: a page behind the end": {
		Emulator: "501 NOT_IMPLEMENTED",
		Why:      "the same",
	},
	"query: by name": {
		Emulator: "501 NOT_IMPLEMENTED",
		Why:      "the emulator sorts by uid only",
	},
	"query: by e-mail address": {
		Emulator: "501 NOT_IMPLEMENTED",
		Why:      "the same",
	},
	"custom: an unsigned token": {
		Emulator: "200",
		Ours:     "200",
		Why:      "Firebase takes only what a service account of the project signed; neither provider here knows one, and the Admin SDKs sign nothing for them",
	},
	"custom: an expired token": {
		Emulator: "200",
		Why:      "the emulator does not look at the times of a custom token",
	},
	"factor: starting a TOTP enrolment": {
		Emulator: "400 INVALID_ARGUMENT",
		Why:      "the emulator knows text messages as second factors and no TOTP",
	},
	"factor: a right password is asked for it": {
		Emulator: "400 INVALID_ARGUMENT",
		Why:      "the same",
	},
	"factor: a wrong password is not": {
		Emulator: "400 INVALID_ARGUMENT",
		Why:      "the same",
	},
	"factor: the code signs in, and the token says so": {
		Emulator: "400 INVALID_ARGUMENT",
		Why:      "the same",
	},
	"factor: a refresh keeps it": {
		Emulator: "400 INVALID_ARGUMENT",
		Why:      "the same",
	},
	"factor: a code is good once": {
		Emulator: "400 INVALID_ARGUMENT",
		Why:      "the same",
	},
	"factor: a wrong code": {
		Emulator: "400 INVALID_ARGUMENT",
		Why:      "the same",
	},
	"factor: not a pending sign-in": {
		Emulator: "400 INVALID_ARGUMENT",
		Why:      "the same",
	},
	"factor: not one of the account's": {
		Emulator: "400 INVALID_ARGUMENT",
		Why:      "the same",
	},
	"factor: a pending sign-in is no session": {
		Emulator: "400 INVALID_ARGUMENT",
		Why:      "the same",
	},
}
