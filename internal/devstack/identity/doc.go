// Package identity is the development identity provider: the part of Google's Identity Toolkit and Secure Token that the
// Admin SDK, the Firebase JavaScript SDK and this service use, served under the official emulator's URL layout.
//
// It owns accounts, passwords, sessions, mails with one-time codes, signing keys and faults on demand, all in memory with an
// optional snapshot file. Unlike the official emulator it behaves as production does: RS256 tokens with rotating keys and
// certificates, Firebase's scrypt for its own passwords, real bcrypt for imported ones (replaced at the first sign-in),
// auth_time of the session and not of the user, refresh tokens that die by revocation, recent sign-in for what Firebase asks
// it for (CREDENTIAL_TOO_OLD_LOGIN_AGAIN), and unknown request fields refused: fields.go says of every field of every
// operation whether it is honoured, ignored or refused. So the code that runs in production (rules T1
// to T3, A3, A4, M1) runs against it unchanged.
//
// It does not know this service, its tables or its error codes, and is never linked into the production binary. Its frozen
// list of operations is the table in routes.go. What it must not do is drift: the suite in ./conformance holds it and the
// official emulator to one table of behaviours, and every known difference is listed there with its reason. When a test
// breaks here, settle what Firebase does first (its reference, the emulator's operations.js), then change this side.
package identity
