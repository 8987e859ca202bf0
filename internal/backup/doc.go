// Package backup takes backups of the database that can be trusted: a dump, and beside it a manifest of what the dump must hold,
// both of one snapshot. A backup is verified when it has been restored into a scratch database and everything was found equal.
//
// It owns the files, the programs that it runs (pg_dump, pg_restore, psql), scratch databases and the comparison. It serves
// rule D5: a step that cannot be taken back by a migration is taken back from here. It knows the schema auth by its catalogue and
// nobody in it; no row, password or address of a person is ever in a manifest, a message or an argument of a program.
//
// It trusts neither names nor files: what is in a manifest or a catalogue reaches psql as hexadecimal digits only (data.go), psql's
// commands are shut off before a dump's script (restricted.go), and no other role's code is run to verify (trust.go). Who can write the
// folder of the backups can still forge one: a dump is SQL.
//
// When the build breaks here, internal/schema has changed how a catalogue is read. A manifest's format is a promise: a later
// release must read the backups of this one.
package backup
