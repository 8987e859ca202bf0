// Package httpapi is where HTTP begins and ends: the order of the edge ([New]), the generated strict interface's handlers, and
// the one error writer.
//
// It owns what a status is (errors.go), the translations between the contract's types and ours (convert.go), the exchange that a request
// is from beginning to end (exchange.go), the short cut for tokens seen before (shortcut.go), and the small middlewares, one a file. A handler translates and nothing more: it calls one domain room. It knows no SQL and no Firebase.
// It holds E1, O1 and O3 at the door, F-rules and T-rules not at all.
//
// When the build breaks here after a change of contract: a missing method is a new operation; write it in the file of its tag
// and say in operations_test.go who may call it. A changed field is mended in convert.go.
package httpapi
