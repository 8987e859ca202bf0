// Package pgclient provides pg_dump, pg_restore and psql that fit the server. Else it unpacks Debian's (tools/postgres-client.sh) and
// starts their server. Its errors say what to install.
package pgclient
