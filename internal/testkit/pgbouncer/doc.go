// Package pgbouncer runs Debian's PgBouncer (1.18, without clients' prepared statements) in transaction mode. Its few connections are
// reset after each transaction, which exposes reliance on session state (D6). When it does not start, the error quotes its log.
package pgbouncer
