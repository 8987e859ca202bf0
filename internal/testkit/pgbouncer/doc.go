// Package pgbouncer gives a test a private PgBouncer in transaction mode in front of its database: the real program, as
// Debian ships it (1.18, which knows no prepared statements of clients), and gone when the test is over.
//
// It owns finding or installing the program, its configuration, and asking its console who went through it. Its defaults are
// hostile on purpose: few server connections, handed out in turn, reset after every transaction and closed after a second, so
// that whatever a client believes to have left in a session is not there.
//
// It holds no rule of its own; D6 is tested with it. When it does not start, the error quotes the end of its log.
package pgbouncer
