// Package proof shows that rows stayed as they were: a Merkle tree over records in the order of their ids, its root, inclusion proofs,
// and signed notes. Trees are those of RFC 6962, notes those of golang.org/x/mod/sumdb/note. Memory does not grow with the records.
package proof
