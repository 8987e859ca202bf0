// Package account is what people do with their accounts: register, sign in, refresh, delete.
//
// It owns the flows and the rules A1 (register survives kill -9), A2 for people at Firebase, A3 (one answer after one time), A6
// (new passwords), A8 (register by the Admin API) and A10 (recent sign-in). It stands on internal/firebase for passwords and
// tokens, internal/user for rows and internal/token for what a token says. It knows no HTTP. A password passes through and is
// kept nowhere (T6).
//
// When the build breaks here after a change of schema: db/queries/accounts.sql holds this room's statements.
package account
