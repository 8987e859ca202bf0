package conformance

import (
	"fmt"
	"strings"
)

// future invalidates every token at once.
const future = "4000000000"

var updateBehaviours = []behaviour{
	{
		"update: display name and photo", "200 displayName,email,emailVerified,kind,localId,passwordHash,photoUrl,providerUserInfo",
		func(s subject) string {
			return s.client("update", object{
				"idToken": s.signUp(jane).text("idToken"), "displayName": "Jane", "photoUrl": "http://example.com/j.png",
			}).shape()
		},
	},
	{"update: returnSecureToken gives new tokens after any change", "true", func(s subject) string {
		up := s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "displayName": "Jane", "returnSecureToken": true})
		return fmt.Sprint(up.must().body["idToken"] != nil)
	}},
	{"update: own password gives new tokens", "true true", func(s subject) string {
		up := s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "password": "secret-2", "returnSecureToken": true}).must()
		return fmt.Sprint(up.body["idToken"] != nil, " ", up.body["refreshToken"] != nil)
	}},
	{"update: the old password is gone", "400 INVALID_LOGIN_CREDENTIALS, 200", func(s subject) string {
		s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "password": "secret-2"}).must()
		return s.signIn(jane, secret).outcome() + ", " + s.signIn(jane, "secret-2").outcome()
	}},
	{"update: weak password", "400 WEAK_PASSWORD", func(s subject) string {
		return s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "password": "12345"}).outcome()
	}},
	{"update: another's e-mail", "400 EMAIL_EXISTS", func(s subject) string {
		s.signUp(john)
		return s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "email": john}).outcome()
	}},
	{"update: malformed e-mail", "400 INVALID_EMAIL", func(s subject) string {
		return s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "email": "jane"}).outcome()
	}},
	{"update: own e-mail needs a mail first", "400 OPERATION_NOT_ALLOWED", func(s subject) string {
		return s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "email": "new@example.com"}).outcome()
	}},
	{"update: own e-mail, enumeration protection off", "200 new@example.com false", func(s subject) string {
		s.protect(false)
		up := s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "email": "new@example.com"})
		return fmt.Sprint(up.outcome(), " ", up.body["email"], " ", up.body["emailVerified"])
	}},
	{"update: the same e-mail changes nothing", "200 jane@example.com", func(s subject) string {
		up := s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "email": "JANE@example.com"})
		return fmt.Sprint(up.outcome(), " ", up.body["email"])
	}},
	{"update: a client cannot verify itself", "false", func(s subject) string {
		up := s.signUp(jane)
		s.client("update", object{"idToken": up.text("idToken"), "emailVerified": true}).must()
		return fmt.Sprint(s.user(up.text("localId"))["emailVerified"])
	}},
	{"update: a client cannot set claims", "400 INSUFFICIENT_PERMISSION", func(s subject) string {
		return s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "customAttributes": `{"a":1}`}).outcome()
	}},
	{"update: a client cannot disable itself", "400 OPERATION_NOT_ALLOWED", func(s subject) string {
		return s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "disableUser": true}).outcome()
	}},
	{"update: neither token nor code", "400 INVALID_REQ_TYPE", func(s subject) string {
		return s.client("update", object{"displayName": "Jane"}).outcome()
	}},
	{"update: delete the display name", "null", func(s subject) string {
		up := s.client("signUp", object{"email": jane, "password": secret, "displayName": "Jane"}).must()
		s.client("update", object{"idToken": up.text("idToken"), "deleteAttribute": []string{"DISPLAY_NAME"}}).must()
		return jsonText(s.user(up.text("localId"))["displayName"])
	}},
	{"update: delete the password provider", "null null", func(s subject) string {
		up := s.signUp(jane)
		s.client("update", object{"idToken": up.text("idToken"), "deleteProvider": []string{"password"}}).must()
		u := s.user(up.text("localId"))
		return jsonText(u["email"]) + " " + jsonText(u["passwordHash"])
	}},
	{"update: not a token", "400 INVALID_ID_TOKEN", func(s subject) string {
		return s.client("update", object{"idToken": "nonsense", "displayName": "Jane"}).outcome()
	}},
}

var adminUpdateBehaviours = []behaviour{
	{
		"adminUpdate: answers the account, without tokens", "200 email,emailVerified,kind,localId,passwordHash,providerUserInfo",
		func(s subject) string {
			return s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "emailVerified": true}).shape()
		},
	},
	{"adminUpdate: no uid", "400 MISSING_LOCAL_ID", func(s subject) string { return s.admin(":update", object{}).outcome() }},
	{"adminUpdate: unknown uid", "400 USER_NOT_FOUND", func(s subject) string {
		return s.admin(":update", object{"localId": "nobody", "displayName": "x"}).outcome()
	}},
	{"adminUpdate: e-mail, not verified by it", `["new@example.com",false]`, func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane, "emailVerified": true}).must()
		s.admin(":update", object{"localId": uid, "email": "New@example.com"}).must()
		u := s.user(uid)
		return jsonText([]any{u["email"], u["emailVerified"]})
	}},
	{"adminUpdate: e-mail and verified together", `["new@example.com",true]`, func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane}).must()
		s.admin(":update", object{"localId": uid, "email": "new@example.com", "emailVerified": true}).must()
		u := s.user(uid)
		return jsonText([]any{u["email"], u["emailVerified"]})
	}},
	{"adminUpdate: another's e-mail", "400 EMAIL_EXISTS", func(s subject) string {
		s.signUp(john)
		return s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "email": john}).outcome()
	}},
	{"adminUpdate: another's phone", "400 PHONE_NUMBER_EXISTS", func(s subject) string {
		s.admin("", object{"phoneNumber": "+15555550100"}).must()
		return s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "phoneNumber": "+15555550100"}).outcome()
	}},
	{"adminUpdate: password", "200", func(s subject) string {
		s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "password": "secret-2"}).must()
		return s.signIn(jane, "secret-2").outcome()
	}},
	{"adminUpdate: weak password", "400 WEAK_PASSWORD", func(s subject) string {
		return s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "password": "12345"}).outcome()
	}},
	{"adminUpdate: validSince is kept", future, func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "validSince": future}).must()
		return fmt.Sprint(s.user(up.text("localId"))["validSince"])
	}},
	{"adminUpdate: numbers are taken for strings", "1000", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "validSince": 1000}).must()
		return fmt.Sprint(s.user(up.text("localId"))["validSince"])
	}},
	{"adminUpdate: claims are kept as they are written", `{"role":"admin"}`, func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "customAttributes": `{"role":"admin"}`}).must()
		return fmt.Sprint(s.user(up.text("localId"))["customAttributes"])
	}},
	{"adminUpdate: reserved claim", "400 FORBIDDEN_CLAIM", func(s subject) string {
		return s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "customAttributes": `{"sub":"x"}`}).outcome()
	}},
	{"adminUpdate: claims that are no object", "400 INVALID_CLAIMS", func(s subject) string {
		return s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "customAttributes": `[1]`}).outcome()
	}},
	{"adminUpdate: claims that are no JSON", "400 INVALID_CLAIMS", func(s subject) string {
		return s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "customAttributes": `{`}).outcome()
	}},
	{"adminUpdate: claims over 1,000 characters", "400 CLAIMS_TOO_LARGE", func(s subject) string {
		claims := jsonText(object{"a": strings.Repeat("x", 1000)})
		return s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "customAttributes": claims}).outcome()
	}},
	{"adminUpdate: link a provider", `["google.com","password"]`, func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{
			"localId": up.text("localId"), "linkProviderUserInfo": object{"providerId": "google.com", "rawId": "42"},
		}).must()
		return providers(s.user(up.text("localId")))
	}},
	{"adminUpdate: unlink a provider", `["password"]`, func(s subject) string {
		up := s.signUp(jane)
		link := object{"providerId": "google.com", "rawId": "42"}
		s.admin(":update", object{"localId": up.text("localId"), "linkProviderUserInfo": link}).must()
		s.admin(":update", object{"localId": up.text("localId"), "deleteProvider": []string{"google.com"}}).must()
		return providers(s.user(up.text("localId")))
	}},
	{"adminUpdate: link without an id", "400 MISSING_RAW_ID", func(s subject) string {
		link := object{"providerId": "google.com"}
		return s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "linkProviderUserInfo": link}).outcome()
	}},
	{"adminUpdate: delete the phone", "null", func(s subject) string {
		s.admin("", object{"localId": uid, "phoneNumber": "+15555550100"}).must()
		s.admin(":update", object{"localId": uid, "deleteProvider": []string{"phone"}}).must()
		return jsonText(s.user(uid)["phoneNumber"])
	}},
}
