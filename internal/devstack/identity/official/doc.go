// Package official runs Google's Authentication emulator, pinned in tools/emulator, for the conformance suite. It needs node and npm. When
// a firebase-tools update breaks it, check lib/emulator/auth/server, which start.cjs calls.
package official
