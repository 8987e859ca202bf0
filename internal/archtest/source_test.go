package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var statement = regexp.MustCompile(`(?i)^\s*(select\s.+\sfrom\b|select\s+pg_|insert\s+into\b|update\s+\w+[\w.]*\s+set\b|delete\s+from\b|with\s+\w+\s+as\s*\(|alter\s|create\s+(table|index)|drop\s)`)

// handWritten visits each production Go file.
func handWritten(t *testing.T, visit func(path string, set *token.FileSet, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(filepath.ToSlash(path), "../../")
		switch {
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && rel != ".." || entry.Name() == "node_modules"):
			if path == "../.." {
				return nil
			}
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go"):
			return nil
		}
		if !strings.HasPrefix(rel, "internal/") && !strings.HasPrefix(rel, "cmd/authd/") ||
			strings.HasPrefix(rel, "internal/testkit/") || strings.HasPrefix(rel, "internal/devstack/") {
			return nil
		}
		set := token.NewFileSet()
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, rel, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		visit(rel, set, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSource_OnlyRoomsOfTheCatalogueHoldSQL(t *testing.T) {
	files := 0
	handWritten(t, func(path string, set *token.FileSet, file *ast.File) {
		files++
		if strings.HasPrefix(path, "internal/schema/") || strings.HasPrefix(path, "internal/backup/") {
			return // they query catalogues and unknown tables
		}
		if path == "internal/pg/session.go" {
			return // a query needs a pool
		}
		ast.Inspect(file, func(node ast.Node) bool {
			literal, ok := node.(*ast.BasicLit)
			if ok && literal.Kind == token.STRING && statement.MatchString(strings.Trim(literal.Value, "\"`")) {
				t.Errorf("%s holds SQL: put it into db/queries", set.Position(literal.Pos()))
			}
			return true
		})
	})
	if files < 50 {
		t.Errorf("looked at %d files, expected the whole house", files)
	}
}

func TestSource_OnlyMainAndConfigReadTheEnvironment(t *testing.T) {
	handWritten(t, func(path string, set *token.FileSet, file *ast.File) {
		if strings.HasPrefix(path, "cmd/") || path == "internal/firebase/accounts.go" {
			return // main passes it to internal/config; accounts.go undoes what the Admin SDK reads
		}
		ast.Inspect(file, func(node ast.Node) bool {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			name, ok := selector.X.(*ast.Ident)
			if ok && name.Name == "os" && (strings.HasSuffix(selector.Sel.Name, "env") || selector.Sel.Name == "LookupEnv" || selector.Sel.Name == "Environ") {
				t.Errorf("%s reads the environment: take it from internal/config", set.Position(selector.Pos()))
			}
			return true
		})
	})
}

func TestSource_EachRoomSaysWhatItIs(t *testing.T) {
	rooms, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range rooms {
		matches, err := filepath.Glob(filepath.Join("..", room.Name(), "*.go"))
		if err != nil || len(matches) == 0 {
			continue
		}
		documented := false
		for _, path := range matches {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			documented = documented || strings.Contains(string(source), "// Package "+room.Name()+" ")
		}
		if !documented {
			t.Errorf("internal/%s has no package comment", room.Name())
		}
	}
}
