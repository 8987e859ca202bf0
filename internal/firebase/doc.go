// Package firebase is the vendor: everything that this service asks of Google, and the only room that imports Google's code.
//
// It owns three conversations: the Admin SDK (create, look up, delete a user: A8), Identity Toolkit (sign in by password)
// and Secure Token (refresh). It owns the one table (refusals.go) that puts Google's error messages into our words, the
// time limit of every call (O3), and the promise that no password, token, key or address of a person is in an error's text
// (T6, O1). Google's throttling is rate_limited and its outages are dependency_unavailable: neither is ever a 401 (A4).
//
// It does not know our tables, HTTP handlers, or who may do what. [ErrUserDisabled] says what Google said, which it says
// before it looks at the password: whom that may be told to is decided by internal/account (A3).
//
// When the build breaks here after an upgrade of the SDK: accounts.go and signin.go hold the only calls. When a test breaks
// here: Google's wire format, or our development provider's, has moved; wire.go and refusals.go are the two places to look.
package firebase
