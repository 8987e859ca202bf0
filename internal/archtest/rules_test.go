package archtest

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const rulesPage = "docs/rules.md"

var (
	ruleHeading = regexp.MustCompile(`(?m)^### (\S+)$`)
	testLink    = regexp.MustCompile("\\[`(\\w+)`\\]\\(\\.\\./([^)]+)\\)")
	ruleNumber  = regexp.MustCompile(`[TFSAWMRGDOE][1-9][0-9]?`)
)

type rule struct {
	number string
	tests  []testName
}

type testName struct{ function, file string }

func rules(t *testing.T) []rule {
	t.Helper()
	page := readFile(t, rulesPage)
	headings := ruleHeading.FindAllStringSubmatchIndex(page, -1)
	var all []rule
	for i, heading := range headings {
		end := len(page)
		if i+1 < len(headings) {
			end = headings[i+1][0]
		}
		r := rule{number: page[heading[2]:heading[3]]}
		for _, link := range testLink.FindAllStringSubmatch(page[heading[1]:end], -1) {
			r.tests = append(r.tests, testName{link[1], link[2]})
		}
		all = append(all, r)
	}
	if len(all) < 50 {
		t.Fatalf("%s has %d rules, expected at least 50: does this test still read its headings?", rulesPage, len(all))
	}
	return all
}

// citations excludes a number beside a letter, a digit or %, such as %E3.
func citations(text string) []string {
	var numbers []string
	for _, at := range ruleNumber.FindAllStringIndex(text, -1) {
		if at[0] > 0 && (isWord(text[at[0]-1]) || text[at[0]-1] == '%') || at[1] < len(text) && isWord(text[at[1]]) {
			continue
		}
		numbers = append(numbers, text[at[0]:at[1]])
	}
	return numbers
}

func isWord(c byte) bool { return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// tracked includes uncommitted files and excludes generated ones.
func tracked(t *testing.T) []string {
	t.Helper()
	listing := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z")
	listing.Dir = "../.."
	names, err := listing.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	return slices.DeleteFunc(strings.Split(strings.TrimSuffix(string(names), "\x00"), "\x00"), func(name string) bool {
		_, err := os.Lstat(filepath.Join("../..", name))
		return errors.Is(err, fs.ErrNotExist) || strings.HasPrefix(name, "gen/") || name == "db/schema.sql"
	})
}

func functionsOf(t *testing.T, path string) map[string]string {
	t.Helper()
	source := readFile(t, path)
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]string{}
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || function.Recv != nil {
			continue
		}
		begin := function.Pos()
		if function.Doc != nil {
			begin = function.Doc.Pos()
		}
		functions[function.Name.Name] = source[set.Position(begin).Offset:set.Position(function.End()).Offset]
	}
	return functions
}

func TestRules_HaveTests(t *testing.T) {
	t.Parallel()
	files := map[string]map[string]string{}
	seen := map[string]bool{}
	for _, r := range rules(t) {
		if seen[r.number] {
			t.Errorf("%s has %s twice", rulesPage, r.number)
		}
		seen[r.number] = true
		if !slices.Equal(citations(r.number), []string{r.number}) {
			t.Errorf("%s: %q is no number of a rule", rulesPage, r.number)
		}
		if len(r.tests) == 0 {
			t.Errorf("%s names no test for %s", rulesPage, r.number)
		}
		for _, test := range r.tests {
			if _, err := os.Stat(filepath.Join("../..", test.file)); err != nil || !strings.HasSuffix(test.file, "_test.go") {
				t.Errorf("%s names %s for %s, which is no file of tests", rulesPage, test.file, r.number)
				continue
			}
			if files[test.file] == nil {
				files[test.file] = functionsOf(t, test.file)
			}
			source, there := files[test.file][test.function]
			switch {
			case !there:
				t.Errorf("%s names %s for %s, which %s does not have", rulesPage, test.function, r.number, test.file)
			case !slices.Contains(citations(source), r.number):
				t.Errorf("%s names %s for %s, which the test does not cite", rulesPage, test.function, r.number)
			}
		}
	}
}

func TestRules_AreOnThePage(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, r := range rules(t) {
		known[r.number] = true
	}
	files := 0
	cited := map[string]bool{}
	for _, name := range tracked(t) {
		switch filepath.Ext(name) {
		case ".go", ".sql", ".md", ".yaml", ".yml", ".sh", ".mts", ".cts", ".mjs", ".cjs", ".lua", ".conf", ".cfg":
		default:
			continue
		}
		files++
		for i, line := range strings.Split(readFile(t, name), "\n") {
			for _, number := range citations(line) {
				if !known[number] {
					t.Errorf("%s:%d cites %s, which %s does not have", name, i+1, number, rulesPage)
				}
				cited[number] = cited[number] || filepath.Ext(name) == ".go"
			}
		}
	}
	if files < 500 {
		t.Errorf("looked at %d files, expected the whole repository", files)
	}
	for number := range known {
		if !cited[number] {
			t.Errorf("%s has %s, which no code cites", rulesPage, number)
		}
	}
}

func TestRules_WhatIsACitation(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"TestX_T4_A10":             {"T4", "A10"},
		"(T1 to T3, F10)":          {"T1", "T3", "F10"},
		"T4's":                     {"T4"},
		"%E3%80%80 and Jos%C3%A9":  nil,
		"SQLSTATE class F0":        nil,
		"TestG4_X, A100, xA1, A1x": nil,
	} {
		if got := citations(text); !slices.Equal(got, want) {
			t.Errorf("%q cites %q, expected %q", text, got, want)
		}
	}
}
