// Package official installs and runs Google's own Firebase Authentication emulator, pinned in tools/emulator: the second
// side of the conformance suite, and what `make run IDENTITY=emulator` uses.
//
// It owns the process; internal/devstack/npmproject installs. It does not know what is asked
// of the emulator. It needs node and npm on the PATH. When it breaks after a new version of firebase-tools: start.cjs calls
// an internal module of that package, lib/emulator/auth/server, whose signature may have moved.
package official
