package proof

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func record(i int) []byte { return fmt.Appendf(nil, "record %d", i) }

// stored is tlog's own way, which keeps every hash.
func stored(t *testing.T, size int) tlog.Hash {
	t.Helper()
	var all []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, all[index])
		}
		return hashes, nil
	})
	for i := range size {
		hashes, err := tlog.StoredHashes(int64(i), record(i), reader)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, hashes...)
	}
	root, err := tlog.TreeHash(int64(size), reader)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func grow(t *testing.T, tree *Tree, size int) tlog.Hash {
	t.Helper()
	for i := range size {
		if err := tree.Add(record(i)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestTree_RootIsThatOfAllHashes_M8(t *testing.T) {
	t.Parallel()
	for size := range 130 {
		tree := &Tree{}
		if root := grow(t, tree, size); root != stored(t, size) {
			t.Errorf("of %d records: root %v, want %v", size, root, stored(t, size))
		}
		if len(tree.edge) > 8 {
			t.Errorf("of %d records: %d hashes are kept", size, len(tree.edge))
		}
	}
}

func TestInclusion_HoldsForItsRecordAlone_M8(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 3, 7, 8, 9, 100} {
		for place := range size {
			tree, err := NewProvingTree(int64(size), int64(place))
			if err != nil {
				t.Fatal(err)
			}
			root := grow(t, tree, size)
			p, err := tree.Prove(int64(place))
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Check(root, record(place)); err != nil {
				t.Errorf("record %d of %d: %v", place, size, err)
			}
			if p.Check(root, record(place+1)) == nil {
				t.Errorf("another record passes as record %d of %d", place, size)
			}
			root[0] ^= 1
			if p.Check(root, record(place)) == nil {
				t.Errorf("record %d of %d passes for another root", place, size)
			}
		}
	}
	for _, place := range []int64{-1, 3} {
		if _, err := NewProvingTree(3, place); err == nil {
			t.Errorf("a tree of 3 records proves record %d", place)
		}
	}
}

func TestSign_EachByteCounts_M8(t *testing.T) {
	t.Parallel()
	secret, public, err := NewKey("auth.example.com")
	if err != nil {
		t.Fatal(err)
	}
	const text = "rows 3\nroot abc\n"
	signed, err := Sign(text, secret)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Open(signed, public); err != nil || got != text {
		t.Fatalf("opening gives %q, %v", got, err)
	}
	for i := range signed {
		changed := signed[:i] + string(signed[i]^1) + signed[i+1:]
		if got, err := Open(changed, public); err == nil {
			t.Errorf("with byte %d changed it opens as %q", i, got)
		}
	}
	_, other, err := NewKey("auth.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(signed, other); err == nil {
		t.Error("another key opens it")
	}
	for _, bad := range []string{"", "nonsense", strings.Replace(secret, "+", "", 1)} {
		if _, err := Sign(text, bad); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("signing with a bad key gives %v", err)
		}
	}
}
