// Package pg owns access to PostgreSQL: the pool, transactions, constraint names and the classes of errors. It knows no table and no user.
// Statements live in db/queries. It holds rule D7: the platform's timestamps have no zone and are in DB_LEGACY_TIMEZONE. An outage is a
// 503, never a 401.
package pg
