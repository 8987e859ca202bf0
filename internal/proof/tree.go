package proof

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Tree is a Merkle tree that keeps its right edge only. The zero Tree is empty.
type Tree struct {
	size int64
	edge map[int64]tlog.Hash // by tlog's index of stored hashes
	kept map[int64]tlog.Hash // what an inclusion proof needs; a missing hash is zero
}

// Add appends a record.
func (t *Tree) Add(record []byte) error {
	hashes, err := tlog.StoredHashes(t.size, record, tlog.HashReaderFunc(t.read))
	if err != nil {
		return fmt.Errorf("add record %d to the tree: %w", t.size, err)
	}
	first := tlog.StoredHashIndex(0, t.size)
	t.size++
	if t.edge == nil {
		t.edge = map[int64]tlog.Hash{}
	}
	top := len(hashes) - 1 // the record completes a subtree of this level, which takes in those below
	for level := range top {
		delete(t.edge, tlog.StoredHashIndex(level, t.size>>level-2))
	}
	t.edge[first+int64(top)] = hashes[top]
	for i, hash := range hashes {
		if _, wanted := t.kept[first+int64(i)]; wanted {
			t.kept[first+int64(i)] = hash
		}
	}
	return nil
}

// Size counts records.
func (t *Tree) Size() int64 { return t.size }

// Root is the tree's hash. Its text is base64.
func (t *Tree) Root() (tlog.Hash, error) {
	root, err := tlog.TreeHash(t.size, tlog.HashReaderFunc(t.read))
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("hash the tree of %d records: %w", t.size, err)
	}
	return root, nil
}

var errNotKept = errors.New("the tree does not keep this hash")

func (t *Tree) read(indexes []int64) ([]tlog.Hash, error) {
	return readFrom(t.edge, indexes)
}

func readFrom(stored map[int64]tlog.Hash, indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hash, found := stored[index]
		if !found {
			return nil, errNotKept
		}
		hashes[i] = hash
	}
	return hashes, nil
}
