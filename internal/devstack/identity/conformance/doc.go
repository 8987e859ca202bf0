// Package conformance runs one table of behaviours against our provider and Google's emulator. Each line states Firebase's result.
// differences.go lists known deviations exactly; one that disappears fails too. On a failure, Firebase's reference decides, then the
// emulator's operations.js.
package conformance
