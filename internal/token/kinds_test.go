package token_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"slices"
	"strconv"
	"testing"

	"auth-v2-service/internal/token"
)

// A kind that Kinds lacks would stay in the caches after a revocation (T5).
func TestKinds_AreAll(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(gotoken.NewFileSet(), "claims.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var declared []token.Kind
	ast.Inspect(file, func(node ast.Node) bool {
		value, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := value.Type.(*ast.Ident); !ok || kind.Name != "Kind" {
			return true
		}
		for _, literal := range value.Values {
			text, err := strconv.Unquote(literal.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, token.Kind(text))
		}
		return true
	})
	slices.Sort(declared)
	if listed := slices.Sorted(slices.Values(token.Kinds())); len(declared) < 2 || !slices.Equal(declared, listed) {
		t.Errorf("Kinds lists %q, expected the declared %q", listed, declared)
	}
}
