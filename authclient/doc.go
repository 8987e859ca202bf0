// Package authclient lets a Go service ask the auth service who is calling: net/http middleware over POST
// /v1/auth/verify-token, with nothing but the standard library.
//
//	client := authclient.New(authclient.Options{BaseURL: "http://auth:3008"})
//	handler = client.Middleware(handler)                    // everybody who is signed in
//	admin = client.Middleware(authclient.RequireType("admin")(admin))
//	user, ok := authclient.UserFrom(ctx)                    // in a handler behind it
//
// It owns the way from an Authorization header to a [User] in the request's context, and what a client hears when there is
// none: the service's own refusals, word for word, in the service's envelope. It does not know keys, secrets or the database:
// it never decides that a token is good, keeps no answer and asks nobody else, since whoever else could be asked might accept
// what was revoked. So it fails closed: no answer, a late one, or one that is not the contract's is 503
// dependency_unavailable with Retry-After, never 401 (the token may be fine) and never a way through.
//
// Inbound headers whose names begin with X-User- or X-Auth- once "." and "_" are read as "-" are gone before a handler sees
// the request (rule G4): behind this middleware only the context says who calls. No token is in any error or [Result] (T6).
//
// When a test breaks here after a change of contract: the answer's types are in answer.go, and the envelope is in refusal.go.
package authclient
