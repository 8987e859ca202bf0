package token_test

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/token"
)

const (
	accessSecret    = "an-access-secret-of-32-bytes-or-more"
	accessPrevious  = "the-access-secret-before-of-32-bytes"
	refreshSecret   = "a-refresh-secret-of-32-bytes-or-more"
	refreshPrevious = "the-refresh-secret-before-of-32-bytes"
	oldSecret       = "a-secret-of-years-ago-of-32-bytes-ok"

	legacyHeader = `{"alg":"HS256","typ":"JWT"}`
)

var (
	userID    = uuid.MustParse("0f8e2c9a-4b1d-4c3e-9a7f-1d2e3f4a5b6c")
	sessionID = uuid.MustParse("7c6b5a4f-3e2d-4f1a-8f7a-9e3c1d4b2a0e")
)

func legacyOptions(now time.Time) token.LegacyOptions {
	return token.LegacyOptions{
		AccessSecrets: []string{accessSecret, accessPrevious}, RefreshSecrets: []string{refreshSecret, refreshPrevious},
		AccessLife: time.Hour, RefreshLife: 30 * 24 * time.Hour, Clock: newClock(now).Now,
	}
}

func newLegacy(t testing.TB, now time.Time) *token.Legacy {
	t.Helper()
	legacy, err := token.NewLegacy(legacyOptions(now))
	if err != nil {
		t.Fatal(err)
	}
	return legacy
}

func legacyAccess(now time.Time) map[string]any {
	return map[string]any{
		"id": userID.String(), "email": "jane@example.com", "user_type": "user",
		"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(59 * time.Minute).Unix(),
	}
}

func legacyRefresh(now time.Time) map[string]any {
	return map[string]any{
		"id": userID.String(), "sid": sessionID.String(), "jti": "turn-1",
		"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(30*24*time.Hour - time.Minute).Unix(),
	}
}

type legacyCase struct {
	rule, name string
	compact    string
	want       error
}

type legacyBuilder struct {
	now          time.Time
	payload      map[string]any
	secret, past string
	otherKind    string
	most         time.Duration
}

func (b legacyBuilder) signed(header, body, secret string) string {
	return compact(header, body, hs256([]byte(secret)))
}

func (b legacyBuilder) header(text string) string {
	return b.signed(text, jsonText(b.payload), b.secret)
}

func (b legacyBuilder) body(text string) string { return b.signed(legacyHeader, text, b.secret) }

func (b legacyBuilder) claims(edits ...func(map[string]any)) string {
	claims := maps.Clone(b.payload)
	for _, edit := range edits {
		edit(claims)
	}
	return b.body(jsonText(claims))
}

func (b legacyBuilder) member(text string) string {
	return b.body(strings.TrimSuffix(jsonText(b.payload), "}") + "," + text + "}")
}

func (b legacyBuilder) in(d time.Duration) int64 { return b.now.Add(d).Unix() }

func good(rule, name, compact string) legacyCase { return legacyCase{rule, name, compact, nil} }

func bad(rule, name, compact string) legacyCase {
	return legacyCase{rule, name, compact, token.ErrMalformed}
}

func legacyAccessCases(now time.Time) []legacyCase {
	b := legacyBuilder{now: now, payload: legacyAccess(now), secret: accessSecret, past: accessPrevious, otherKind: refreshSecret, most: 24 * time.Hour}
	refresh := jsonText(legacyRefresh(now))
	return append(b.shared(), []legacyCase{
		good("T8", "ours: auth_time and sid", b.claims(set("auth_time", b.in(-48*time.Hour)), set("sid", sessionID.String()))),
		good("T8", "auth_time in 60 s", b.claims(set("auth_time", b.in(60*time.Second)))),
		good("T8", "auth_time null is none", b.claims(set("auth_time", nil))),
		bad("T2", "auth_time in 61 s", b.claims(set("auth_time", b.in(61*time.Second)))),
		bad("T2", "auth_time 0", b.claims(set("auth_time", 0))),
		bad("T2", "auth_time negative", b.claims(set("auth_time", -1))),
		good("T2", "auth_time with a fraction", b.claims(set("auth_time", float64(b.in(-time.Hour))+0.5))),
		bad("T2", "auth_time below a second", b.claims(set("auth_time", 0.5))),
		bad("T2", "auth_time a string", b.claims(set("auth_time", "1700000000"))),
		bad("T8", "sid empty", b.claims(set("sid", ""))),
		bad("T8", "sid not a UUID", b.claims(set("sid", "session"))),
		bad("T8", "email a number", b.claims(set("email", 7))),
		bad("T8", "user_type a list", b.claims(set("user_type", []string{"admin"}))),
		bad("T8", "a refresh token", b.signed(legacyHeader, refresh, refreshSecret)),
		bad("T8", "a refresh token's members under the access secret", b.signed(legacyHeader, refresh, accessSecret)),
		bad("T8", "jti", b.claims(set("jti", "1"))),
		bad("T8", "jti null", b.claims(set("jti", nil))),
	}...)
}

func legacyRefreshCases(now time.Time) []legacyCase {
	b := legacyBuilder{now: now, payload: legacyRefresh(now), secret: refreshSecret, past: refreshPrevious, otherKind: accessSecret, most: 90 * 24 * time.Hour}
	access := legacyAccess(now)
	return append(b.shared(), []legacyCase{
		good("T8", "the old auth-service's", b.claims(without("sid"), without("jti"))),
		good("T8", "the old auth-service's with more of the person", b.body(jsonText(access))),
		good("T8", "jti of 64 characters", b.claims(set("jti", strings.Repeat("é", 64)))),
		bad("T8", "jti of 65 characters", b.claims(set("jti", strings.Repeat("j", 65)))),
		bad("T8", "jti empty", b.claims(set("jti", ""))),
		bad("T8", "jti a number", b.claims(set("jti", 1))),
		bad("T8", "sid without jti", b.claims(without("jti"))),
		bad("T8", "jti without sid", b.claims(without("sid"))),
		bad("T8", "sid empty", b.claims(set("sid", ""))),
		bad("T8", "sid in capitals", b.claims(set("sid", strings.ToUpper(sessionID.String())))),
		bad("T8", "an access token", b.signed(legacyHeader, jsonText(access), accessSecret)),
		bad("T8", "an access token's auth_time under the refresh secret", b.claims(set("auth_time", b.in(-time.Hour)))),
		bad("T1", "Firebase's", idToken(now, kid, firstKey())),
	}...)
}

func (b legacyBuilder) shared() []legacyCase {
	var all []legacyCase
	for _, group := range [][]legacyCase{b.secrets(), b.algorithms(), b.headers(), b.encodings(), b.ids(), b.dates(), b.strangers()} {
		all = append(all, group...)
	}
	return all
}

func (b legacyBuilder) secrets() []legacyCase {
	body := jsonText(b.payload)
	expired := maps.Clone(b.payload)
	expired["iat"], expired["exp"] = b.in(-2*time.Hour), b.in(-time.Hour)
	return []legacyCase{
		good("T8", "good", b.claims()),
		good("T8", "the previous secret", b.signed(legacyHeader, body, b.past)),
		bad("T8", "the other kind's secret", b.signed(legacyHeader, body, b.otherKind)),
		bad("T8", "an empty secret", b.signed(legacyHeader, body, "")),
		bad("T8", "a secret of long ago", b.signed(legacyHeader, body, oldSecret)),
		bad("T8", "the secret in capitals", b.signed(legacyHeader, body, strings.ToUpper(b.secret))),
		bad("T1", "the public key for a secret", compact(legacyHeader, body, hs256(publicPEM(firstKey())))),
		bad("T1", "unsigned", compact(legacyHeader, body, unsigned)),
		bad("T1", "a signature of zeros", compact(legacyHeader, body, func(string) []byte { return make([]byte, 32) })),
		bad("T1", "half a signature", compact(legacyHeader, body, func(s string) []byte { return hs256([]byte(b.secret))(s)[:16] })),
		bad("T1", "signed by RSA", compact(legacyHeader, body, rs256(firstKey()))),
		bad("T8", "expired, with a bad signature", b.signed(legacyHeader, jsonText(expired), oldSecret)),
	}
}

func (b legacyBuilder) algorithms() []legacyCase {
	body := jsonText(b.payload)
	var all []legacyCase
	for _, alg := range []string{`"HS384"`, `"HS512"`, `"hs256"`, `"HS256 "`, `""`, `null`, `256`, `["HS256"]`, `"RS256"`, `"none"`} {
		all = append(all, bad("T1", "alg "+alg+" over a good signature", b.header(`{"alg":`+alg+`,"kid":"`+kid+`"}`)))
	}
	return append(all,
		bad("T1", "alg none, unsigned", compact(`{"alg":"none"}`, body, unsigned)),
		bad("T1", "alg absent", b.header(`{"typ":"JWT"}`)),
		bad("T1", "alg under another name's case", b.header(`{"ALG":"HS256"}`)),
		bad("T1", "alg twice", b.header(`{"alg":"none","alg":"HS256"}`)),
	)
}

func (b legacyBuilder) headers() []legacyCase {
	with := func(member string) string { return b.header(`{"alg":"HS256",` + member + `}`) }
	return []legacyCase{
		good("T1", "no typ", b.header(`{"alg":"HS256"}`)),
		good("T1", "kid chooses nothing", with(`"kid":"../../dev/null"`)),
		bad("T1", "kid a number", with(`"kid":7`)),
		good("T1", "typ jwt in small letters", with(`"typ":"jwt"`)),
		good("T1", "typ as a media type", with(`"typ":"application/JWT"`)),
		bad("T1", "typ at+jwt", with(`"typ":"at+jwt"`)),
		bad("T1", "typ null", with(`"typ":null`)),
		bad("T1", "crit", with(`"crit":["exp"]`)),
		bad("T1", "jku", with(`"jku":"https://evil.example/keys"`)),
		bad("T1", "jwk", with(`"jwk":{"kty":"oct","k":""}`)),
		bad("T1", "x5u", with(`"x5u":"https://evil.example/cert"`)),
		bad("T1", "x5c", with(`"x5c":["MIIB"]`)),
	}
}

func (b legacyBuilder) encodings() []legacyCase {
	text := b.claims()
	quoted := `"id":"` + userID.String() + `"`
	return []legacyCase{
		{"T1", "no token at all", "", token.ErrMissing},
		bad("T1", "9 KiB", b.claims(set("pad", strings.Repeat("p", 9<<10)))),
		bad("T1", "a line break at the end", text+"\n"),
		bad("T1", "padding", text+"="),
		bad("T1", "stray bits in the signature's last character", text[:len(text)-1]+strayBits(text[len(text)-1])),
		bad("T1", "another payload under a good signature", replaced(text, strings.Split(text, ".")[1], encode([]byte(jsonText(legacyAccess(b.now.Add(time.Second))))))),
		bad("T1", "id twice", b.member(quoted)),
		bad("T1", "id twice, once escaped", b.member(`"\u0069d":"`+sessionID.String()+`"`)),
		bad("T1", "exp twice", b.member(`"exp":9999999999`)),
		bad("T1", "twice deep inside", b.member(`"x":[{"a":1,"a":2}]`)),
		bad("T1", "id under another case only", b.body(replaced(jsonText(b.payload), `"id":`, `"ID":`))),
		good("T1", "ID beside id is not read", b.member(`"ID":"victim"`)),
		bad("T1", "trailing data", b.body(jsonText(b.payload)+`{}`)),
		bad("T1", "payload is null", b.body(`null`)),
		bad("T1", "payload is empty", b.body(``)),
		bad("T1", "payload is a list", b.body(`[]`)),
		bad("T1", "NUL, escaped", b.member(`"x":"\u0000"`)),
		bad("T1", "invalid UTF-8", b.member("\"x\":\"\xff\"")),
	}
}

func (b legacyBuilder) ids() []legacyCase {
	id := userID.String()
	all := []legacyCase{
		bad("F1", "no id", b.claims(without("id"))),
		bad("F1", "id null", b.claims(set("id", nil))),
		bad("F1", "id a number", b.claims(set("id", 7))),
		bad("F1", "id a list", b.claims(set("id", []string{id}))),
		bad("F1", "id an object", b.claims(set("id", map[string]any{"$ne": nil}))),
	}
	for name, text := range map[string]string{
		"empty": "", "SQL": "' OR 1=1 --", "SQL behind a UUID": id + "' OR '1'='1", "no UUID": "jane", "in capitals": strings.ToUpper(id),
		"braces": "{" + id + "}", "a URN": "urn:uuid:" + id, "no hyphens": strings.ReplaceAll(id, "-", ""), "a blank": id + " ",
		"the zero UUID": uuid.Nil.String(), "a path": "../" + id,
	} {
		all = append(all, bad("F1", "id: "+name, b.claims(set("id", text))))
	}
	return all
}

func (b legacyBuilder) dates() []legacyCase {
	expired := func(ago time.Duration) string {
		return b.claims(set("iat", b.in(-2*time.Hour)), set("exp", b.in(-ago)))
	}
	iat := b.now.Add(-time.Minute)
	return []legacyCase{
		good("T2", "exp 60 s ago", expired(60*time.Second)),
		{"T2", "exp 61 s ago", expired(61 * time.Second), token.ErrExpired},
		{"T2", "exp an hour ago", expired(time.Hour), token.ErrExpired},
		bad("T2", "expired and without an id", b.claims(set("iat", b.in(-2*time.Hour)), set("exp", b.in(-time.Hour)), without("id"))),
		good("T8", "the longest life", b.claims(set("exp", iat.Add(b.most).Unix()))),
		bad("T8", "a second more", b.claims(set("exp", iat.Add(b.most+time.Second).Unix()))),
		bad("T8", "exp in ten years", b.claims(set("exp", b.now.AddDate(10, 0, 0).Unix()))),
		bad("T8", "of ten years, expired", b.claims(set("iat", b.now.AddDate(-11, 0, 0).Unix()), set("exp", b.now.AddDate(-1, 0, 0).Unix()))),
		bad("T8", "exp beyond the year 9999", b.claims(set("exp", int64(253402300800)))),
		bad("T8", "a life that overflows", b.claims(set("iat", 1), set("exp", int64(9223372036854775807)))),
		bad("T2", "no exp", b.claims(without("exp"))),
		bad("T2", "no iat", b.claims(without("iat"))),
		bad("T2", "exp null", b.claims(set("exp", nil))),
		bad("T2", "exp a string", b.claims(set("exp", "9999999999"))),
		good("T2", "exp with a fraction", b.claims(set("exp", float64(b.in(time.Hour))+0.5))),
		good("T2", "exp with a fraction of nothing", b.claims(set("exp", json.RawMessage(strconv.FormatInt(b.in(time.Hour), 10)+".0")))),
		good("T2", "iat with a fraction", b.claims(set("iat", float64(b.in(-time.Minute))+0.5))),
		good("T2", "iat in exponents", b.claims(set("iat", json.RawMessage(strconv.FormatInt(b.in(-time.Minute), 10)+"e0")))),
		good("T2", "nbf with a fraction", b.claims(set("nbf", float64(b.in(-time.Hour))+0.5))),
		bad("T2", "exp beyond every number", b.claims(set("exp", json.RawMessage("1e999")))),
		bad("T2", "exp a boolean", b.claims(set("exp", true))),
		bad("T2", "iat with a fraction in 61 s", b.claims(set("iat", float64(b.in(61*time.Second))+0.5))),
		bad("T2", "iat negative", b.claims(set("iat", -1))),
		bad("T2", "exp at iat", b.claims(set("exp", iat.Unix()))),
		good("T2", "iat in 60 s", b.claims(set("iat", b.in(60*time.Second)))),
		bad("T2", "iat in 61 s", b.claims(set("iat", b.in(61*time.Second)))),
		good("T2", "nbf in the past", b.claims(set("nbf", b.in(-time.Hour)))),
		bad("T2", "nbf tomorrow", b.claims(set("nbf", b.in(24*time.Hour)))),
	}
}

func (b legacyBuilder) strangers() []legacyCase {
	firebase := jsonText(payload(b.now))
	all := []legacyCase{
		bad("T8", "Firebase's claims under a legacy secret", b.body(firebase)),
		bad("T8", "Firebase's claims and an id", b.body(strings.TrimSuffix(firebase, "}")+`,"id":"`+userID.String()+`"}`)),
	}
	for _, name := range []string{"iss", "sub", "aud", "firebase"} {
		all = append(all,
			bad("T8", name, b.claims(set(name, "x"))),
			bad("T8", name+" null", b.claims(set(name, nil))))
	}
	return all
}
