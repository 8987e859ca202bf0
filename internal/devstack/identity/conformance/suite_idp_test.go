package conformance

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// idp uses the emulator's JSON ID token.
func (s subject) idp(providerID string, claims object, more ...object) reply {
	s.t.Helper()
	body := object{
		"requestUri": "http://localhost", "postBody": credential(providerID, claims), "returnSecureToken": true, "returnIdpCredential": true,
	}
	for _, fields := range more {
		for name, value := range fields {
			body[name] = value
		}
	}
	return s.client("signInWithIdp", body)
}

func credential(providerID string, claims object) string {
	encoded, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return url.Values{"providerId": {providerID}, "id_token": {string(encoded)}}.Encode()
}

const google = "google.com"

var idpSuite = []behaviour{
	{
		"idp: a new identity gets an account",
		"200 context,email,emailVerified,expiresIn,federatedId,idToken,isNewUser,kind,localId,oauthAccessToken,oauthIdToken,providerId,rawUserInfo,refreshToken",
		func(s subject) string { return s.idp(google, object{"sub": "7", "email": jane}).shape() },
	},
	{"idp: Google's identities have a name of their own", `["https://accounts.google.com/7","google.com",true]`, func(s subject) string {
		r := s.idp(google, object{"sub": "7", "email": jane, "email_verified": true}).must()
		return jsonText([]any{r.body["federatedId"], r.body["providerId"], r.body["emailVerified"]})
	}},
	{"idp: Google's profile", "email,granted_scopes,id,locale,verified_email 7 true", func(s subject) string {
		var raw object
		if err := json.Unmarshal([]byte(s.idp(google, object{"sub": "7", "email": jane, "email_verified": true}).must().text("rawUserInfo")), &raw); err != nil {
			return err.Error()
		}
		return fmt.Sprint(names(raw), " ", raw["id"], " ", raw["verified_email"])
	}},
	{"idp: another provider's profile is its claims", `7 7 {"sub":"7"}`, func(s subject) string {
		r := s.idp("apple.com", object{"sub": "7"}).must()
		linked, _ := s.user(r.text("localId"))["providerUserInfo"].([]any)
		return fmt.Sprint(r.body["federatedId"], " ", linked[0].(object)["rawId"], " ", r.body["rawUserInfo"])
	}},
	{
		"idp: the token names the provider and the identities", `{"identities":{"email":["jane@example.com"],"google.com":["7"]},"sign_in_provider":"google.com"}`,
		func(s subject) string {
			return jsonText(s.claims(s.idp(google, object{"sub": "7", "email": jane}).must().text("idToken"))["firebase"])
		},
	},
	{"idp: the session can be refreshed", "google.com", func(s subject) string {
		r := s.refresh(s.idp(google, object{"sub": "7"}).must().text("refreshToken")).must()
		firebase, _ := s.claims(r.text("id_token"))["firebase"].(object)
		return fmt.Sprint(firebase["sign_in_provider"])
	}},
	{"idp: an unsigned JWT for the claims", "200 7", func(s subject) string {
		body := url.Values{"providerId": {"apple.com"}, "id_token": {customToken(object{"sub": "7"})}}.Encode()
		r := s.client("signInWithIdp", object{"requestUri": "http://localhost", "postBody": body})
		return fmt.Sprint(r.outcome(), " ", r.body["federatedId"])
	}},
	{"idp: everything in requestUri", "200 google.com", func(s subject) string {
		r := s.client("signInWithIdp", object{"requestUri": "http://localhost?" + credential(google, object{"sub": "7"})})
		return fmt.Sprint(r.outcome(), " ", r.body["providerId"])
	}},
	{"idp: everything in requestUri's fragment", "200 google.com", func(s subject) string {
		r := s.client("signInWithIdp", object{"requestUri": "http://localhost#" + credential(google, object{"sub": "7"})})
		return fmt.Sprint(r.outcome(), " ", r.body["providerId"])
	}},
	{"idp: the profile is the account's", `["Jane","http://localhost/j.png","jd"]`, func(s subject) string {
		r := s.idp(google, object{"sub": "7", "name": "Jane", "picture": "http://localhost/j.png", "screen_name": "jd"}).must()
		u := s.user(r.text("localId"))
		return jsonText([]any{u["displayName"], u["photoUrl"], u["screenName"]})
	}},
	{"idp: an account is a provider's subject", "true false false", func(s subject) string {
		one := s.idp(google, object{"sub": "7"}).must().text("localId")
		again := s.idp(google, object{"sub": "7"}).must().text("localId")
		subject := s.idp(google, object{"sub": "8"}).must().text("localId")
		provider := s.idp("apple.com", object{"sub": "7"}).must().text("localId")
		return fmt.Sprint(one == again, " ", one == subject, " ", one == provider)
	}},
	{"idp: a known subject with another address keeps the account's", "jane@example.com", func(s subject) string {
		s.idp(google, object{"sub": "7", "email": jane}).must()
		return fmt.Sprint(s.user(s.idp(google, object{"sub": "7", "email": john}).must().text("localId"))["email"])
	}},
	{"idp: of a disabled user", "400 USER_DISABLED", func(s subject) string {
		r := s.idp(google, object{"sub": "7"}).must()
		s.admin(":update", object{"localId": r.text("localId"), "disableUser": true}).must()
		return s.idp(google, object{"sub": "7"}).outcome()
	}},
	{"idp: a verified address takes an unverified account, without its password and its name", `[true,null,["google.com"]], 400 INVALID_LOGIN_CREDENTIALS`, func(s subject) string {
		up := s.client("signUp", object{"email": jane, "password": secret, "displayName": "Stranger"}).must()
		s.idp(google, object{"sub": "7", "email": jane, "email_verified": true}).must()
		u := s.user(up.text("localId"))
		return jsonText([]any{u["emailVerified"], u["displayName"], json.RawMessage(providers(u))}) + ", " + s.signIn(jane, secret).outcome()
	}},
	{"idp: a verified address joins a verified account, with its password", `["google.com","password"], 200`, func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane, "password": secret, "emailVerified": true}).must()
		s.idp(google, object{"sub": "7", "email": jane, "email_verified": true}).must()
		return providers(s.user(uid)) + ", " + s.signIn(jane, secret).outcome()
	}},
	{"idp: an unverified address of another account needs its confirmation", `[true,true,["facebook.com"],null,null]`, func(s subject) string {
		owner := s.idp("facebook.com", object{"sub": "7", "email": jane, "name": "Jane"}).must()
		r := s.idp(google, object{"sub": "7", "email": jane, "name": "Foo"}).must()
		return jsonText([]any{
			r.body["needConfirmation"], r.body["localId"] == owner.body["localId"], r.body["verifiedProvider"], r.body["idToken"], r.body["refreshToken"],
		})
	}},
	{"idp: an account that waits for confirmation is not changed", `"Jane" ["facebook.com"]`, func(s subject) string {
		owner := s.idp("facebook.com", object{"sub": "7", "email": jane, "name": "Jane"}).must()
		s.idp(google, object{"sub": "7", "email": jane, "name": "Foo"}).must()
		u := s.user(owner.text("localId"))
		return jsonText(u["displayName"]) + " " + providers(u)
	}},
	{"idp: an address that has gone to another subject", "true", func(s subject) string {
		s.idp(google, object{"sub": "7", "email": jane, "email_verified": true}).must()
		return fmt.Sprint(s.idp(google, object{"sub": "8", "email": jane, "email_verified": true}).must().body["emailRecycled"])
	}},
	{"idp: no requestUri", "400 MISSING_REQUEST_URI", func(s subject) string {
		return s.client("signInWithIdp", object{"postBody": credential(google, object{"sub": "7"})}).outcome()
	}},
	{"idp: requestUri is no URL", "400 INVALID_REQUEST_URI", func(s subject) string {
		return s.idp(google, object{"sub": "7"}, object{"requestUri": "nonsense"}).outcome()
	}},
	{"idp: no provider", "400 INVALID_CREDENTIAL_OR_PROVIDER_ID", func(s subject) string {
		return s.idp("", object{"sub": "7"}).outcome()
	}},
	{"idp: no subject", "400 INVALID_IDP_RESPONSE", func(s subject) string { return s.idp(google, object{}).outcome() }},
	{"idp: a subject that is no text", "400 INVALID_IDP_RESPONSE", func(s subject) string {
		return s.idp(google, object{"sub": 7}).outcome()
	}},
	{"idp: an id_token that is none", "400 INVALID_IDP_RESPONSE", func(s subject) string {
		return s.idp(google, nil, object{"postBody": "providerId=google.com&id_token=nonsense"}).outcome()
	}},
	{"idp: an account links an identity", `true null ["google.com","password"] google.com`, func(s subject) string {
		up := s.signUp(jane)
		r := s.idp(google, object{"sub": "7"}, object{"idToken": up.text("idToken")}).must()
		firebase, _ := s.claims(r.text("idToken"))["firebase"].(object)
		return fmt.Sprint(r.body["localId"] == up.body["localId"], " ", jsonText(r.body["isNewUser"]), " ", providers(s.user(up.text("localId"))), " ",
			firebase["sign_in_provider"])
	}},
	{"idp: a link gives an account without an address the identity's", `["jane@example.com",false]`, func(s subject) string {
		up := s.client("signUp", object{}).must()
		s.idp(google, object{"sub": "7", "email": jane}, object{"idToken": up.text("idToken")}).must()
		u := s.user(up.text("localId"))
		return jsonText([]any{u["email"], u["emailVerified"]})
	}},
	{"idp: a link verifies the address that both have", "true", func(s subject) string {
		up := s.signUp(jane)
		s.idp(google, object{"sub": "7", "email": jane, "email_verified": true}, object{"idToken": up.text("idToken")}).must()
		return fmt.Sprint(s.user(up.text("localId"))["emailVerified"])
	}},
	{"idp: a disabled user links nothing", "400 USER_DISABLED", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "disableUser": true}).must()
		return s.idp(google, object{"sub": "7"}, object{"idToken": up.text("idToken")}).outcome()
	}},
	{"idp: a link of a linked identity is told with the credential", `[200,"FEDERATED_USER_ID_ALREADY_LINKED",true,null]`, func(s subject) string {
		one := s.idp(google, object{"sub": "7"}).must()
		r := s.idp(google, object{"sub": "7"}, object{"idToken": one.text("idToken")})
		return jsonText([]any{r.status, r.body["errorMessage"], r.body["oauthIdToken"] != nil, r.body["refreshToken"]})
	}},
	{"idp: a link of another account's identity", `400 FEDERATED_USER_ID_ALREADY_LINKED, ["password"]`, func(s subject) string {
		s.idp(google, object{"sub": "7"}).must()
		up := s.signUp(jane)
		r := s.idp(google, object{"sub": "7"}, object{"idToken": up.text("idToken"), "returnIdpCredential": false})
		return r.outcome() + ", " + providers(s.user(up.text("localId")))
	}},
	{"idp: a link of another account's address", "400 EMAIL_EXISTS", func(s subject) string {
		s.signUp(jane)
		up := s.client("signUp", object{}).must()
		return s.idp(google, object{"sub": "7", "email": jane}, object{"idToken": up.text("idToken"), "returnIdpCredential": false}).outcome()
	}},
	{"idp: a second factor is asked for, and the identity is linked already", "true true null, true", func(s subject) string {
		s.withFactor()
		r := s.idp(google, object{"sub": "7", "email": jane, "email_verified": true}).must()
		return fmt.Sprint(r.body["mfaPendingCredential"] != nil, " ", r.body["mfaInfo"] != nil, " ", jsonText(r.body["idToken"]), ", ",
			providers(s.user(uid)) == `["google.com","password"]`)
	}},
	{"idp: autoCreate false makes no account", "400 EMAIL_NOT_FOUND", func(s subject) string {
		return s.idp(google, object{"sub": "7"}, object{"autoCreate": false}).outcome()
	}},
	{"idp: a SAML provider that the project has not", "400 OPERATION_NOT_ALLOWED", func(s subject) string {
		return s.idp("saml.example", object{"sub": "7"}).outcome()
	}},
}
