// Package compare holds all rows against Firebase's accounts and writes nothing (M8). internal/fbsync repairs; this package reports each
// difference by its kind, and proves by a Merkle root (internal/proof) that rows kept what a move must not change.
//
// A difference counts if it is still there when both sides are read again. Memory grows with the differences, not with the users.
//
// When the build breaks here after a schema change: look at record.go and differences.go.
package compare
