package conformance

import "fmt"

var signUpSuite = []behaviour{
	{"signUp: an anonymous user has no name and no photo", "kind null null", func(s subject) string {
		up := s.client("signUp", object{"displayName": "Me", "photoUrl": "http://localhost/me.png"}).must()
		u := s.user(up.text("localId"))
		return namesOf(up.body, "kind", "displayName") + " " + jsonText(u["displayName"]) + " " + jsonText(u["photoUrl"])
	}},
	{"signUp: a client's photo is not kept", `["Me",null]`, func(s subject) string {
		up := s.client("signUp", object{"email": jane, "password": secret, "displayName": "Me", "photoUrl": "http://localhost/me.png"}).must()
		u := s.user(up.text("localId"))
		return jsonText([]any{u["displayName"], u["photoUrl"]})
	}},
	{"signUp: empty e-mail and password", "400 INVALID_EMAIL", func(s subject) string {
		return s.client("signUp", object{"email": "", "password": ""}).outcome()
	}},
	{"signUp: a link without an e-mail", "400 MISSING_EMAIL", func(s subject) string {
		return s.client("signUp", object{"idToken": s.signUp(jane).text("idToken"), "password": secret}).outcome()
	}},
	{"signUp: a link without a password", "400 MISSING_PASSWORD", func(s subject) string {
		return s.client("signUp", object{"idToken": s.signUp(jane).text("idToken"), "email": john}).outcome()
	}},
	{"signUp: a link of a disabled user", "400 USER_DISABLED", func(s subject) string {
		up := s.client("signUp", object{}).must()
		s.admin(":update", object{"localId": up.text("localId"), "disableUser": true}).must()
		return s.client("signUp", object{"idToken": up.text("idToken"), "email": jane, "password": secret}).outcome()
	}},
	{"signUp: a link replaces e-mail and password", "200 true, 400 INVALID_LOGIN_CREDENTIALS, 200", func(s subject) string {
		up := s.signUp(jane)
		link := s.client("signUp", object{"idToken": up.text("idToken"), "email": john, "password": "secret-2"}).must()
		return fmt.Sprint(link.outcome(), " ", link.body["localId"] == up.body["localId"], ", ", s.signIn(jane, secret).outcome(), ", ",
			s.signIn(john, "secret-2").outcome())
	}},
	{"signUp: an address that a federated account has", "400 EMAIL_EXISTS", func(s subject) string {
		s.idp("google.com", object{"sub": "7", "email": jane}).must()
		return s.client("signUp", object{"email": jane, "password": secret}).outcome()
	}},
	{"signUp: a phone as second factor, in a project for TOTP", "400 OPERATION_NOT_ALLOWED", func(s subject) string {
		return s.admin("", object{"email": jane, "emailVerified": true, "mfaInfo": []object{{"phoneInfo": "+15555550100"}}}).outcome()
	}},
}

func namesOf(fields object, wanted ...string) string {
	found := object{}
	for _, name := range wanted {
		if value, has := fields[name]; has {
			found[name] = value
		}
	}
	return names(found)
}
