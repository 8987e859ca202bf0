package conformance

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// longAgo tells the user's lastLoginAt from the session's.
const longAgo = "1000000000000"

var refreshBehaviours = []behaviour{
	{"refresh: gives a pair", "200 access_token,expires_in,id_token,project_id,refresh_token,token_type,user_id", func(s subject) string {
		return s.refresh(s.signUp(jane).text("refreshToken")).shape()
	}},
	{"refresh: as a form", "200", func(s subject) string {
		form := "grant_type=refresh_token&refresh_token=" + s.signUp(jane).text("refreshToken")
		return s.raw("POST", tokenPath+"?key=any", strings.NewReader(form),
			http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}).outcome()
	}},
	{"refresh: camel case in JSON", "200", func(s subject) string {
		return s.call("POST", tokenPath+"?key=any",
			object{"grantType": "refresh_token", "refreshToken": s.signUp(jane).text("refreshToken")}, "").outcome()
	}},
	{"refresh: may be used again", "200", func(s subject) string {
		up := s.signUp(jane)
		s.refresh(up.text("refreshToken")).must()
		return s.refresh(up.text("refreshToken")).outcome()
	}},
	{"refresh: no grant type", "400 MISSING_GRANT_TYPE", func(s subject) string {
		return s.call("POST", tokenPath+"?key=any", object{"refresh_token": s.signUp(jane).text("refreshToken")}, "").outcome()
	}},
	{"refresh: another grant type", "400 INVALID_GRANT_TYPE", func(s subject) string {
		return s.call("POST", tokenPath+"?key=any", object{"grant_type": "password", "refresh_token": s.signUp(jane).text("refreshToken")}, "").outcome()
	}},
	{"refresh: no token", "400 MISSING_REFRESH_TOKEN", func(s subject) string { return s.refresh("").outcome() }},
	{"refresh: not a token", "400 INVALID_REFRESH_TOKEN", func(s subject) string { return s.refresh("nonsense").outcome() }},
	{"refresh: how a refusal is built", "400 code,message,status", func(s subject) string { return s.refresh("nonsense").errorShape() }},
	{"refresh: of a deleted user", "400 USER_NOT_FOUND", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":delete", object{"localId": up.text("localId")}).must()
		return s.refresh(up.text("refreshToken")).outcome()
	}},
	{"refresh: of a disabled user", "400 USER_DISABLED", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "disableUser": true}).must()
		return s.refresh(up.text("refreshToken")).outcome()
	}},
	{"refresh: after a revocation", "400 TOKEN_EXPIRED", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "validSince": future}).must()
		return s.refresh(up.text("refreshToken")).outcome()
	}},
	{"refresh: after a change of password", "400 TOKEN_EXPIRED", func(s subject) string {
		up := s.signUp(jane)
		s.client("update", object{"idToken": up.text("idToken"), "password": "secret-2"}).must()
		return s.refresh(up.text("refreshToken")).outcome()
	}},
	{"refresh: with the tokens of a change of password", "200", func(s subject) string {
		up := s.client("update", object{"idToken": s.signUp(jane).text("idToken"), "password": "secret-2", "returnSecureToken": true}).must()
		return s.refresh(up.text("refreshToken")).outcome()
	}},
	{"refresh: claims set meanwhile are in the new token", "admin", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "customAttributes": `{"role":"admin"}`}).must()
		return fmt.Sprint(s.claims(s.refresh(up.text("refreshToken")).must().text("id_token"))["role"])
	}},
	{"refresh: auth_time stays the session's", "true", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "lastLoginAt": longAgo}).must()
		claims := s.claims(s.refresh(up.text("refreshToken")).must().text("id_token"))
		return fmt.Sprint(claims["auth_time"] == s.claims(up.text("idToken"))["auth_time"])
	}},
}

var tokenBehaviours = []behaviour{
	{"token: header", "RS256 alg,kid,typ", func(s subject) string {
		header := segment(s.t, s.signUp(jane).text("idToken"), 0)
		return fmt.Sprint(header["alg"], " ", names(header))
	}},
	{"token: claims of a password user", "aud,auth_time,email,email_verified,exp,firebase,iat,iss,sub,user_id", func(s subject) string {
		return names(s.claims(s.signUp(jane).text("idToken")))
	}},
	{"token: claims of an anonymous user", "aud,auth_time,exp,firebase,iat,iss,provider_id,sub,user_id", func(s subject) string {
		return names(s.claims(s.client("signUp", object{}).must().text("idToken")))
	}},
	{
		"token: claims of a full profile", "aud,auth_time,email,email_verified,exp,firebase,iat,iss,name,phone_number,picture,sub,user_id",
		func(s subject) string {
			up := s.signUp(jane)
			s.admin(":update", object{
				"localId": up.text("localId"), "displayName": "Jane", "photoUrl": "http://example.com/j.png", "phoneNumber": "+15555550100",
			}).must()
			return names(s.claims(s.signIn(jane, secret).must().text("idToken")))
		},
	},
	{
		"token: issuer, audience, subject", `["https://securetoken.google.com/demo-conformance","demo-conformance",true,true]`,
		func(s subject) string {
			up := s.signUp(jane)
			c := s.claims(up.text("idToken"))
			return jsonText([]any{c["iss"], c["aud"], c["sub"] == up.text("localId"), c["user_id"] == up.text("localId")})
		},
	},
	{"token: lives an hour", "3600 3600", func(s subject) string {
		up := s.signUp(jane)
		c := s.claims(up.text("idToken"))
		issued, _ := c["iat"].(float64)
		expires, _ := c["exp"].(float64)
		return fmt.Sprint(expires-issued, " ", up.text("expiresIn"))
	}},
	{
		"token: firebase of a password user", `{"identities":{"email":["jane@example.com"]},"sign_in_provider":"password"}`,
		func(s subject) string { return jsonText(s.claims(s.signUp(jane).text("idToken"))["firebase"]) },
	},
	{"token: firebase of an anonymous user", `{"identities":{},"sign_in_provider":"anonymous"}`, func(s subject) string {
		return jsonText(s.claims(s.client("signUp", object{}).must().text("idToken"))["firebase"])
	}},
	{
		"token: identities of linked providers", `{"email":["jane@example.com"],"google.com":["42"],"phone":["+15555550100"]}`,
		func(s subject) string {
			up := s.signUp(jane)
			s.admin(":update", object{
				"localId": up.text("localId"), "phoneNumber": "+15555550100",
				"linkProviderUserInfo": object{"providerId": "google.com", "rawId": "42"},
			}).must()
			firebase, _ := s.claims(s.signIn(jane, secret).must().text("idToken"))["firebase"].(object)
			return jsonText(firebase["identities"])
		},
	},
	{"token: a custom claim stands for no claim of Firebase's", `["admin",false]`, func(s subject) string {
		up := s.signUp(jane)
		claims := `{"role":"admin","email_verified":true}`
		s.admin(":update", object{"localId": up.text("localId"), "customAttributes": claims}).must()
		c := s.claims(s.signIn(jane, secret).must().text("idToken"))
		return jsonText([]any{c["role"], c["email_verified"]})
	}},
	{"token: email_verified follows the account", "true", func(s subject) string {
		up := s.signUp(jane)
		s.admin(":update", object{"localId": up.text("localId"), "emailVerified": true}).must()
		return fmt.Sprint(s.claims(s.signIn(jane, secret).must().text("idToken"))["email_verified"])
	}},
}

func unsigned(compact string) string {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	return header + "." + strings.Split(compact, ".")[1] + "."
}

func providers(user object) string {
	list, _ := user["providerUserInfo"].([]any)
	ids := []string{}
	for _, entry := range list {
		provider, _ := entry.(object)
		ids = append(ids, fmt.Sprint(provider["providerId"]))
	}
	slices.Sort(ids)
	return jsonText(ids)
}
