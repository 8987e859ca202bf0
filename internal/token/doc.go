// Package token verifies bearer tokens: strings and keys in, [Claims] or a refusal out. It owns [Verifier] (T1, T2), [KeySet] (T3) and
// [Legacy] (T8), which also signs. It knows no database, users or handlers, caches no verification and logs no part of a token (T6).
//
// The Admin SDK's verifier differs from T3; differential_test.go shows where. jwt.Parse violates T1: the header names the method, the last
// of two equal members wins, names match without case, and lists of audiences pass. jwkset and keyfunc read no certificate document, ignore
// Cache-Control, follow redirects and bound neither body nor age.
//
// Access and refresh tokens have different secrets and mutually exclusive members (RFC 8725 sections 3.11 and 3.12). Equal claims give
// equal refresh tokens, so none is stored.
//
// A key is trusted because Google listed it over TLS within 24 hours. An expired certificate gives a warning only, as in Firebase's SDKs.
//
// Nothing generated is imported: a build that breaks here has its cause elsewhere.
package token
