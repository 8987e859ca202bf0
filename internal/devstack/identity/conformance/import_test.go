package conformance

import (
	"encoding/base64"
	"fmt"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

var bcryptOfSecret = sync.OnceValue(func() string {
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return base64.URLEncoding.EncodeToString(hash)
})

// imported sends bcrypt hashes as a move does (M1).
func (s subject) imported(users ...object) reply {
	s.t.Helper()
	return s.admin(":batchCreate", object{
		"hashAlgorithm": "BCRYPT", "allowOverwrite": false, "sanityCheck": true, "users": append([]object{}, users...),
	})
}

var importBehaviours = []behaviour{
	{"import: a good row", "200 []", func(s subject) string {
		return s.imported(object{"localId": uid, "email": jane, "passwordHash": bcryptOfSecret()}).importErrors()
	}},
	{"import: the right password signs in", "200", func(s subject) string {
		s.imported(object{"localId": uid, "email": jane, "passwordHash": bcryptOfSecret()}).must()
		return s.signIn(jane, secret).outcome()
	}},
	{"import: a wrong password does not", "400 INVALID_LOGIN_CREDENTIALS", func(s subject) string {
		s.imported(object{"localId": uid, "email": jane, "passwordHash": bcryptOfSecret()}).must()
		return s.signIn(jane, "wrong-one").outcome()
	}},
	{"import: the imported hash is not exported", "true", func(s subject) string {
		s.imported(object{"localId": uid, "email": jane, "passwordHash": bcryptOfSecret()}).must()
		return fmt.Sprint(s.user(uid)["passwordHash"] == nil)
	}},
	{"import: a hash that is none refuses the request", "400 INVALID_PASSWORD_HASH", func(s subject) string {
		bad := base64.URLEncoding.EncodeToString([]byte("not bcrypt"))
		return s.imported(object{"localId": "a", "email": john}, object{"localId": uid, "email": jane, "passwordHash": bad}).outcome()
	}},
	{"import: a hash that is no base64", "400 INVALID_ARGUMENT", func(s subject) string {
		return s.imported(object{"localId": uid, "email": jane, "passwordHash": "$2a$10$!"}).outcome()
	}},
	{"import: fields are kept", `["Jane",true,true,"1500000000000","1600000000000","{\"a\":1}"]`, func(s subject) string {
		s.imported(object{
			"localId": uid, "email": jane, "displayName": "Jane", "emailVerified": true, "disabled": true,
			"createdAt": "1500000000000", "lastLoginAt": "1600000000000", "customAttributes": `{"a":1}`,
		}).must()
		u := s.user(uid)
		return jsonText([]any{u["displayName"], u["emailVerified"], u["disabled"], u["createdAt"], u["lastLoginAt"], u["customAttributes"]})
	}},
	{"import: sets validSince", "true", func(s subject) string {
		s.imported(object{"localId": uid, "email": jane}).must()
		return fmt.Sprint(s.user(uid)["validSince"] != nil)
	}},
	{"import: no users", "400 MISSING_USER_ACCOUNT", func(s subject) string { return s.imported().outcome() }},
	{"import: an e-mail twice in a request", "400 DUPLICATE_EMAIL", func(s subject) string {
		return s.imported(object{"localId": "a", "email": jane}, object{"localId": "b", "email": jane}).outcome()
	}},
	{"import: a uid twice in a request", "400 DUPLICATE_LOCAL_ID", func(s subject) string {
		return s.imported(object{"localId": "a", "email": jane}, object{"localId": "a", "email": john}).outcome()
	}},
	{"import: a provider's id twice in a request", "400 DUPLICATE_RAW_ID", func(s subject) string {
		google := []object{{"providerId": "google.com", "rawId": "42"}}
		return s.imported(object{"localId": "a", "providerUserInfo": google}, object{"localId": "b", "providerUserInfo": google}).outcome()
	}},
	{"import: a row that is wrong does not stop the others", "200 [1: email is invalid] a,c", func(s subject) string {
		r := s.imported(object{"localId": "a", "email": jane}, object{"localId": "b", "email": "nonsense"}, object{"localId": "c", "email": john})
		return r.importErrors() + " " + s.admin(":lookup", object{"localId": []string{"a", "b", "c"}}).must().uids()
	}},
	{
		"import: an existing uid is never overwritten", "200 [0: localId belongs to an existing account - can not overwrite.] jane@example.com",
		func(s subject) string {
			s.admin("", object{"localId": uid, "email": jane}).must()
			r := s.imported(object{"localId": uid, "email": john})
			return fmt.Sprint(r.importErrors(), " ", s.user(uid)["email"])
		},
	},
	{"import: with allowOverwrite the account is replaced whole", `["john@example.com",null]`, func(s subject) string {
		s.admin("", object{"localId": uid, "email": jane, "displayName": "Jane"}).must()
		s.admin(":batchCreate", object{"allowOverwrite": true, "users": []object{{"localId": uid, "email": john}}}).must()
		u := s.user(uid)
		return jsonText([]any{u["email"], u["displayName"]})
	}},
	{"import: an existing e-mail", "200 [0: email exists in other account in database]", func(s subject) string {
		s.signUp(jane)
		return s.imported(object{"localId": uid, "email": jane}).importErrors()
	}},
	{"import: an existing e-mail, without sanityCheck", "200 []", func(s subject) string {
		s.signUp(jane)
		return s.admin(":batchCreate", object{"users": []object{{"localId": uid, "email": jane}}}).importErrors()
	}},
	{"import: no uid", "200 [0: localId is missing]", func(s subject) string { return s.imported(object{"email": jane}).importErrors() }},
	{"import: malformed phone", "200 [0: phone number format is invalid]", func(s subject) string {
		return s.imported(object{"localId": uid, "phoneNumber": "5555"}).importErrors()
	}},
	{"import: reserved claim", "200 [0: Custom claims provided include a reserved claim.]", func(s subject) string {
		return s.imported(object{"localId": uid, "customAttributes": `{"iss":1}`}).importErrors()
	}},
	{"import: claims that are no JSON", "200 [0: Invalid custom claims provided.]", func(s subject) string {
		return s.imported(object{"localId": uid, "customAttributes": `{`}).importErrors()
	}},
	{"import: a provider's identity is linked", `["google.com"]`, func(s subject) string {
		s.imported(object{"localId": uid, "email": jane, "providerUserInfo": []object{{"providerId": "google.com", "rawId": "42"}}}).must()
		return providers(s.user(uid))
	}},
	{"import: a provider's identity of another account", "200 [0: raw id exists in other account in database]", func(s subject) string {
		google := []object{{"providerId": "google.com", "rawId": "42"}}
		s.imported(object{"localId": "a", "providerUserInfo": google}).must()
		return s.imported(object{"localId": "b", "providerUserInfo": google}).importErrors()
	}},
}
