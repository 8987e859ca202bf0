// Package doctor examines what this service stands on, and says of each thing whether it is well and what to do where it is not:
// the Firebase project's settings, the service account and the API key, the clocks, PostgreSQL with the people in it, and Redis.
//
// It owns the judgements (T2's skew, A6 against the project's password policy, A11 against its second factors, D7's zone, least
// privilege) and the words of advice. It changes nothing anywhere, and what it could not ask it calls unchecked, with the reason:
// never green. No hash, key or address is in what it finds (O1); rows are named by their ids' count alone.
//
// When the build breaks here: internal/firebase/inspect.go says what a project can be asked, internal/schema/examine.go what a
// server can.
package doctor
