// Package backup takes backups of the database that can be trusted: a dump, and beside it a manifest of what the dump must hold,
// both of one snapshot. A backup is verified when it has been restored into a scratch database and everything was found equal.
//
// It owns the files, the programs that it runs (pg_dump, pg_restore, psql), scratch databases and the comparison. It serves design
// rule D5: a step that cannot be taken back by a migration is taken back from here. It knows the schema auth by its catalogue and
// nobody in it; no row, password or address of a person is ever in a manifest, a message or an argument of a program.
//
// When the build breaks here, internal/schema has changed how a catalogue is read. A manifest's format is a promise: a later
// release must read the backups of this one.
package backup
