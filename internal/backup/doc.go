// Package backup writes backups: a dump and a manifest of one snapshot. A backup is verified once a scratch restore equals its manifest. It
// owns the files, the client programs, the scratch databases and the comparison. It serves rule D5: it takes back what no down migration
// can.
//
// No row, password or address of a person is in a manifest, message or program argument. Manifest data reaches psql as hexadecimal only
// (data.go). psql's commands are disabled (restricted.go), and verifying runs no other role's code (trust.go). Write access to the folder
// still allows forgery: a dump is SQL.
//
// When the build breaks here, internal/schema changed how it reads a catalogue. Later releases must read this manifest format.
package backup
