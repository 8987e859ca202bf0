package conformance

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// withFactor enrols TOTP where supported, else a phone.
func (s subject) withFactor() (idToken, factorID string) {
	s.t.Helper()
	started, idToken, session := s.startEnrolment()
	if started.status == 200 {
		idToken = s.v2("mfaEnrollment:finalize", object{
			"idToken": idToken, "displayName": "app",
			"totpVerificationInfo": object{"sessionInfo": session["sessionInfo"], "verificationCode": totp(session, 0)},
		}).must().text("idToken")
	} else {
		s.admin(":update", object{"localId": uid, "mfa": object{"enrollments": []object{{"mfaEnrollmentId": "phone", "phoneInfo": "+15555550100"}}}}).must()
	}
	factors, _ := s.user(uid)["mfaInfo"].([]any)
	if len(factors) != 1 {
		s.t.Fatalf("Jane has %d second factors", len(factors))
	}
	return idToken, fmt.Sprint(factors[0].(object)["mfaEnrollmentId"])
}

func (s subject) factors() int {
	s.t.Helper()
	list, _ := s.user(uid)["mfaInfo"].([]any)
	return len(list)
}

var mfaSuite = []behaviour{
	{"withdraw: removes the factor, also from the token", "200 true 0, 200", func(s subject) string {
		idToken, factorID := s.withFactor()
		r := s.v2("mfaEnrollment:withdraw", object{"idToken": idToken, "mfaEnrollmentId": factorID}).must()
		firebase, _ := s.claims(r.text("idToken"))["firebase"].(object)
		return fmt.Sprint(r.outcome(), " ", firebase["sign_in_second_factor"] == nil && firebase["second_factor_identifier"] == nil, " ", s.factors(), ", ",
			s.signIn(jane, secret).outcome())
	}},
	{"withdraw: the session goes on", "200", func(s subject) string {
		idToken, factorID := s.withFactor()
		r := s.v2("mfaEnrollment:withdraw", object{"idToken": idToken, "mfaEnrollmentId": factorID}).must()
		return s.refresh(r.text("refreshToken")).outcome()
	}},
	{"withdraw: no token", "400 MISSING_ID_TOKEN", func(s subject) string {
		return s.v2("mfaEnrollment:withdraw", object{"mfaEnrollmentId": "factor"}).message()
	}},
	{"withdraw: not one of the account's", "400 MFA_ENROLLMENT_NOT_FOUND 1", func(s subject) string {
		idToken, _ := s.withFactor()
		return fmt.Sprint(s.v2("mfaEnrollment:withdraw", object{"idToken": idToken, "mfaEnrollmentId": "another"}).message(), " ", s.factors())
	}},
	{"withdraw: an account without factors", "400 MFA_ENROLLMENT_NOT_FOUND", func(s subject) string {
		return s.v2("mfaEnrollment:withdraw", object{"idToken": s.signUp(jane).text("idToken"), "mfaEnrollmentId": "factor"}).message()
	}},
}

var setAccountInfoSuite = []behaviour{
	{"update: validSince by a client ends its sessions now, whatever the time given", "200 true true", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "validSince": "1000"}).must()
		r := s.client("update", object{"idToken": up.text("idToken"), "validSince": "5"})
		since := fmt.Sprint(s.user(up.text("localId"))["validSince"])
		return fmt.Sprint(r.outcome(), " ", r.body["idToken"] != nil && r.body["refreshToken"] != nil, " ", len(since) == len("1700000000"))
	}},
	{"update: an attribute's number", "200 null", func(s subject) string {
		up := s.client("signUp", object{"email": jane, "password": secret, "displayName": "Jane"}).must()
		r := s.client("update", object{"idToken": up.text("idToken"), "deleteAttribute": []int{2}})
		return fmt.Sprint(r.outcome(), " ", jsonText(s.user(up.text("localId"))["displayName"]))
	}},
	{"update: an attribute that is none", "400 INVALID_ARGUMENT", func(s subject) string {
		return s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "deleteAttribute": []string{"NONSENSE"}}).outcome()
	}},
	{"update: an anonymous user's addresses get no recovery mail", "null 0", func(s subject) string {
		s.protect(false)
		before := len(s.mails())
		up := s.client("signUp", object{}).must()
		r := s.client("update", object{"idToken": up.text("idToken"), "email": jane}).must()
		s.client("update", object{"idToken": r.text("idToken"), "email": john}).must()
		return fmt.Sprint(jsonText(s.user(up.text("localId"))["initialEmail"]), " ", len(s.mails())-before)
	}},
	{"update: deleting the password takes the e-mail link too", "null null", func(s subject) string {
		r := s.openLink(jane, s.signInCode(jane), "").must()
		s.client("update", object{"idToken": r.text("idToken"), "deleteProvider": []string{"password"}}).must()
		u := s.user(r.text("localId"))
		return jsonText(u["emailLinkSignin"]) + " " + jsonText(u["email"])
	}},
	{"adminUpdate: an empty list removes every second factor", "0", func(s subject) string {
		s.withFactor()
		s.admin(":update", object{"localId": uid, "mfa": object{"enrollments": []object{}}}).must()
		return fmt.Sprint(s.factors())
	}},
	{"adminUpdate: a missing list removes every second factor", "0", func(s subject) string {
		s.withFactor()
		s.admin(":update", object{"localId": uid, "mfa": object{}}).must()
		return fmt.Sprint(s.factors())
	}},
	{"adminUpdate: second factors stay where nothing is said of them", "1", func(s subject) string {
		s.withFactor()
		s.admin(":update", object{"localId": uid, "displayName": "Jane"}).must()
		return fmt.Sprint(s.factors())
	}},
	{"adminUpdate: a phone as second factor, in a project for TOTP", "400 OPERATION_NOT_ALLOWED", func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane, "emailVerified": true}).must()
		return s.admin(":update", object{"localId": uid, "mfa": object{"enrollments": []object{{"mfaEnrollmentId": "a", "phoneInfo": "+15555550100"}}}}).outcome()
	}},
	{"adminUpdate: a link without a provider", "400 MISSING_PROVIDER_ID", func(s subject) string {
		return s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "linkProviderUserInfo": object{"rawId": "7"}}).outcome()
	}},
	{"adminUpdate: a link without a subject", "400 MISSING_RAW_ID", func(s subject) string {
		return s.admin(":update", object{"localId": s.signUp(jane).text("localId"), "linkProviderUserInfo": object{"providerId": google}}).outcome()
	}},
	{"adminUpdate: everything of a linked identity is kept", `{"displayName":"J","email":"j@example.com","federatedId":"f","phoneNumber":"+1","photoUrl":"http://localhost/j.png","providerId":"google.com","rawId":"7","screenName":"jd"}`, func(s subject) string {
		up := s.client("signUp", object{}).must()
		linked := object{
			"providerId": google, "rawId": "7", "federatedId": "f", "email": "j@example.com", "displayName": "J", "photoUrl": "http://localhost/j.png",
			"phoneNumber": "+1", "screenName": "jd",
		}
		s.admin(":update", object{"localId": up.text("localId"), "linkProviderUserInfo": linked}).must()
		list, _ := s.user(up.text("localId"))["providerUserInfo"].([]any)
		return jsonText(list[0])
	}},
}

var oobSuite = []behaviour{
	{"mail: none sent is an empty list", `{"oobCodes":[]}`, func(s subject) string {
		return jsonText(s.pristine.mails)
	}},
	{"link: a sign-in's leads to the app", "303 " + appURL, func(s subject) string {
		s.client("sendOobCode", object{"requestType": "EMAIL_SIGNIN", "email": jane, "continueUrl": appURL}).must()
		return s.open(s.newestLink(), "")
	}},
	{"link: a sign-in's without an app", "400", func(s subject) string {
		s.signInCode(jane)
		return s.open(s.newestLink(), "")
	}},
	{"link: a verification's leads to the app", "303 " + appURL + ", true", func(s subject) string {
		up := s.signUp(jane)
		s.client("sendOobCode", object{"requestType": "VERIFY_EMAIL", "idToken": up.text("idToken"), "continueUrl": appURL}).must()
		return fmt.Sprint(s.open(s.newestLink(), ""), ", ", s.user(up.text("localId"))["emailVerified"])
	}},
	{"link: a verification's without an app", "200, true", func(s subject) string {
		up := s.signUp(jane)
		s.client("sendOobCode", object{"requestType": "VERIFY_EMAIL", "idToken": up.text("idToken")}).must()
		return fmt.Sprint(s.open(s.newestLink(), ""), ", ", s.user(up.text("localId"))["emailVerified"])
	}},
	{"link: a reset's leads to the app", "400, 303 " + appURL + ", 200", func(s subject) string {
		s.signUp(jane)
		s.client("sendOobCode", object{"requestType": "PASSWORD_RESET", "email": jane, "continueUrl": appURL}).must()
		link := s.newestLink()
		return s.open(link, "") + ", " + s.open(link, "&newPassword=secret-2") + ", " + s.signIn(jane, "secret-2").outcome()
	}},
	{"link: a used one", "400", func(s subject) string {
		up := s.signUp(jane)
		s.client("sendOobCode", object{"requestType": "VERIFY_EMAIL", "idToken": up.text("idToken"), "continueUrl": appURL}).must()
		link := s.newestLink()
		s.open(link, "")
		return s.open(link, "")
	}},
	{"mail: the purpose of a sign-in code, without its address", `["EMAIL_SIGNIN",null]`, func(s subject) string {
		r := s.client("resetPassword", object{"oobCode": s.signInCode(jane)}).must()
		return jsonText([]any{r.body["requestType"], r.body["email"]})
	}},
	{"mail: verification for an account without an address", "400 MISSING_EMAIL", func(s subject) string {
		up := s.client("signUp", object{}).must()
		return s.client("sendOobCode", object{"requestType": "VERIFY_EMAIL", "idToken": up.text("idToken")}).outcome()
	}},
	{"mail: verification of a disabled user", "400 USER_DISABLED", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "disableUser": true}).must()
		return s.client("sendOobCode", object{"requestType": "VERIFY_EMAIL", "idToken": up.text("idToken")}).outcome()
	}},
	{"mail: verification link by an ID token", "200 jane@example.com", func(s subject) string {
		up := s.signUp(jane)
		r := s.admin(":sendOobCode", object{"requestType": "VERIFY_EMAIL", "idToken": up.text("idToken"), "returnOobLink": true})
		return fmt.Sprint(r.outcome(), " ", r.body["email"])
	}},
	{"mail: change without the new address", "400 MISSING_NEW_EMAIL", func(s subject) string {
		return s.client("sendOobCode", object{"requestType": "VERIFY_AND_CHANGE_EMAIL", "idToken": s.signUp(jane).text("idToken")}).outcome()
	}},
	{"mail: change without a token", "400 MISSING_ID_TOKEN", func(s subject) string {
		return s.client("sendOobCode", object{"requestType": "VERIFY_AND_CHANGE_EMAIL", "newEmail": john}).outcome()
	}},
	{"mail: change link without the address", "400 MISSING_EMAIL", func(s subject) string {
		return s.admin(":sendOobCode", object{"requestType": "VERIFY_AND_CHANGE_EMAIL", "newEmail": john, "returnOobLink": true}).outcome()
	}},
	{"mail: change link for an unknown address", "400 USER_NOT_FOUND", func(s subject) string {
		return s.admin(":sendOobCode", object{"requestType": "VERIFY_AND_CHANGE_EMAIL", "email": jane, "newEmail": john, "returnOobLink": true}).outcome()
	}},
	{"mail: the answer to a change tells both addresses", `["jane@example.com","john@example.com","VERIFY_AND_CHANGE_EMAIL"]`, func(s subject) string {
		code := s.sendCode(object{"requestType": "VERIFY_AND_CHANGE_EMAIL", "idToken": s.signUp(jane).text("idToken"), "newEmail": john})
		r := s.client("resetPassword", object{"oobCode": code}).must()
		return jsonText([]any{r.body["email"], r.body["newEmail"], r.body["requestType"]})
	}},
}

func (s subject) open(link, more string) string {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, link+more, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request) // follows no redirects
	if err != nil {
		s.t.Fatal(err)
	}
	_ = response.Body.Close()
	to, _, _ := strings.Cut(response.Header.Get("Location"), "?")
	return strings.TrimSpace(fmt.Sprint(response.StatusCode, " ", to))
}

func (s subject) newestLink() string {
	s.t.Helper()
	mails := s.mails()
	if len(mails) == 0 {
		s.t.Fatal("no mail was sent")
	}
	return fmt.Sprint(mails[len(mails)-1].(object)["oobLink"])
}

const appURL = "http://app.example/in"

var batchSuite = []behaviour{
	{"import: a second factor that is no phone", "200 [0: Second factor not supported.]", func(s subject) string {
		return s.admin(":batchCreate", object{"users": []object{
			{"localId": uid, "email": jane, "emailVerified": true, "mfaInfo": []object{{"mfaEnrollmentId": "a", "totpInfo": object{}}}},
		}}).importErrors()
	}},
	{"import: a second factor without an address", "200 [0: Second factor account requires email to be presented.]", func(s subject) string {
		return s.admin(":batchCreate", object{"users": []object{{"localId": uid, "mfaInfo": []object{{"phoneInfo": "+15555550100"}}}}}).importErrors()
	}},
	{"import: a second factor of an unverified address", "200 [0: Second factor account requires email to be verified.]", func(s subject) string {
		return s.admin(":batchCreate", object{"users": []object{{"localId": uid, "email": jane, "mfaInfo": []object{{"phoneInfo": "+15555550100"}}}}}).importErrors()
	}},
	{"import: an identity by its federatedId alone", "200 []", func(s subject) string {
		return s.admin(":batchCreate", object{"users": []object{{"localId": uid, "providerUserInfo": []object{{"federatedId": "https://accounts.google.com/7"}}}}}).importErrors()
	}},
	{"import: an identity with nothing that names it", "200 [0: federatedId or (providerId & rawId) is required]", func(s subject) string {
		return s.admin(":batchCreate", object{"users": []object{{"localId": uid, "providerUserInfo": []object{{"providerId": google}}}}}).importErrors()
	}},
	{"import: an empty list of second factors", "200 []", func(s subject) string {
		return s.admin(":batchCreate", object{"users": []object{{"localId": uid, "mfaInfo": []object{}}}}).importErrors()
	}},
	{"import: a tenant's user", "200 [0: Tenant id in userInfo does not match the tenant id in request.]", func(s subject) string {
		return s.admin(":batchCreate", object{"users": []object{{"localId": uid, "tenantId": "tenant"}}}).importErrors()
	}},
	{"import: everything of an identity is kept", "A s", func(s subject) string {
		s.admin(":batchCreate", object{"users": []object{{"localId": uid, "providerUserInfo": []object{
			{"providerId": google, "rawId": "7", "displayName": "A", "screenName": "s"},
		}}}}).must()
		list, _ := s.user(uid)["providerUserInfo"].([]any)
		return fmt.Sprint(list[0].(object)["displayName"], " ", list[0].(object)["screenName"])
	}},
}

// Uids are not in order of creation.
func (s subject) some() {
	s.t.Helper()
	s.admin("", object{"localId": "b", "email": "b@example.com", "displayName": "Bea"}).must()
	s.admin("", object{"localId": "c", "email": "a@example.com", "displayName": "Ann", "phoneNumber": "+15555550100"}).must()
	s.admin("", object{"localId": "a", "email": "c@example.com", "displayName": "Cid"}).must()
}

func (s subject) queried(body object) string {
	s.t.Helper()
	r := s.admin(":query", body)
	if r.status != 200 {
		return r.outcome()
	}
	r.body["users"] = r.body["userInfo"]
	return fmt.Sprint(r.body["recordsCount"], " ", r.uids())
}

var miscSuite = []behaviour{
	{"query: the count alone", `200 {"recordsCount":"3"}`, func(s subject) string {
		s.some()
		r := s.admin(":query", object{"returnUserInfo": false})
		return r.outcome() + " " + jsonText(r.body)
	}},
	{"query: every account, by uid", "3 a,b,c", func(s subject) string { s.some(); return s.queried(object{}) }},
	{"query: the other way round", "3 c,b,a", func(s subject) string { s.some(); return s.queried(object{"order": "DESC"}) }},
	{"query: an order's number", "3 c,b,a", func(s subject) string { s.some(); return s.queried(object{"order": 2}) }},
	{"query: nothing there", "0 ", func(s subject) string { return s.queried(object{}) }},
	{"query: only an admin", "400 INSUFFICIENT_PERMISSION", func(s subject) string {
		return s.call("POST", toolkit+"projects/"+projectID+"/accounts:query?key=any", object{}, "").outcome()
	}},
	{"query: an order that is none", "400 INVALID_ARGUMENT", func(s subject) string { return s.queried(object{"order": "SIDEWAYS"}) }},
	{"query: by e-mail in another case", "1 c", func(s subject) string {
		s.some()
		return s.queried(object{"expression": []object{{"email": "A@example.com"}}})
	}},
	{"query: by phone", "1 c", func(s subject) string {
		s.some()
		return s.queried(object{"expression": []object{{"phoneNumber": "+15555550100"}}})
	}},
	{"query: by uid, and only by the first expression", "1 b", func(s subject) string {
		s.some()
		return s.queried(object{"expression": []object{{"userId": "b"}, {"userId": "c"}}})
	}},
	{"query: of an expression's fields only the first counts", "1 b", func(s subject) string {
		s.some()
		return s.queried(object{"expression": []object{{"userId": "a", "email": "b@example.com"}}})
	}},
	{"query: a page", "1 b", func(s subject) string { s.some(); return s.queried(object{"limit": "1", "offset": "1"}) }},
	{"query: a page behind the end", "0 ", func(s subject) string { s.some(); return s.queried(object{"offset": "9"}) }},
	{"query: by name", "3 c,b,a", func(s subject) string { s.some(); return s.queried(object{"sortBy": "NAME"}) }},
	{"query: by e-mail address", "3 c,b,a", func(s subject) string { s.some(); return s.queried(object{"sortBy": "USER_EMAIL"}) }},
	{"refresh: the old field code is ignored", "200", func(s subject) string {
		return s.call("POST", tokenPath+"?key=any", object{
			"grantType": "refresh_token", "refreshToken": s.signUp(jane).text("refreshToken"), "code": "x",
		}, "").outcome()
	}},
}

var restSuite = []behaviour{
	{"edge: an enumerated value's number", "200 signIn", func(s subject) string {
		r := s.admin(":sendOobCode", object{"email": jane, "requestType": 6, "returnOobLink": true})
		link, err := url.Parse(fmt.Sprint(r.body["oobLink"]))
		if err != nil {
			return err.Error()
		}
		return r.outcome() + " " + link.Query().Get("mode")
	}},
	{"edge: a number that is no enumerated value", "400 INVALID_ARGUMENT", func(s subject) string {
		return s.client("sendOobCode", object{"email": jane, "requestType": 99}).outcome()
	}},
	{"edge: an enumerated value of an ignored field", "400 INVALID_ARGUMENT", func(s subject) string {
		return s.client("signUp", object{"clientType": "NONSENSE"}).outcome()
	}},
	{"edge: names in snake case", "200", func(s subject) string {
		s.signUp(jane)
		return s.client("sendOobCode", object{"email": jane, "request_type": "PASSWORD_RESET"}).outcome()
	}},
}
