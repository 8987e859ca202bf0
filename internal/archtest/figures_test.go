package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"auth-v2-service/internal/principal"
)

// factsAge lists the sentences that give the age of facts (T5), by file. %s is principal.MaxFactsAge.
var factsAge = map[string][]string{
	"docs/architecture.md":                             {"facts at most %s old"},
	"docs/decisions/002-tokens-and-facts-apart.md":     {"by the row's id, for %s at most", "facts for %s."},
	"docs/decisions/003-the-table-tells-of-changes.md": {"they are seen within %s by"},
	"docs/decisions/004-operators-rest-on-rows.md":     {"A cache may be %s old"},
	"docs/glossary.md":                                 {"Kept for %s at most (T5)"},
	"docs/operations.md": {
		"known facts count for %s,", "is seen within %s.", "reads the row again within %s.", "| %s at most |", "not count after %s,",
		"can be shown facts of %s,", "counts within %s,", "seen in the last %s still pass",
	},
	"docs/ops/monitoring-queries.sql": {"see what others write after up to %s;"},
	"docs/performance.md":             {"Facts are valid for %s (T5)", "are read again every %s."},
	"docs/rules.md":                   {"refuses it within %s,", "at most %s old;"},
	"internal/doctor/redis.go":        {"revocations take up to %s"},
}

// otherFigures are the same time, and not the age of facts.
var otherFigures = map[string][]string{
	"docs/operations.md":  {"Time limits above 10 s for a statement"},
	"docs/performance.md": {"| 10 s (10,000/s)"},
}

var age = fmt.Sprintf("%g s", principal.MaxFactsAge.Seconds())

// anAge also matches "10 seconds".
var anAge = regexp.MustCompile(`\b` + age + `(econds)?\b`)

func TestFigures_TheAgeOfFacts_T5(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, name := range tracked(t) {
		if filepath.Ext(name) == ".md" || strings.HasPrefix(name, "docs/") || name == "api/openapi.yaml" {
			texts[name] = readFile(t, name)
		}
	}
	handWritten(t, func(path string, _ *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(node ast.Node) bool {
			if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil {
					texts[path] += text + "\n"
				}
			}
			return true
		})
	})
	for name, sentences := range factsAge {
		for _, sentence := range sentences {
			if said := fmt.Sprintf(sentence, age); strings.Count(texts[name], said) != 1 {
				t.Errorf("%s says %q %d times, expected once", name, said, strings.Count(texts[name], said))
			}
		}
	}
	for name, text := range texts {
		for _, other := range slices.Concat(otherFigures[name], formatted(factsAge[name])) {
			text = strings.Replace(text, other, "", 1)
		}
		if at := anAge.FindStringIndex(text); at != nil {
			t.Errorf("%s says %q: list the sentence, or in Go print principal.MaxFactsAge", name, text[max(0, at[0]-40):at[1]])
		}
	}
}

func formatted(sentences []string) []string {
	var said []string
	for _, sentence := range sentences {
		said = append(said, fmt.Sprintf(sentence, age))
	}
	return said
}
