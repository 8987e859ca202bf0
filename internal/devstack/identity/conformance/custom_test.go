package conformance

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

const customTokenAudience = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"

func customToken(changes object) string {
	now := time.Now()
	claims := object{
		"iss": "firebase-auth-emulator@example.com", "sub": "firebase-auth-emulator@example.com", "aud": customTokenAudience,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "uid": uid,
	}
	for name, value := range changes {
		claims[name] = value
	}
	token := ""
	for _, part := range []object{{"alg": "none", "typ": "JWT"}, claims} {
		encoded, err := json.Marshal(part)
		if err != nil {
			panic(err)
		}
		token += base64.RawURLEncoding.EncodeToString(encoded) + "."
	}
	return token
}

func (s subject) signInAs(token string) reply {
	s.t.Helper()
	return s.client("signInWithCustomToken", object{"token": token, "returnSecureToken": true})
}

var customBehaviours = []behaviour{
	{"custom: an unsigned token", "400 INVALID_CUSTOM_TOKEN", func(s subject) string { return s.signInAs(customToken(nil)).outcome() }},
	{"custom: the answer", "200 expiresIn,idToken,isNewUser,kind,refreshToken false", func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane, "password": secret}).must()
		r := s.signInAs(customToken(nil))
		return fmt.Sprint(r.shape(), " ", r.body["isNewUser"])
	}},
	{"custom: the ID token says who and how", `["custom","11111111-2222-4333-8444-555555555555","jane@example.com","gold"]`, func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane, "password": secret}).must()
		claims := s.claims(s.signInAs(customToken(object{"claims": object{"level": "gold"}})).must().text("idToken"))
		firebase, _ := claims["firebase"].(object)
		return jsonText([]any{firebase["sign_in_provider"], claims["sub"], claims["email"], claims["level"]})
	}},
	{"custom: the session can be refreshed", "200", func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane}).must()
		return s.refresh(s.signInAs(customToken(nil)).must().text("refreshToken")).outcome()
	}},
	{"custom: an unknown uid gets an account", "200 true true", func(s subject) string {
		r := s.signInAs(customToken(nil)).must()
		return fmt.Sprint(r.outcome(), " ", r.body["isNewUser"], " ", s.user(uid)["customAuth"])
	}},
	{"custom: of a disabled user", "400 USER_DISABLED", func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane, "disabled": true}).must()
		return s.signInAs(customToken(nil)).outcome()
	}},
	{"custom: no token", "400 MISSING_CUSTOM_TOKEN", func(s subject) string { return s.signInAs("").outcome() }},
	{"custom: not a token", "400 INVALID_CUSTOM_TOKEN", func(s subject) string { return s.signInAs("nonsense").outcome() }},
	{"custom: an ID token is none", "400 INVALID_CUSTOM_TOKEN", func(s subject) string {
		return s.signInAs(s.signUp(jane).text("idToken")).outcome()
	}},
	{"custom: reserved claim", "400 FORBIDDEN_CLAIM", func(s subject) string {
		return s.signInAs(customToken(object{"claims": object{"iss": "me"}})).outcome()
	}},
	{"custom: an expired token", "400 INVALID_CUSTOM_TOKEN", func(s subject) string {
		return s.signInAs(customToken(object{"exp": time.Now().Add(-time.Hour).Unix()})).outcome()
	}},
}
