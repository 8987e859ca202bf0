package proof

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Inclusion proves that a tree of Size records has a record at Place, counted from 0.
type Inclusion struct {
	Size  int64            `json:"size"`
	Place int64            `json:"place"`
	Path  tlog.RecordProof `json:"path"`
}

// NewProvingTree returns an empty tree that will prove the record at place of size.
func NewProvingTree(size, place int64) (*Tree, error) {
	if place < 0 || place >= size {
		return nil, fmt.Errorf("a tree of %d records has no record %d", size, place)
	}
	t := &Tree{kept: map[int64]tlog.Hash{}}
	stop := errors.New("only the indexes count")
	_, err := tlog.ProveRecord(size, place, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		for _, index := range indexes {
			t.kept[index] = tlog.Hash{}
		}
		return nil, stop
	}))
	if err != nil && !errors.Is(err, stop) {
		return nil, err
	}
	return t, nil
}

// Prove returns the proof once the tree has all its records.
func (t *Tree) Prove(place int64) (Inclusion, error) {
	path, err := tlog.ProveRecord(t.size, place, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		return readFrom(t.kept, indexes)
	}))
	if err != nil {
		return Inclusion{}, fmt.Errorf("prove record %d of %d: %w", place, t.size, err)
	}
	return Inclusion{Size: t.size, Place: place, Path: path}, nil
}

// Check returns an error if root's tree does not hold the record.
func (p Inclusion) Check(root tlog.Hash, record []byte) error {
	if err := tlog.CheckRecord(p.Path, p.Size, root, p.Place, tlog.RecordHash(record)); err != nil {
		return fmt.Errorf("the record is not in the tree: %w", err)
	}
	return nil
}
