// Package token checks what a bearer token claims. It is pure: strings and keys in, [Claims] or a refusal out.
//
// It owns the verifier ([Verifier], rules T1 and T2), the key set ([KeySet], rule T3), the legacy family, which it signs too
// ([Legacy], rule T8), and the sentinels of all; it knows no database, no users and no HTTP handlers. Its outside is three small things that come in from above: a clock, the
// http.Client that fetches Google's certificates, and a [KeyStore] that keeps the last good ones across a restart. It caches
// no verification and logs no part of a token (T6): a verdict's cache, its key and its end are internal/principal's.
//
// Why not the Admin SDK's verifier: see T3; differential_test.go holds the two against each other and says where and why they
// differ. Why not jwt.Parse: golang-jwt decodes strict base64url and checks signatures here, but its parser lets the header
// name the method, takes the last of two equal JSON members, matches member names without regard to case, and accepts lists
// of audiences and fractional dates. T1 forbids each; so the JSON is read by go-json-experiment (the standard library's
// encoding/json/v2 from Go 1.27 on), which refuses duplicate members, lone surrogates and invalid UTF-8 by itself.
//
// Why not MicahParks/jwkset and keyfunc for the key set: they read JWK sets, not Google's kid -> certificate document, refresh
// by a fixed ticker without regard to Cache-Control, read a body of any size, follow redirects, queue callers with an unknown
// kid on a rate limiter (one fetch each, one after the other), cannot tell "unknown" from "could not ask", and know neither an
// age limit nor persistence. What would be left of them is a map.
//
// The legacy family is the platform's own: HS256 under secrets that every service there knows. An access token says who and
// until when, a refresh token which session and which turn of it; each kind has its own secrets, its own life, and members
// that the other is refused for (RFC 8725 sections 3.11 and 3.12). Nothing of a refresh token needs to be kept: the same
// claims are the same token (T6). Sessions, their turns and their end are internal/account's.
//
// Certificates are envelopes: a key is trusted because Google listed it over TLS within the last 24 hours, and a key that it
// withdraws leaves with the next fetch. Their own dates are not a second authority (Firebase's SDKs ignore them too): one that
// has run out is used with a warning, for refusing it would turn Google's slip into our outage and stop no attacker.
//
// When the build breaks here after a change of contract or schema, the cause is elsewhere: nothing generated is imported.
package token
