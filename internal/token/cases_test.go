package token_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strconv"
	"strings"
	"time"

	"auth-v2-service/internal/token"
)

const (
	sdkAccepts = "accepted"
	sdkInvalid = "invalid"
	sdkExpired = "expired"
)

type tokenCase struct {
	rule, name string
	compact    string
	want       error // nil: accepted
	sdk        string
	why        string
}

const (
	kid         = "2b4f1a"
	kidShort    = "0short"
	kidRunOut   = "0runout"
	kidStranger = "0stranger" // never listed
)

func listedKeys(now time.Time) []byte {
	return keyDocument(map[string]string{
		kid:       certificateFor(firstKey(), now.Add(24*time.Hour)),
		kidShort:  certificateFor(shortKey(), now.Add(24*time.Hour)),
		kidRunOut: certificateFor(secondKey(), now.Add(-24*time.Hour)),
	})
}

type caseBuilder struct {
	now     time.Time
	payload string
}

func (b caseBuilder) header(text string) string { return compact(text, b.payload, rs256(firstKey())) }

func (b caseBuilder) body(text string) string { return compact(headerOf(kid), text, rs256(firstKey())) }

func (b caseBuilder) claims(edits ...func(map[string]any)) string {
	return idToken(b.now, kid, firstKey(), edits...)
}

func (b caseBuilder) member(text string) string {
	return b.body(strings.TrimSuffix(b.payload, "}") + "," + text + "}")
}

func (b caseBuilder) in(d time.Duration) int64 { return b.now.Add(d).Unix() }

// T1, T2, T3.
func tokenCases(now time.Time) []tokenCase {
	b := caseBuilder{now: now, payload: jsonText(payload(now))}
	var all []tokenCase
	for _, group := range [][]tokenCase{
		b.good(), b.algorithms(), b.headers(), b.encodings(), b.strictness(), b.profiles(), b.audiencesAndSubjects(), b.dates(), b.signatures(), b.keys(),
	} {
		all = append(all, group...)
	}
	return all
}

func (b caseBuilder) good() []tokenCase {
	return []tokenCase{
		{rule: "T2", name: "good", compact: b.claims(), sdk: sdkAccepts},
		{rule: "T1", name: "no typ", compact: b.header(`{"alg":"RS256","kid":"` + kid + `"}`), sdk: sdkAccepts},
		{rule: "T1", name: "a header member that chooses nothing", compact: b.header(`{"alg":"RS256","kid":"` + kid + `","x5t":"YQ"}`), sdk: sdkAccepts},
		{rule: "T2", name: "custom claims of any shape", compact: b.claims(set("roles", []any{"a", map[string]any{"b": 1.5}})), sdk: sdkAccepts},
		{rule: "T2", name: "name beyond ASCII, escaped as a surrogate pair", compact: b.body(replaced(b.payload, "Jane Doe", `J\u00e4ne \ud83d\ude00`)), sdk: sdkAccepts},
		{rule: "T1", name: "text about an escape is no NUL", compact: b.body(replaced(b.payload, "Jane Doe", `Jane \\u0000`)), sdk: sdkAccepts},
		{rule: "T2", name: "identities of an unknown shape", compact: b.claims(set("firebase", map[string]any{"identities": map[string]any{"new.idp": 7}})), sdk: sdkAccepts},
		{rule: "T2", name: "identities null", compact: b.claims(set("firebase", map[string]any{"identities": nil})), sdk: sdkAccepts},
		{rule: "T1", name: "8 KiB exactly", compact: b.padded(8 << 10), sdk: sdkAccepts},
	}
}

func (b caseBuilder) padded(n int) string {
	for pad := n/2 + n/8; ; pad++ {
		if text := b.claims(set("pad", strings.Repeat("p", pad))); len(text) >= n {
			return text
		}
	}
}

func (b caseBuilder) algorithms() []tokenCase {
	with := func(alg string, sign func(string) []byte) string {
		return compact(`{"alg":`+alg+`,"kid":"`+kid+`","typ":"JWT"}`, b.payload, sign)
	}
	public := publicPEM(firstKey())
	good := rs256(firstKey())
	refused := func(name, compact string) tokenCase {
		return tokenCase{rule: "T1", name: name, compact: compact, want: token.ErrMalformed, sdk: sdkInvalid}
	}
	return []tokenCase{
		refused("alg none, unsigned", with(`"none"`, unsigned)),
		refused("alg none, unsigned, no kid (the emulator's)", compact(`{"alg":"none","typ":"JWT"}`, b.payload, unsigned)),
		refused("alg nOnE, unsigned", with(`"nOnE"`, unsigned)),
		refused("alg none over a good signature", with(`"none"`, good)),
		refused("alg RS256, unsigned", with(`"RS256"`, unsigned)),
		refused("HS256 signed with the public key", with(`"HS256"`, hs256(public))),
		refused("alg RS256, signed by HMAC with the public key", with(`"RS256"`, hs256(public))),
		refused("alg RS384", with(`"RS384"`, good)),
		refused("alg RS512", with(`"RS512"`, good)),
		refused("alg PS256", with(`"PS256"`, good)),
		refused("alg ES256", with(`"ES256"`, good)),
		refused("alg rs256 in small letters", with(`"rs256"`, good)),
		refused("alg with a blank", with(`"RS256 "`, good)),
		refused("alg empty", with(`""`, good)),
		refused("alg null", with(`null`, good)),
		refused("alg a number", with(`256`, good)),
		refused("alg a list", with(`["RS256"]`, good)),
		refused("alg absent", b.header(`{"kid":"`+kid+`","typ":"JWT"}`)),
		{
			rule: "T1", name: "alg under another name's case", compact: b.header(`{"ALG":"RS256","kid":"` + kid + `"}`), want: token.ErrMalformed, sdk: sdkAccepts,
			why: "JOSE names are case-sensitive; encoding/json's are not",
		},
	}
}

func publicPEM(key *rsa.PrivateKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func (b caseBuilder) headers() []tokenCase {
	const choosing = "the header tries to choose; the SDK does not look (and does not use it)"
	with := func(member string) string { return b.header(`{"alg":"RS256","kid":"` + kid + `",` + member + `}`) }
	stricter := func(name, compact, why string) tokenCase {
		return tokenCase{rule: "T1", name: name, compact: compact, want: token.ErrMalformed, sdk: sdkAccepts, why: why}
	}
	refused := func(name, compact string) tokenCase {
		return tokenCase{rule: "T1", name: name, compact: compact, want: token.ErrMalformed, sdk: sdkInvalid}
	}
	const critical = "RFC 7515 4.1.11: an extension that we do not know must be refused"
	const kind = "RFC 8725 3.11: another kind of JWT"
	const twice = "which one counts? The SDK takes the last"
	return []tokenCase{
		stricter("crit", with(`"crit":["exp"]`), critical),
		stricter("crit null", with(`"crit":null`), critical),
		stricter("crit b64", with(`"b64":false,"crit":["b64"]`), critical),
		stricter("jku", with(`"jku":"https://evil.example/keys"`), choosing),
		stricter("jku null", with(`"jku":null`), choosing),
		stricter("x5u", with(`"x5u":"https://evil.example/cert"`), choosing),
		stricter("x5c", with(`"x5c":["MIIB"]`), choosing),
		stricter("jwk beside a good signature", with(`"jwk":{"kty":"RSA"}`), choosing),
		refused("jwk of a stranger who signed", compact(`{"alg":"RS256","kid":"`+kid+`","jwk":{"kty":"RSA","e":"AQAB","n":"`+encode(strangerKey().N.Bytes())+`"}}`, b.payload, rs256(strangerKey()))),
		stricter("typ at+jwt", b.header(`{"alg":"RS256","kid":"`+kid+`","typ":"at+jwt"}`), kind),
		{rule: "T1", name: "typ jwt in small letters", compact: b.header(`{"alg":"RS256","kid":"` + kid + `","typ":"jwt"}`), sdk: sdkAccepts},
		{rule: "T1", name: "typ as a media type", compact: b.header(`{"alg":"RS256","kid":"` + kid + `","typ":"application/JWT"}`), sdk: sdkAccepts},
		stricter("typ empty", b.header(`{"alg":"RS256","kid":"`+kid+`","typ":""}`), kind),
		stricter("typ JWT with a blank", b.header(`{"alg":"RS256","kid":"`+kid+`","typ":"JWT "}`), kind),
		stricter("typ null", b.header(`{"alg":"RS256","kid":"`+kid+`","typ":null}`), kind),
		refused("typ a number", b.header(`{"alg":"RS256","kid":"`+kid+`","typ":1}`)),
		refused("kid absent", b.header(`{"alg":"RS256","typ":"JWT"}`)),
		refused("kid empty", b.header(`{"alg":"RS256","kid":""}`)),
		refused("kid null", b.header(`{"alg":"RS256","kid":null}`)),
		refused("kid a number", b.header(`{"alg":"RS256","kid":7}`)),
		stricter("alg twice", b.header(`{"alg":"none","alg":"RS256","kid":"`+kid+`"}`), twice),
		stricter("kid twice", b.header(`{"alg":"RS256","kid":"x","kid":"`+kid+`"}`), twice),
		stricter("kid twice, once escaped", b.header(`{"alg":"RS256","k\u0069d":"x","kid":"`+kid+`"}`), twice),
		stricter("trailing data after the header", b.header(headerOf(kid)+`{"alg":"none"}`), "the SDK reads one value and stops"),
		refused("header is a list", b.header(`["RS256"]`)),
		refused("header is null", b.header(`null`)),
		refused("header is empty", b.header(``)),
		refused("header is cut off", b.header(`{"alg":"RS256","kid":"`+kid)),
	}
}

func (b caseBuilder) encodings() []tokenCase {
	good := b.claims()
	parts := strings.Split(good, ".")
	refused := func(name, compact string) tokenCase {
		return tokenCase{rule: "T1", name: name, compact: compact, want: token.ErrMalformed, sdk: sdkInvalid}
	}
	stricter := func(name, compact, why string) tokenCase {
		return tokenCase{rule: "T1", name: name, compact: compact, want: token.ErrMalformed, sdk: sdkAccepts, why: why}
	}
	const spellings = "one token, one spelling: caches and logs key it by its bytes (T6)"
	return []tokenCase{
		{rule: "T1", name: "no token at all", compact: "", want: token.ErrMissing, sdk: sdkInvalid},
		refused("one dot", parts[0]+"."+parts[1]),
		refused("four segments", good+".YQ"),
		refused("two dots and nothing", ".."),
		refused("garbage", "garbage"),
		refused("a blank before", " "+good),
		stricter("a line break at the end", good+"\n", spellings),
		stricter("line breaks inside the signature", parts[0]+"."+parts[1]+"."+parts[2][:40]+"\r\n"+parts[2][40:], spellings),
		stricter("stray bits in the signature's last character", good[:len(good)-1]+strayBits(good[len(good)-1]), spellings),
		refused("padding", good+"=="),
		refused("the alphabet with + and /", strings.NewReplacer("-", "+", "_", "/").Replace(good)),
		refused("NUL inside", good[:30]+"\x00"+good[31:]),
		refused("beyond ASCII", good[:30]+"é"+good[31:]),
		stricter("over 8 KiB", b.padded(8<<10+1), "nothing of Firebase's comes near; a bound before any work"),
		refused("100 KiB of dots", strings.Repeat(".", 100<<10)),
		refused("encrypted (five segments)", good+".YQ.YQ"),
	}
}

func strayBits(last byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, last)|1])
}

func (b caseBuilder) strictness() []tokenCase {
	stricter := func(name, compact, why string) tokenCase {
		return tokenCase{rule: "T1", name: name, compact: compact, want: token.ErrMalformed, sdk: sdkAccepts, why: why}
	}
	refused := func(name, compact string) tokenCase {
		return tokenCase{rule: "T1", name: name, compact: compact, want: token.ErrMalformed, sdk: sdkInvalid}
	}
	const twice = "which one counts? Two readers of one token may disagree"
	const text = "no text that PostgreSQL or a header could hold"
	return []tokenCase{
		stricter("sub twice", b.member(`"sub":"victim"`), twice),
		stricter("sub twice, once escaped", b.member(`"s\u0075b":"victim"`), twice),
		stricter("email_verified twice", b.member(`"email_verified":true`), twice),
		stricter("twice inside firebase", b.body(replaced(b.payload, `"sign_in_provider":`, `"sign_in_provider":"x","sign_in_provider":`)), twice),
		stricter("a provider twice inside identities", b.body(replaced(b.payload, `"identities":{`, `"identities":{"email":[],`)), twice),
		stricter("twice inside a provider's identities", b.body(replaced(b.payload, `"identities":{`, `"identities":{"x":{"a":1,"a":2},`)), twice),
		stricter("a lone surrogate inside identities", b.body(replaced(b.payload, `"identities":{`, `"identities":{"x":["\udead"],`)), text),
		refused("identities a list", b.claims(set("firebase", map[string]any{"identities": []string{"email"}}))),
		refused("identities a text", b.claims(set("firebase", map[string]any{"identities": "email"}))),
		stricter("twice deep inside a custom claim", b.member(`"x":[{"a":{"b":1,"b":2}}]`), twice),
		stricter("sub under another case only", b.body(replaced(b.payload, `"sub":`, `"SUB":`)), "claim names are case-sensitive; encoding/json's are not"),
		{rule: "T1", name: "SUB beside sub (we read sub, the SDK reads SUB)", compact: b.member(`"SUB":"victim"`), sdk: sdkAccepts},
		stricter("trailing data after the payload", b.body(b.payload+`{"sub":"victim"}`), "the SDK reads one value and stops"),
		refused("payload cut off", b.body(strings.TrimSuffix(b.payload, "}"))),
		refused("payload is a list", b.body(`[`+b.payload+`]`)),
		refused("payload is null", b.body(`null`)),
		refused("payload is empty", b.body(``)),
		refused("payload begins with a byte order mark", b.body("\ufeff"+b.payload)),
		refused("payload has a comment", b.body("/**/"+b.payload)),
		{rule: "T2", name: "NUL in a name, escaped", compact: b.body(replaced(b.payload, "Jane Doe", `Jane\u0000`)), sdk: sdkAccepts},
		{rule: "T2", name: "NUL after a backslash", compact: b.body(replaced(b.payload, "Jane Doe", `Jane\\\u0000`)), sdk: sdkAccepts},
		{rule: "T2", name: "NUL in a custom claim's name", compact: b.member(`"a\u0000":1`), sdk: sdkAccepts},
		stricter("NUL in the subject", b.claims(set("sub", "uid-of-somebody\x00-with-nul")), text),
		stricter("NUL in the address", b.claims(set("email", "jane\x00@example.com")), text),
		stricter("NUL in the provider", b.claims(set("firebase", map[string]any{"sign_in_provider": "a\x00b"})), text),
		refused("NUL in a name, bare", b.body(replaced(b.payload, "Jane Doe", "Jane\x00"))),
		stricter("a lone surrogate", b.body(replaced(b.payload, "Jane Doe", `Jane \ud83d`)), text),
		stricter("surrogates in the wrong order", b.body(replaced(b.payload, "Jane Doe", `Jane \ude00\ud83d`)), text),
		stricter("a lone surrogate in a custom claim", b.member(`"x":"\udead"`), text),
		stricter("invalid UTF-8", b.body(replaced(b.payload, "Jane Doe", "Jane \xff")), text),
		stricter("email_verified a string", b.claims(set("email_verified", "true")), "linking (F3) depends on it: a boolean or nothing"),
		stricter("a name twice inside a name that is an object", b.body(replaced(b.payload, `"Jane Doe"`, `{"a":1,"a":2}`)), twice),
		stricter("a lone surrogate inside a name that is a list", b.body(replaced(b.payload, `"Jane Doe"`, `["\udead"]`)), text),
		stricter("email an object", b.claims(set("email", map[string]any{"home": "jane@example.com"})), "linking (F3) depends on it: text or nothing"),
		stricter("email a number", b.claims(set("email", 7)), "linking (F3) depends on it: text or nothing"),
		stricter("email_verified a number", b.claims(set("email_verified", 1)), "linking (F3) depends on it: a boolean or nothing"),
	}
}

func (b caseBuilder) profiles() (all []tokenCase) {
	for _, claim := range []string{"name", "picture", "phone_number"} {
		for kind, value := range map[string]any{
			"an object": map[string]any{"first": "Jane"}, "a list": []any{"Jane", 1}, "a number": 7.5, "a boolean": true, "null": nil, "empty": "",
		} {
			all = append(all, tokenCase{rule: "T2", name: claim + " " + kind, compact: b.claims(set(claim, value)), sdk: sdkAccepts})
		}
	}
	return all
}

func (b caseBuilder) audiencesAndSubjects() []tokenCase {
	refused := func(name, compact string) tokenCase {
		return tokenCase{rule: "T2", name: name, compact: compact, want: token.ErrMalformed, sdk: sdkInvalid}
	}
	const customAudience = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
	return []tokenCase{
		{rule: "T1", name: "several audiences", compact: b.claims(set("aud", []string{project, "other"})), want: token.ErrMalformed, sdk: sdkInvalid},
		{rule: "T1", name: "a list of one audience", compact: b.claims(set("aud", []string{project})), want: token.ErrMalformed, sdk: sdkInvalid},
		refused("another audience", b.claims(set("aud", "other"))),
		refused("no audience", b.claims(without("aud"))),
		refused("audience in capitals", b.claims(set("aud", strings.ToUpper(project)))),
		refused("another issuer", b.claims(set("iss", "https://securetoken.google.com/other"))),
		refused("a session cookie's issuer", b.claims(set("iss", "https://session.firebase.google.com/"+project))),
		refused("issuer with a slash more", b.claims(set("iss", "https://securetoken.google.com/"+project+"/"))),
		refused("no issuer", b.claims(without("iss"))),
		refused("a custom token", b.claims(set("iss", "firebase-adminsdk@"+project+".iam.gserviceaccount.com"), set("aud", customAudience))),
		refused("no sub", b.claims(without("sub"))),
		refused("sub empty", b.claims(set("sub", ""))),
		refused("sub null", b.claims(set("sub", nil))),
		refused("sub a number", b.claims(set("sub", 7))),
		refused("sub of 129 characters", b.claims(set("sub", strings.Repeat("s", 129)))),
		{rule: "T2", name: "sub of 128 characters", compact: b.claims(set("sub", strings.Repeat("s", 128))), sdk: sdkAccepts},
		{rule: "T2", name: "sub of 1 character", compact: b.claims(set("sub", "s")), sdk: sdkAccepts},
		{
			rule: "T2", name: "sub of 128 characters, 256 bytes", compact: b.claims(set("sub", strings.Repeat("é", 128))), sdk: sdkInvalid,
			why: "wider: Firebase's limit is characters, the Go SDK counts bytes",
		},
		{
			rule: "T2", name: "a tenant's token, none configured", compact: b.claims(set("firebase", map[string]any{"tenant": "customers"})), want: token.ErrMalformed, sdk: sdkAccepts,
			why: "all tenants of a project share issuer and audience: an e-mail of another tenant is another person's",
		},
	}
}

func (b caseBuilder) dates() []tokenCase {
	accepted := func(name, compact string) tokenCase {
		return tokenCase{rule: "T2", name: name, compact: compact, sdk: sdkAccepts}
	}
	refused := func(name, compact, sdk, why string) tokenCase {
		return tokenCase{rule: "T2", name: name, compact: compact, want: token.ErrMalformed, sdk: sdk, why: why}
	}
	wider := func(name, compact string) tokenCase {
		return tokenCase{
			rule: "T2", name: name, compact: compact, sdk: sdkInvalid,
			why: "RFC 7519 section 2: a NumericDate may have a fraction; the Go SDK reads whole seconds alone",
		}
	}
	const skew = "60 s of skew, not 5 minutes"
	const required = "Firebase's rules require it"
	const revocation = "revocation compares auth_time (T4): one of tomorrow could not be revoked today"
	return []tokenCase{
		accepted("exp 60 s ago", b.claims(set("exp", b.in(-60*time.Second)), set("iat", b.in(-time.Hour)))),
		{rule: "T2", name: "exp 61 s ago", compact: b.claims(set("exp", b.in(-61*time.Second)), set("iat", b.in(-time.Hour))), want: token.ErrExpired, sdk: sdkAccepts, why: skew},
		{rule: "T2", name: "exp an hour ago", compact: b.claims(set("exp", b.in(-time.Hour)), set("iat", b.in(-2*time.Hour))), want: token.ErrExpired, sdk: sdkExpired},
		accepted("iat in 60 s", b.claims(set("iat", b.in(60*time.Second)))),
		refused("iat in 61 s", b.claims(set("iat", b.in(61*time.Second))), sdkAccepts, skew),
		refused("iat in 10 minutes", b.claims(set("iat", b.in(10*time.Minute))), sdkInvalid, ""),
		accepted("auth_time in 60 s", b.claims(set("auth_time", b.in(60*time.Second)))),
		refused("auth_time in 61 s", b.claims(set("auth_time", b.in(61*time.Second))), sdkAccepts, revocation),
		refused("auth_time tomorrow", b.claims(set("auth_time", b.in(24*time.Hour))), sdkAccepts, revocation),
		accepted("auth_time 300 days ago", b.claims(set("auth_time", b.in(-300*24*time.Hour)))),
		refused("no auth_time", b.claims(without("auth_time")), sdkAccepts, required),
		refused("auth_time 0", b.claims(set("auth_time", 0)), sdkAccepts, required),
		refused("auth_time a string", b.claims(set("auth_time", "1700000000")), sdkInvalid, ""),
		refused("no iat", b.claims(without("iat")), sdkAccepts, required),
		refused("iat negative", b.claims(set("iat", -1)), sdkAccepts, "no date"),
		refused("no exp", b.claims(without("exp")), sdkExpired, "absent is malformed, not expired: a refresh would not help"),
		refused("exp null", b.claims(set("exp", nil)), sdkExpired, "absent is malformed, not expired"),
		refused("exp negative", b.claims(set("exp", -1)), sdkExpired, "no date"),
		refused("exp a string", b.claims(set("exp", "9999999999")), sdkInvalid, ""),
		wider("exp with a fraction", b.claims(set("exp", float64(b.in(time.Hour))+0.5))),
		wider("iat with a fraction", b.claims(set("iat", float64(b.in(-time.Minute))+0.5))),
		wider("exp in exponents", b.claims(set("exp", json.RawMessage(strconv.FormatInt(b.in(time.Hour), 10)+"e0")))),
		wider("iat with a fraction of nothing", b.claims(set("iat", json.RawMessage(strconv.FormatInt(b.in(-time.Minute), 10)+".0")))),
		wider("auth_time with a fraction", b.claims(set("auth_time", float64(b.in(-time.Hour))+0.5))),
		accepted("nbf with a fraction", b.claims(set("nbf", float64(b.in(-time.Minute))+0.5))),
		refused("exp beyond every number", b.claims(set("exp", json.RawMessage("1e999"))), sdkInvalid, ""),
		refused("exp a boolean", b.claims(set("exp", true)), sdkInvalid, ""),
		refused("auth_time below a second", b.claims(set("auth_time", 0.5)), sdkInvalid, ""),
		refused("exp beyond the year 9999", b.claims(set("exp", int64(253402300800))), sdkAccepts, "no date"),
		refused("exp beyond 64 bits", b.body(replaced(b.payload, `"exp":`, `"exp":99999999999`)), sdkInvalid, ""),
		refused("exp before iat", b.claims(set("exp", b.in(20*time.Second)), set("iat", b.in(30*time.Second))), sdkAccepts, "it ends before it begins"),
		accepted("nbf in the past", b.claims(set("nbf", b.in(-time.Minute)))),
		refused("nbf tomorrow", b.claims(set("nbf", b.in(24*time.Hour))), sdkAccepts, "RFC 7519 4.1.5, should Google ever send it"),
		refused("expired and of another audience", b.claims(set("exp", b.in(-time.Hour)), set("iat", b.in(-2*time.Hour)), set("aud", "other")), sdkInvalid, ""),
	}
}

func (b caseBuilder) signatures() []tokenCase {
	good := b.claims()
	parts := strings.Split(good, ".")
	expired := strings.Split(b.claims(set("exp", b.in(-time.Hour)), set("iat", b.in(-2*time.Hour))), ".")
	refused := func(name, compact string) tokenCase {
		return tokenCase{rule: "T1", name: name, compact: compact, want: token.ErrMalformed, sdk: sdkInvalid}
	}
	return []tokenCase{
		refused("another payload under a good signature", parts[0]+"."+encode([]byte(replaced(b.payload, "Jane", "John")))+"."+parts[2]),
		refused("another header under a good signature", encode([]byte(`{"kid":"`+kid+`","alg":"RS256"}`))+"."+parts[1]+"."+parts[2]),
		refused("a signature of another length", parts[0]+"."+parts[1]+"."+parts[2][:100]),
		refused("a signature of zeros", parts[0]+"."+parts[1]+"."+encode(make([]byte, 256))),
		refused("a stranger's signature under a known kid", compact(headerOf(kid), b.payload, rs256(strangerKey()))),
		{
			rule: "T1", name: "expired, with a bad signature", compact: expired[0] + "." + expired[1] + "." + parts[2], want: token.ErrMalformed, sdk: sdkExpired,
			why: "nobody we know said that it expired: the signature comes first",
		},
	}
}

func (b caseBuilder) keys() []tokenCase {
	return []tokenCase{
		{rule: "T3", name: "unknown kid, key set just fetched", compact: idToken(b.now, kidStranger, strangerKey()), want: token.ErrMalformed, sdk: sdkInvalid},
		{rule: "T3", name: "a good key's signature under another kid", compact: idToken(b.now, kidRunOut, firstKey()), want: token.ErrMalformed, sdk: sdkInvalid},
		{
			rule: "T3", name: "a listed key of 1024 bits", compact: idToken(b.now, kidShort, shortKey()), want: token.ErrMalformed, sdk: sdkAccepts,
			why: "RFC 7518 3.3: 2048 bits at least",
		},
		{rule: "T3", name: "a listed key whose certificate has run out", compact: idToken(b.now, kidRunOut, secondKey()), sdk: sdkAccepts},
	}
}
