// Package pgtest gives a test a PostgreSQL database of its own: real, migrated, and gone afterwards.
//
// It owns finding the server and copying databases. The server is TEST_DATABASE_URL, which `authdev test -- go test ./...`
// sets for a whole run; without it a test binary starts one for itself at the first call, which ends with the process, so
// that plain `go test ./internal/user` works. A database is a copy (some 20 ms) of a template that was migrated once; the
// template's name is a hash of the migrations, so a changed migration makes a new one.
//
// It does not know what tests put in. When every test fails here at once, the error is the migrations' own.
package pgtest
