package treehash_test

import (
	"testing"
	"testing/fstest"

	"auth-v2-service/internal/devstack/treehash"
)

func file(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content), Mode: 0o644} }

func TestOf_NamesTheContent(t *testing.T) {
	seen := map[string]int{}
	for i, tree := range []fstest.MapFS{
		{},
		{"a": file("x"), "b": file("y")},
		{"a": file("xb"), "b": file("y")},
		{"a": file("x"), "c": file("y")},
		{"a": file("x"), "d/b": file("y")},
		{"a": file("x")},
	} {
		first, err := treehash.Of(tree)
		again, errAgain := treehash.Of(tree)
		if err != nil || errAgain != nil || first != again || len(first) != 16 {
			t.Fatalf("tree %d is %q, then %q: %v, %v", i, first, again, err, errAgain)
		}
		if other, ok := seen[first]; ok {
			t.Errorf("trees %d and %d are both %s", other, i, first)
		}
		seen[first] = i
	}
}
