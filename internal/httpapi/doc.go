// Package httpapi is the HTTP edge: the middlewares ([New]), the handlers of the generated strict interface and the one error writer. It
// owns the statuses (errors.go), the conversions (convert.go), the request (request.go) and the short cut for known tokens (shortcut.go). A
// handler only converts and calls one domain package. The package knows no SQL and no Firebase, and holds E1, O1 and O3.
//
// When a contract change breaks the build here: a missing method is a new operation, so write it in its tag's file and declare its access
// in operations_test.go. Fix changed fields in convert.go.
package httpapi
