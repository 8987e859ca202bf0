package conformance

import "fmt"

var mailBehaviours = []behaviour{
	{"mail: reset", "200 email,kind", func(s subject) string {
		s.signUp(jane)
		return s.client("sendOobCode", object{"requestType": "PASSWORD_RESET", "email": jane}).shape()
	}},
	{"mail: reset of an unknown address is answered alike", "200 email,kind", func(s subject) string {
		return s.client("sendOobCode", object{"requestType": "PASSWORD_RESET", "email": jane}).shape()
	}},
	{"mail: reset of an unknown address, enumeration protection off", "400 EMAIL_NOT_FOUND", func(s subject) string {
		s.protect(false)
		return s.client("sendOobCode", object{"requestType": "PASSWORD_RESET", "email": jane}).outcome()
	}},
	{"mail: kind missing", "400 MISSING_REQ_TYPE", func(s subject) string { return s.client("sendOobCode", object{}).outcome() }},
	{"mail: kind unknown", "400 INVALID_ARGUMENT", func(s subject) string {
		return s.client("sendOobCode", object{"requestType": "NONSENSE"}).outcome()
	}},
	{"mail: address missing", "400 MISSING_EMAIL", func(s subject) string {
		return s.client("sendOobCode", object{"requestType": "PASSWORD_RESET"}).outcome()
	}},
	{"mail: only an admin may have the link", "400 INSUFFICIENT_PERMISSION", func(s subject) string {
		s.signUp(jane)
		return s.client("sendOobCode", object{"requestType": "PASSWORD_RESET", "email": jane, "returnOobLink": true}).outcome()
	}},
	{"mail: the link for an admin", "200 email,kind,oobCode,oobLink", func(s subject) string {
		s.signUp(jane)
		return s.admin(":sendOobCode", object{"requestType": "PASSWORD_RESET", "email": jane, "returnOobLink": true}).shape()
	}},
	{"mail: continue URL malformed", "400 INVALID_CONTINUE_URI", func(s subject) string {
		s.signUp(jane)
		return s.client("sendOobCode", object{"requestType": "PASSWORD_RESET", "email": jane, "continueUrl": "nonsense"}).outcome()
	}},
	{"mail: verification link for an unknown address", "400 USER_NOT_FOUND", func(s subject) string {
		return s.admin(":sendOobCode", object{"requestType": "VERIFY_EMAIL", "email": jane, "returnOobLink": true}).outcome()
	}},
	{"mail: verification without a token", "400 INVALID_ID_TOKEN", func(s subject) string {
		return s.client("sendOobCode", object{"requestType": "VERIFY_EMAIL"}).outcome()
	}},
	{"mail: sign-in link", "200 email,kind", func(s subject) string {
		return s.client("sendOobCode", object{"requestType": "EMAIL_SIGNIN", "email": jane}).shape()
	}},
	{"reset: the code says whose it is", "200 email,kind,requestType", func(s subject) string {
		s.signUp(jane)
		return s.client("resetPassword", object{"oobCode": s.resetCode()}).shape()
	}},
	{"reset: sets the password", "200, 400 INVALID_LOGIN_CREDENTIALS, 200", func(s subject) string {
		s.signUp(jane)
		reset := s.client("resetPassword", object{"oobCode": s.resetCode(), "newPassword": "secret-2"})
		return reset.outcome() + ", " + s.signIn(jane, secret).outcome() + ", " + s.signIn(jane, "secret-2").outcome()
	}},
	{"reset: proves the address", "true", func(s subject) string {
		up := s.signUp(jane)
		s.client("resetPassword", object{"oobCode": s.resetCode(), "newPassword": "secret-2"}).must()
		return fmt.Sprint(s.user(up.text("localId"))["emailVerified"])
	}},
	{"reset: the code is good once", "400 INVALID_OOB_CODE", func(s subject) string {
		s.signUp(jane)
		code := s.resetCode()
		s.client("resetPassword", object{"oobCode": code, "newPassword": "secret-2"}).must()
		return s.client("resetPassword", object{"oobCode": code, "newPassword": "secret-3"}).outcome()
	}},
	{"reset: a weak password leaves the code good", "400 WEAK_PASSWORD, 200", func(s subject) string {
		s.signUp(jane)
		code := s.resetCode()
		weak := s.client("resetPassword", object{"oobCode": code, "newPassword": "12345"})
		return weak.outcome() + ", " + s.client("resetPassword", object{"oobCode": code, "newPassword": "secret-2"}).outcome()
	}},
	{"reset: no code", "400 MISSING_OOB_CODE", func(s subject) string { return s.client("resetPassword", object{}).outcome() }},
	{"reset: not a code", "400 INVALID_OOB_CODE", func(s subject) string {
		return s.client("resetPassword", object{"oobCode": "nonsense"}).outcome()
	}},
	{"reset: a verification's code", "400 INVALID_OOB_CODE", func(s subject) string {
		up := s.signUp(jane)
		code := s.sendCode(object{"requestType": "VERIFY_EMAIL", "idToken": up.text("idToken")})
		return s.client("resetPassword", object{"oobCode": code, "newPassword": "secret-2"}).outcome()
	}},
	{"reset: ends the sessions before it", "400 TOKEN_EXPIRED", func(s subject) string {
		up := s.signUp(jane)
		s.client("resetPassword", object{"oobCode": s.resetCode(), "newPassword": "secret-2"}).must()
		return s.refresh(up.text("refreshToken")).outcome()
	}},
	{"verify: the code verifies the address", "200 true", func(s subject) string {
		up := s.signUp(jane)
		code := s.sendCode(object{"requestType": "VERIFY_EMAIL", "idToken": up.text("idToken")})
		verified := s.client("update", object{"oobCode": code})
		return fmt.Sprint(verified.outcome(), " ", s.user(up.text("localId"))["emailVerified"])
	}},
	{"verify: the code is good once", "400 INVALID_OOB_CODE", func(s subject) string {
		up := s.signUp(jane)
		code := s.sendCode(object{"requestType": "VERIFY_EMAIL", "idToken": up.text("idToken")})
		s.client("update", object{"oobCode": code}).must()
		return s.client("update", object{"oobCode": code}).outcome()
	}},
	{"change: the code moves the address and verifies it", `["new@example.com",true]`, func(s subject) string {
		up := s.signUp(jane)
		code := s.sendCode(object{
			"requestType": "VERIFY_AND_CHANGE_EMAIL", "idToken": up.text("idToken"), "newEmail": "new@example.com",
		})
		s.client("update", object{"oobCode": code}).must()
		u := s.user(up.text("localId"))
		return jsonText([]any{u["email"], u["emailVerified"]})
	}},
	{"recover: the old address can take the account back", `["jane@example.com",true]`, func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane}).must()
		s.admin(":update", object{"localId": uid, "email": "thief@example.com"}).must()
		s.client("update", object{"oobCode": s.newestCode()}).must()
		u := s.user(uid)
		return jsonText([]any{u["email"], u["emailVerified"]})
	}},
	{"change: to another's address", "400 EMAIL_EXISTS", func(s subject) string {
		s.signUp(john)
		up := s.signUp(jane)
		return s.client("sendOobCode", object{
			"requestType": "VERIFY_AND_CHANGE_EMAIL", "idToken": up.text("idToken"), "newEmail": john,
		}).outcome()
	}},
}

func (s subject) resetCode() string {
	s.t.Helper()
	return s.sendCode(object{"requestType": "PASSWORD_RESET", "email": jane})
}
