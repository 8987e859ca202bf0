// Package backup writes a dump and a manifest of one snapshot. A backup is verified once a scratch restore equals its manifest. It owns the
// files, client programs and scratch databases. It serves rule D5.
//
// No personal data or password is in a manifest, message or argument. Manifest data reaches psql as hexadecimal (data.go), psql's commands
// are off (restricted.go), verifying runs no other role's code (trust.go). A writer of the folder can forge a backup: a dump is SQL.
//
// When the build breaks here, internal/schema changed how it reads a catalogue. Later releases must read this manifest format.
package backup
