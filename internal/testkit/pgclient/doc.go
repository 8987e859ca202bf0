// Package pgclient makes sure that tests which run pg_dump, pg_restore or psql have them, of a version that fits the server: those
// of this machine, else Debian's, unpacked into a cache folder without being root (tools/postgres-client.sh). npm's server brings no
// pg_dump, so beside Debian's older programs a server of their version is started, and the tests run on that.
//
// It does not know what is dumped. When it fails, the error says what to install.
package pgclient
