// Package pg owns the pool, transactions, constraint names and error classes. It knows no table. Statements live in db/queries. It holds
// rule D7: the platform's zoneless timestamps are in DB_LEGACY_TIMEZONE. An outage is a 503, never a 401.
package pg
