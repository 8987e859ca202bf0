package conformance

import (
	"fmt"
	"strings"
)

// Google does not publish its limit.
const wrongPasswords = 8

var signUpBehaviours = []behaviour{
	{"signUp: with e-mail and password", "200 email,expiresIn,idToken,kind,localId,refreshToken", func(s subject) string {
		return s.client("signUp", object{"email": jane, "password": secret, "returnSecureToken": true}).shape()
	}},
	{"signUp: display name is kept", "Jane", func(s subject) string {
		up := s.client("signUp", object{"email": jane, "password": secret, "displayName": "Jane"}).must()
		return fmt.Sprint(s.user(up.text("localId"))["displayName"])
	}},
	{"signUp: e-mail is made lower case", jane, func(s subject) string { return s.signUp("Jane@Example.COM").text("email") }},
	{"signUp: uid is 28 letters and digits", "28", func(s subject) string {
		return fmt.Sprint(len(s.signUp(jane).text("localId")))
	}},
	{"signUp: anonymous", "200 expiresIn,idToken,kind,localId,refreshToken", func(s subject) string {
		return s.client("signUp", object{"returnSecureToken": true}).shape()
	}},
	{"signUp: e-mail taken", "400 EMAIL_EXISTS", func(s subject) string {
		s.signUp(jane)
		return s.client("signUp", object{"email": "JANE@example.com", "password": secret}).outcome()
	}},
	{"signUp: e-mail taken is told before a weak password", "400 EMAIL_EXISTS", func(s subject) string {
		s.signUp(jane)
		return s.client("signUp", object{"email": jane, "password": "12345"}).outcome()
	}},
	{"signUp: weak password", "400 WEAK_PASSWORD", func(s subject) string {
		return s.client("signUp", object{"email": jane, "password": "12345"}).outcome()
	}},
	{"signUp: password missing", "400 MISSING_PASSWORD", func(s subject) string {
		return s.client("signUp", object{"email": jane}).outcome()
	}},
	{"signUp: e-mail missing", "400 MISSING_EMAIL", func(s subject) string {
		return s.client("signUp", object{"password": secret}).outcome()
	}},
	{"signUp: e-mail without @", "400 INVALID_EMAIL", func(s subject) string {
		return s.client("signUp", object{"email": "jane", "password": secret}).outcome()
	}},
	{"signUp: e-mail with two @", "400 INVALID_EMAIL", func(s subject) string {
		return s.client("signUp", object{"email": "jane@john@example.com", "password": secret}).outcome()
	}},
	{"signUp: e-mail without a domain's dot", "400 INVALID_EMAIL", func(s subject) string {
		return s.client("signUp", object{"email": "jane@localhost", "password": secret}).outcome()
	}},
	{"signUp: a client cannot choose the uid", "400 UNEXPECTED_PARAMETER", func(s subject) string {
		return s.client("signUp", object{"email": jane, "password": secret, "localId": uid}).outcome()
	}},
	{"signUp: an anonymous user becomes one with a password, same uid", "200 true", func(s subject) string {
		anonymous := s.client("signUp", object{}).must()
		up := s.client("signUp", object{"idToken": anonymous.text("idToken"), "email": jane, "password": secret})
		return fmt.Sprint(up.outcome(), " ", up.must().text("localId") == anonymous.text("localId"))
	}},
	{"signUp: not verified", "false", func(s subject) string {
		return fmt.Sprint(s.user(s.signUp(jane).text("localId"))["emailVerified"])
	}},
}

var adminCreateBehaviours = []behaviour{
	{"create: with a uid, without tokens", "200 displayName,email,kind,localId", func(s subject) string {
		return s.admin("", object{"localId": uid, "email": jane, "password": secret, "displayName": "Jane"}).shape()
	}},
	{"create: by the unscoped form with an admin's credential", uid, func(s subject) string {
		return s.call("POST", toolkit+"accounts:signUp", object{"localId": uid, "email": jane}, "Bearer owner").must().text("localId")
	}},
	{"create: everything an admin may set is kept", `["Jane","+15555550100",true,true]`, func(s subject) string {
		s.admin("", object{
			"localId": uid, "email": jane, "displayName": "Jane", "phoneNumber": "+15555550100", "emailVerified": true, "disabled": true,
		}).must()
		u := s.user(uid)
		return jsonText([]any{u["displayName"], u["phoneNumber"], u["emailVerified"], u["disabled"]})
	}},
	{"create: nothing at all is enough", "200 kind,localId", func(s subject) string { return s.admin("", object{}).shape() }},
	{"create: uid taken", "400 DUPLICATE_LOCAL_ID", func(s subject) string {
		s.admin("", object{"localId": uid}).must()
		return s.admin("", object{"localId": uid}).outcome()
	}},
	{"create: e-mail taken", "400 EMAIL_EXISTS", func(s subject) string {
		s.signUp(jane)
		return s.admin("", object{"localId": uid, "email": jane}).outcome()
	}},
	{"create: uid taken is told before e-mail taken", "400 DUPLICATE_LOCAL_ID", func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane}).must()
		return s.admin("", object{"localId": uid, "email": jane}).outcome()
	}},
	{"create: phone taken", "400 PHONE_NUMBER_EXISTS", func(s subject) string {
		s.admin("", object{"phoneNumber": "+15555550100"}).must()
		return s.admin("", object{"phoneNumber": "+15555550100"}).outcome()
	}},
	{"create: phone malformed", "400 INVALID_PHONE_NUMBER", func(s subject) string {
		return s.admin("", object{"phoneNumber": "5555"}).outcome()
	}},
	{"create: weak password", "400 WEAK_PASSWORD", func(s subject) string {
		return s.admin("", object{"email": jane, "password": "12345"}).outcome()
	}},
	{"create: signs in afterwards", "200", func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane, "password": secret}).must()
		return s.signIn(jane, secret).outcome()
	}},
}

var signInBehaviours = []behaviour{
	{"signIn: right password", "200 displayName,email,expiresIn,idToken,kind,localId,refreshToken,registered", func(s subject) string {
		s.signUp(jane)
		return s.signIn(jane, secret).shape()
	}},
	{"signIn: e-mail in another case", "200", func(s subject) string {
		s.signUp(jane)
		return s.signIn("JANE@example.com", secret).outcome()
	}},
	{"signIn: wrong password", "400 INVALID_LOGIN_CREDENTIALS", func(s subject) string {
		s.signUp(jane)
		return s.signIn(jane, "wrong-one").outcome()
	}},
	{"signIn: unknown e-mail", "400 INVALID_LOGIN_CREDENTIALS", func(s subject) string { return s.signIn(jane, secret).outcome() }},
	{"signIn: account without a password", "400 INVALID_LOGIN_CREDENTIALS", func(s subject) string {
		s.admin("", object{"email": jane}).must()
		return s.signIn(jane, secret).outcome()
	}},
	{"signIn: wrong password, enumeration protection off", "400 INVALID_PASSWORD", func(s subject) string {
		s.protect(false)
		s.signUp(jane)
		return s.signIn(jane, "wrong-one").outcome()
	}},
	{"signIn: unknown e-mail, enumeration protection off", "400 EMAIL_NOT_FOUND", func(s subject) string {
		s.protect(false)
		return s.signIn(jane, secret).outcome()
	}},
	{"signIn: disabled is told before the password is checked", "400 USER_DISABLED", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "disableUser": true}).must()
		return s.signIn(jane, "wrong-one").outcome()
	}},
	{"signIn: enabled again", "200", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "disableUser": true}).must()
		s.admin(":update", object{"localId": up.text("localId"), "disableUser": false}).must()
		return s.signIn(jane, secret).outcome()
	}},
	{"signIn: e-mail missing", "400 MISSING_EMAIL", func(s subject) string {
		return s.client("signInWithPassword", object{"password": secret}).outcome()
	}},
	{"signIn: password missing", "400 MISSING_PASSWORD", func(s subject) string {
		return s.client("signInWithPassword", object{"email": jane}).outcome()
	}},
	{"signIn: e-mail malformed", "400 INVALID_EMAIL", func(s subject) string { return s.signIn("jane", secret).outcome() }},
	{"signIn: empty e-mail", "400 INVALID_EMAIL", func(s subject) string { return s.signIn("", secret).outcome() }},
	{"signIn: many wrong passwords lock the address for the right one", "400 TOO_MANY_ATTEMPTS_TRY_LATER", func(s subject) string {
		s.signUp(jane)
		for range wrongPasswords {
			s.signIn(jane, "wrong-one")
		}
		return s.signIn(jane, secret).outcome()
	}},
	{"signIn: moves lastLoginAt", "true", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "lastLoginAt": "1000000000000"}).must()
		s.signIn(jane, secret).must()
		return fmt.Sprint(fmt.Sprint(s.user(up.text("localId"))["lastLoginAt"]) > "1000000000000")
	}},
}

var lookupBehaviours = []behaviour{
	{
		"lookup: own account",
		"createdAt,email,emailVerified,lastLoginAt,lastRefreshAt,localId,passwordHash,passwordUpdatedAt,providerUserInfo,validSince",
		func(s subject) string { return names(s.lookupOwn(s.signUp(jane).text("idToken")).must().user()) },
	},
	{"lookup: a user sees REDACTED for the own hash", "true", func(s subject) string {
		return fmt.Sprint(s.lookupOwn(s.signUp(jane).text("idToken")).must().user()["passwordHash"] == "UkVEQUNURUQ=")
	}},
	{"lookup: an admin sees hash and salt", "true", func(s subject) string {
		u := s.user(s.signUp(jane).text("localId"))
		return fmt.Sprint(u["passwordHash"] != nil && u["salt"] != nil)
	}},
	{"lookup: the hash hides the password", "true", func(s subject) string {
		return fmt.Sprint(!strings.Contains(fmt.Sprint(s.user(s.signUp(jane).text("localId"))["passwordHash"]), secret))
	}},
	{"lookup: by uid", uid, func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane}).must()
		return s.admin(":lookup", object{"localId": []string{uid}}).must().uids()
	}},
	{"lookup: by e-mail in another case", uid, func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane}).must()
		return s.admin(":lookup", object{"email": []string{"JANE@example.com"}}).must().uids()
	}},
	{"lookup: by phone", uid, func(s subject) string {
		s.admin("", object{"localId": uid, "phoneNumber": "+15555550100"}).must()
		return s.admin(":lookup", object{"phoneNumber": []string{"+15555550100"}}).must().uids()
	}},
	{"lookup: by a provider's id", uid, func(s subject) string {
		s.admin("", object{"localId": uid}).must()
		s.admin(":update", object{"localId": uid, "linkProviderUserInfo": object{"providerId": "google.com", "rawId": "42"}}).must()
		return s.admin(":lookup", object{"federatedUserId": []object{{"providerId": "google.com", "rawId": "42"}}}).must().uids()
	}},
	{"lookup: the unscoped form with an admin's credential", uid, func(s subject) string {
		s.admin("", object{"localId": uid}).must()
		return s.call("POST", toolkit+"accounts:lookup", object{"localId": []string{uid}}, "Bearer owner").must().uids()
	}},
	{"lookup: each user once, unknown ones left out", uid, func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane}).must()
		return s.admin(":lookup", object{"localId": []string{uid, "nobody"}, "email": []string{jane, john}}).must().uids()
	}},
	{"lookup: nobody found", "200 kind", func(s subject) string {
		return s.admin(":lookup", object{"localId": []string{"nobody"}}).shape()
	}},
	{"lookup: no token", "400 MISSING_ID_TOKEN", func(s subject) string { return s.client("lookup", object{}).outcome() }},
	{"lookup: not a token", "400 INVALID_ID_TOKEN", func(s subject) string { return s.lookupOwn("nonsense").outcome() }},
	{"lookup: unsigned token", "400 INVALID_ID_TOKEN", func(s subject) string {
		return s.lookupOwn(unsigned(s.signUp(jane).text("idToken"))).outcome()
	}},
	{"lookup: a deleted user's token", "400 USER_NOT_FOUND", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":delete", object{"localId": up.text("localId")}).must()
		return s.lookupOwn(up.text("idToken")).outcome()
	}},
	{"lookup: a disabled user's token", "400 USER_DISABLED", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "disableUser": true}).must()
		return s.lookupOwn(up.text("idToken")).outcome()
	}},
	{"lookup: a revoked token", "400 TOKEN_EXPIRED", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "validSince": future}).must()
		return s.lookupOwn(up.text("idToken")).outcome()
	}},
}

var deleteBehaviours = []behaviour{
	{"delete: own account", "200 kind", func(s subject) string {
		return s.client("delete", object{"idToken": s.signUp(jane).text("idToken")}).shape()
	}},
	{"delete: no token", "400 MISSING_ID_TOKEN", func(s subject) string { return s.client("delete", object{}).outcome() }},
	{"delete: a client cannot name an account", "400 MISSING_ID_TOKEN", func(s subject) string {
		return s.client("delete", object{"localId": s.signUp(jane).text("localId")}).outcome()
	}},
	{"delete: by an admin", "200 kind", func(s subject) string {
		return s.admin(":delete", object{"localId": s.signUp(jane).text("localId")}).shape()
	}},
	{"delete: admin names nobody", "400 MISSING_LOCAL_ID", func(s subject) string { return s.admin(":delete", object{}).outcome() }},
	{"delete: unknown uid", "400 USER_NOT_FOUND", func(s subject) string {
		return s.admin(":delete", object{"localId": "nobody"}).outcome()
	}},
	{"delete: the e-mail is free again", "200", func(s subject) string {
		s.admin(":delete", object{"localId": s.signUp(jane).text("localId")}).must()
		return s.client("signUp", object{"email": jane, "password": secret}).outcome()
	}},
	{
		"batchDelete: enabled ones need force, unknown ones are no error", `[{"index":0,"localId":"a","message":"NOT_DISABLED : Disable the account before batch deletion."}]`,
		func(s subject) string {
			s.admin("", object{"localId": "a"}).must()
			s.admin("", object{"localId": "b", "disabled": true}).must()
			return jsonText(s.admin(":batchDelete", object{"localIds": []string{"a", "b", "nobody"}}).must().body["errors"])
		},
	},
	{"batchDelete: with force", "200 ", func(s subject) string {
		s.admin("", object{"localId": "a"}).must()
		return s.admin(":batchDelete", object{"localIds": []string{"a"}, "force": true}).shape()
	}},
	{"batchDelete: none named", "400 LOCAL_ID_LIST_EXCEEDS_LIMIT", func(s subject) string {
		return s.admin(":batchDelete", object{}).outcome()
	}},
}
