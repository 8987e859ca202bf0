// Package postgres runs a private PostgreSQL server for development and tests. It finds or installs the programs, owns the data folder and
// the roles, runs as root too, and stops orphans of a killed run. Role is no superuser, as in production. It does not know the schema.
//
// Errors quote the log beside the data folder. DEVSTACK_POSTGRES_BIN selects another server; npmVersion in install.go pins npm's.
package postgres
