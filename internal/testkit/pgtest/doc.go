// Package pgtest gives each test a migrated PostgreSQL database, a copy (some 20 ms) of a template. It uses TEST_DATABASE_URL, else
// starts a server for the process. When every test fails here, the error comes from the migrations.
package pgtest
