package conformance

import (
	"fmt"
)

func (s subject) openLink(email, oobCode, idToken string) reply {
	s.t.Helper()
	body := object{"email": email, "oobCode": oobCode}
	if idToken != "" {
		body["idToken"] = idToken
	}
	return s.client("signInWithEmailLink", body)
}

func (s subject) signInCode(email string) string {
	s.t.Helper()
	return s.sendCode(object{"requestType": "EMAIL_SIGNIN", "email": email})
}

var emailLinkSuite = []behaviour{
	{"emailLink: a new address gets an account", "200 email,expiresIn,idToken,isNewUser,kind,localId,refreshToken true", func(s subject) string {
		r := s.openLink(jane, s.signInCode(jane), "")
		return fmt.Sprint(r.shape(), " ", r.body["isNewUser"])
	}},
	{"emailLink: the token is a password's, of a verified address", `["password",true,null]`, func(s subject) string {
		claims := s.claims(s.openLink(jane, s.signInCode(jane), "").must().text("idToken"))
		firebase, _ := claims["firebase"].(object)
		return jsonText([]any{firebase["sign_in_provider"], claims["email_verified"], claims["provider_id"]})
	}},
	{"emailLink: the session can be refreshed", "200", func(s subject) string {
		return s.refresh(s.openLink(jane, s.signInCode(jane), "").must().text("refreshToken")).outcome()
	}},
	{"emailLink: the account shows it, and its provider is the password's", `[true,["password"]]`, func(s subject) string {
		u := s.user(s.openLink(jane, s.signInCode(jane), "").must().text("localId"))
		list, _ := u["providerUserInfo"].([]any)
		ids := []any{}
		for _, entry := range list {
			ids = append(ids, entry.(object)["providerId"])
		}
		return jsonText([]any{u["emailLinkSignin"], ids})
	}},
	{"emailLink: an existing account keeps its uid and its password", "true false true, 200", func(s subject) string {
		up := s.signUp(jane)
		r := s.openLink(jane, s.signInCode(jane), "").must()
		return fmt.Sprint(r.body["localId"] == up.body["localId"], " ", r.body["isNewUser"], " ", s.user(up.text("localId"))["emailLinkSignin"], ", ",
			s.signIn(jane, secret).outcome())
	}},
	{"emailLink: the address in another case", "200", func(s subject) string {
		return s.openLink("JANE@example.com", s.signInCode(jane), "").outcome()
	}},
	{"emailLink: not a code", "400 INVALID_OOB_CODE", func(s subject) string { return s.openLink(jane, "nonsense", "").outcome() }},
	{"emailLink: a reset's code", "400 INVALID_OOB_CODE", func(s subject) string {
		s.signUp(jane)
		return s.openLink(jane, s.resetCode(), "").outcome()
	}},
	{"emailLink: the code is good once", "400 INVALID_OOB_CODE", func(s subject) string {
		code := s.signInCode(jane)
		s.openLink(jane, code, "").must()
		return s.openLink(jane, code, "").outcome()
	}},
	{"emailLink: another address", "400 INVALID_EMAIL, 200", func(s subject) string {
		code := s.signInCode(jane)
		return s.openLink(john, code, "").outcome() + ", " + s.openLink(jane, code, "").outcome()
	}},
	{"emailLink: no address", "400 MISSING_EMAIL", func(s subject) string {
		return s.client("signInWithEmailLink", object{"oobCode": s.signInCode(jane)}).outcome()
	}},
	{"emailLink: no code", "400 MISSING_OOB_CODE", func(s subject) string {
		return s.client("signInWithEmailLink", object{"email": jane}).outcome()
	}},
	{"emailLink: of a disabled user", "400 USER_DISABLED", func(s subject) string {
		up := s.signUp(jane)
		code := s.signInCode(jane)
		s.admin(":update", object{"localId": up.text("localId"), "disableUser": true}).must()
		return s.openLink(jane, code, "").outcome()
	}},
	{"emailLink: an account takes a new address", "true john@example.com true", func(s subject) string {
		up := s.signUp(jane)
		r := s.openLink(john, s.signInCode(john), up.text("idToken")).must()
		u := s.user(up.text("localId"))
		return fmt.Sprint(r.body["localId"] == up.body["localId"], " ", u["email"], " ", u["emailVerified"])
	}},
	{"emailLink: an anonymous account takes an address", "true jane@example.com password", func(s subject) string {
		up := s.client("signUp", object{}).must()
		r := s.openLink(jane, s.signInCode(jane), up.text("idToken")).must()
		firebase, _ := s.claims(r.text("idToken"))["firebase"].(object)
		return fmt.Sprint(r.body["localId"] == up.body["localId"], " ", r.body["email"], " ", firebase["sign_in_provider"])
	}},
	{"emailLink: an address that another account has", "400 EMAIL_EXISTS", func(s subject) string {
		s.signUp(jane)
		up := s.client("signUp", object{}).must()
		return s.openLink(jane, s.signInCode(jane), up.text("idToken")).outcome()
	}},
	{"emailLink: a disabled user takes no address", "400 USER_DISABLED", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "disableUser": true}).must()
		return s.openLink(john, s.signInCode(john), up.text("idToken")).outcome()
	}},
	{"emailLink: a second factor is asked for", "200 email,isNewUser,kind,localId,mfaInfo,mfaPendingCredential", func(s subject) string {
		s.withFactor()
		return s.openLink(jane, s.signInCode(jane), "").shape()
	}},
}
