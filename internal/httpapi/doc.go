// Package httpapi is the HTTP edge: middlewares ([New]), handlers and the one error writer. It owns statuses (errors.go), conversions
// (convert.go), the request (request.go) and the short cut for known tokens (shortcut.go). A handler converts and calls one domain package.
// The package knows no SQL and no Firebase, and holds E1, O1 and O3.
//
// When a contract change breaks the build here: write a new operation in its tag's file and declare its access in contract_test.go. Fix
// changed fields in convert.go.
package httpapi
