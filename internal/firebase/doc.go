// Package firebase is the vendor: everything that this service asks of Google, and the only room that imports Google's code.
//
// It owns four conversations: the administration of accounts (create, import, look up, change, delete: A8, M1, M6), Identity
// Toolkit (sign in by password, second factor or custom token; mails and their codes: A9, A11, M9), Secure Token (refresh) and,
// where there is no key file, IAM (sign a custom token). Import is the only way that accounts get in by the hundred, and it never
// overwrites one (M1). It owns the one table (refusals.go) that puts Google's error messages into our words, the time limit of
// every call (O3), what may be sent twice, and the promise that no password, hash, token, code, key or address of a person is in
// an error's text (T6, O1). Google's throttling is rate_limited and its outages are dependency_unavailable: neither is ever a
// 401 (A4).
//
// It does not know our tables, HTTP handlers, or who may do what. [ErrUserDisabled] says what Google said, which it says
// before it looks at the password: whom that may be told to is decided by internal/account (A3).
//
// When the build breaks here after an upgrade: accounts.go holds the only calls of the Admin SDK, and the other files those of
// Google's generated REST libraries. When a test breaks here: Google's wire format, or our development provider's, has moved;
// wire.go and refusals.go are the two places to look.
package firebase
