// Package token verifies bearer tokens: strings and keys in, [Claims] or a refusal out. It owns [Verifier] (T1, T2), [KeySet] (T3) and
// [Legacy] (T8), which also signs. It knows no database and no users, caches nothing and logs no part of a token (T6).
//
// jwt.Parse violates T1, the Admin SDK T3 (differential_test.go); jwkset and keyfunc read no certificate document and ignore Cache-Control.
//
// Access and refresh tokens have different secrets and mutually exclusive members (RFC 8725 sections 3.11 and 3.12).
//
// A key is trusted for 24 hours after Google lists it over TLS. An expired certificate gives a warning only, as in Firebase's SDKs.
//
// Nothing generated is imported: a build that breaks here has its cause elsewhere.
package token
