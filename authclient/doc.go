// Package authclient is net/http middleware that verifies bearer tokens at the auth service.
//
//	handler = authclient.New(authclient.Options{BaseURL: url}).Middleware(handler)
//
// It has no keys and no cache, so a revoked token never passes. It fails closed: an outage or a broken answer is 503 with Retry-After,
// never 401. It removes inbound X-User- and X-Auth- headers (rule G4). No error and no [Result] holds a token (T6).
//
// When a test breaks after a contract change, change answer.go and refusal.go.
package authclient
