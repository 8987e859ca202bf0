// Package account is what people do with their accounts: register, sign in, refresh, link, change and reset a password, delete.
//
// It owns the flows and the rules A1 (register survives kill -9), A2 (sign in where the password lives, moving who is in the cohort
// and telling nobody of a failure), A3 (one answer after one time), A6 (new passwords), A7 (of two passwords the newer one counts),
// A8 (register by the Admin API), A9 (mails are Firebase's), A10 (recent sign-in), A11 (second factors), S4 (a change at Firebase is
// made there first) and the end of F3 (link by password). It stands on internal/firebase for what lives there, internal/session for
// the legacy pair, internal/user for rows, internal/rollout for who moves and where newcomers live. It knows no HTTP. A password
// passes through and is kept as a hash or nowhere (T6).
//
// When the build breaks here after a change of schema: db/queries/accounts.sql holds this room's statements.
package account
