// Package conformance holds the development identity provider to Firebase: one table of behaviours is run against it and
// against Google's official emulator, and the known differences stand in one place, differences.go. The behaviours after the
// emulator's own tests are listed by their file in suites_test.go.
//
// A behaviour says what Firebase does, in one line that can be read without a debugger ("400 EMAIL_EXISTS", or the fields of
// an answer). A side that does anything else fails, unless a difference lists exactly what it does; a listed difference that
// no longer shows fails too, so that the list can be trusted. The suite owns no rule of its own. When it breaks, Firebase's
// reference documentation decides which side is wrong, then the emulator's operations.js, then this table.
package conformance
