// Package pg is the foundation under every room that reads or writes PostgreSQL: the pool, one way to run a transaction,
// names of violated constraints, and the question whether a failure is an outage.
//
// It holds rule D7 (the platform's timestamps have no zone: they are read and written in DB_LEGACY_TIMEZONE) and its
// share of "an outage is a 503, never a 401". It knows no table and no user; statements live in db/queries.
package pg
