// Package identity is the development identity provider: the part of Identity Toolkit and Secure Token that the Admin SDK, the JavaScript
// SDK and this service use, under the emulator's URLs. Unlike the emulator it behaves as production (rules T1 to T3, A3, A4, M1). fields.go
// decides every request field.
//
// It does not know this service; production never links it. ./conformance compares it with the emulator. When a test breaks, consult
// Firebase's reference and the emulator's operations.js first.
package identity
