// Package identity is the development identity provider: the part of Identity Toolkit and Secure Token that the Admin SDK, the JavaScript
// SDK and this service use, under the official emulator's URLs. Data is in memory, with an optional snapshot.
//
// Unlike the emulator it behaves as production (rules T1 to T3, A3, A4, M1): signed tokens with rotating keys, real password hashes,
// auth_time a session, revocation and recent sign-in. fields.go decides every request field.
//
// It does not know this service; production never links it. ./conformance compares it with the emulator. When a test breaks, consult
// Firebase's reference and the emulator's operations.js first.
package identity
