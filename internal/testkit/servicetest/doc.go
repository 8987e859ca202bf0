// Package servicetest runs the whole service for a test, black box: real PostgreSQL (pgtest), real Redis (redistest), the
// development identity provider, and authd itself through app.Run, answered over HTTP.
//
// Its client holds every answer against the contract, status included, and remembers which (operation, status) was seen;
// [Main] fails a package's whole run where a declared one was not. It counts the statements of a request for query budgets.
package servicetest
