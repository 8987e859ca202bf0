// Package postgres runs a private PostgreSQL server for development and tests: real, unattended, and gone when its owner is.
//
// It owns finding a server program (installed, from npm, or from Debian's packages as the last resort), its data folder,
// running it as root (which PostgreSQL refuses) and as an ordinary user, the stale leftovers of a killed run, and databases
// and the one role that they belong to. The role is no superuser, as in production: a migration that needs more fails here.
//
// It does not know the schema. When it does not start, its log is beside the data folder, and the error quotes its end; when
// the npm package moves on, change npmVersion in install.go. Set DEVSTACK_POSTGRES_BIN to try another server's programs.
package postgres
