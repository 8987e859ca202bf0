// Package official runs Google's Authentication emulator (tools/emulator). It needs node and npm. When firebase-tools changes, check
// lib/emulator/auth/server, which start.cjs calls.
package official
