package conformance

import (
	"encoding/base64"
	"fmt"
	"net/url"
)

func (s subject) page(query string) reply {
	s.t.Helper()
	return s.call("GET", toolkit+"projects/"+projectID+"/accounts:batchGet"+query, nil, "Bearer owner")
}

func (s subject) after(first reply) reply {
	s.t.Helper()
	return s.page("?maxResults=2&nextPageToken=" + url.QueryEscape(first.text("nextPageToken"))).must()
}

func (s subject) create(uids ...string) {
	s.t.Helper()
	for _, id := range uids {
		s.admin("", object{"localId": id}).must()
	}
}

// password shows which fields of an exported password are there, and its version.
func password(user object) string {
	return fmt.Sprint(user["passwordHash"] != nil, " ", user["salt"] != nil, " ", user["version"])
}

var exportBehaviours = []behaviour{
	{"export: by uid", "a,b,c", func(s subject) string {
		s.create("c", "a", "b")
		return s.page("").must().uids()
	}},
	{"export: pages join up", "a,b c", func(s subject) string {
		s.create("a", "b", "c")
		first := s.page("?maxResults=2").must()
		return first.uids() + " " + s.after(first).uids()
	}},
	{"export: accounts that come and go between pages", "a,c d,g", func(s subject) string {
		s.create("g", "a", "c", "e")
		first := s.page("?maxResults=2").must()
		s.create("b", "d")
		s.admin(":batchDelete", object{"localIds": []string{"c", "e"}, "force": true}).must()
		return first.uids() + " " + s.after(first).uids()
	}},
	{"export: a page that is not full is the last", "null", func(s subject) string {
		s.create("a")
		return jsonText(s.page("?maxResults=2").must().body["nextPageToken"])
	}},
	{"export: more than 1,000 accounts a page", "a", func(s subject) string {
		s.create("a")
		return s.page("?maxResults=5000").must().uids()
	}},
	{"export: only an admin", "400 INSUFFICIENT_PERMISSION", func(s subject) string {
		return s.call("GET", toolkit+"projects/"+projectID+"/accounts:batchGet?key=any", nil, "").outcome()
	}},
	{"export: shows hash, salt and version", "true true 0", func(s subject) string {
		s.signUp(jane)
		return password(s.page("").must().user())
	}},
	{"export: an imported hash is not shown", "false false <nil>", func(s subject) string {
		s.imported(object{"localId": uid, "email": jane, "passwordHash": bcryptOfSecret()}).must()
		return password(s.page("").must().user())
	}},
	{"export: an imported password is shown after its first sign-in", "true true 0", func(s subject) string {
		s.imported(object{"localId": uid, "email": jane, "passwordHash": bcryptOfSecret()}).must()
		s.signIn(jane, secret)
		return password(s.page("").must().user())
	}},
	{"export: an account without a password", "false false <nil>", func(s subject) string {
		s.create("a")
		return password(s.page("").must().user())
	}},
	{
		"export: the fields of an imported account",
		"createdAt,customAttributes,disabled,displayName,email,emailVerified,lastLoginAt,localId,passwordUpdatedAt,phoneNumber,photoUrl,providerUserInfo,validSince",
		func(s subject) string {
			s.imported(object{
				"localId": uid, "email": jane, "emailVerified": true, "displayName": "Jane", "disabled": true, "passwordHash": bcryptOfSecret(),
				"photoUrl": "http://localhost/a.png", "phoneNumber": "+15555550100", "customAttributes": `{"a":1}`,
				"createdAt": "1500000000000", "lastLoginAt": "1600000000000", "providerUserInfo": []object{{"providerId": google, "rawId": "42"}},
			}).must()
			return names(s.page("").must().user())
		},
	},
	{"export: ways to sign in", `["google.com","password","phone"]`, func(s subject) string {
		s.imported(object{
			"localId": uid, "email": jane, "passwordHash": bcryptOfSecret(), "phoneNumber": "+15555550100",
			"providerUserInfo": []object{{"providerId": google, "rawId": "42"}},
		}).must()
		return providers(s.page("").must().user())
	}},
	{"config: the parameters of hashes", "5 algorithm,memoryCost,rounds,saltSeparator,signerKey", func(s subject) string {
		signIn, _ := s.call("GET", adminConfigPath, nil, "Bearer owner").must().body["signIn"].(object)
		config, _ := signIn["hashConfig"].(object)
		return fmt.Sprint(len(config), " ", names(config))
	}},
	{"config: only an admin", "400 INSUFFICIENT_PERMISSION", func(s subject) string {
		return s.call("GET", adminConfigPath+"?key=any", nil, "").outcome()
	}},
}

var bulkBehaviours = []behaviour{
	{"import: an unknown hash algorithm", "400 INVALID_HASH_ALGORITHM", func(s subject) string {
		return s.admin(":batchCreate", object{
			"hashAlgorithm": "ROT13", "users": []object{{"localId": uid, "email": jane, "passwordHash": bcryptOfSecret()}},
		}).outcome()
	}},
	{"import: no hash algorithm", "400 MISSING_HASH_ALGORITHM", func(s subject) string {
		return s.admin(":batchCreate", object{"users": []object{{"localId": uid, "email": jane, "passwordHash": bcryptOfSecret()}}}).outcome()
	}},
	{"import: a refused request imports no account", "imported []", func(s subject) string {
		bad := base64.URLEncoding.EncodeToString([]byte("not bcrypt"))
		s.imported(object{"localId": "a", "email": john}, object{"localId": uid, "email": jane, "passwordHash": bad})
		return "imported [" + s.page("").must().uids() + "]"
	}},
	{"import: 1,000 users", "200 []", func(s subject) string { return s.imported(many(1000)...).importErrors() }},
	{"import: 1,001 users", "400 MAXIMUM_USER_COUNT_EXCEEDED", func(s subject) string { return s.imported(many(1001)...).outcome() }},
	{"batchDelete: 1,001 uids", "400 LOCAL_ID_LIST_EXCEEDS_LIMIT", func(s subject) string {
		return s.admin(":batchDelete", object{"localIds": make([]string, 1001), "force": true}).outcome()
	}},
	{"batchDelete: a uid twice", "200 ", func(s subject) string {
		s.create("a")
		r := s.admin(":batchDelete", object{"localIds": []string{"a", "a"}, "force": true})
		return r.shape() + s.page("").must().uids()
	}},
}

func many(count int) []object {
	users := make([]object, count)
	for i := range users {
		users[i] = object{"localId": fmt.Sprintf("user-%04d", i)}
	}
	return users
}
