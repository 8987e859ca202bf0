// Package postgres runs a private PostgreSQL for development and tests, also as root. It installs missing programs and stops orphans of a
// killed run. Its role is no superuser, as in production. It does not know the schema.
//
// Errors quote the log beside the data folder. Set DEVSTACK_POSTGRES_BIN for another server; npmVersion pins npm's.
package postgres
