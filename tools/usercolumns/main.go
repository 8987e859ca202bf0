// Command usercolumns keeps the columns of a user in one place: the SELECT list of the query UserByID in db/queries/users.sql.
//
// "usercolumns sql" writes that list wherever a query begins to list a user's columns. "usercolumns go" gives each generated row that has
// these columns a method User. tools/generate.sh runs the first before sqlc and the second after it.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	queries   = "db/queries"
	source    = queries + "/users.sql"
	generated = "gen/db"
	target    = generated + "/user_rows.gen.go"
	reference = "UserByIDRow"
	maxLine   = 120
)

func main() {
	err := errors.New("usage: usercolumns sql|go")
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case "sql":
			err = rewriteQueries()
		case "go":
			err = writeMethods()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "usercolumns:", err)
		os.Exit(1)
	}
}

func rewriteQueries() error {
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	columns, err := columnsOf(string(content))
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	files, err := filepath.Glob(queries + "/*.sql")
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file) //nolint:gosec // a file of this tree
		if err != nil {
			return err
		}
		if text := rewrite(string(content), columns); text != string(content) {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // a source file
				return err
			}
		}
	}
	return nil
}

var selectList = regexp.MustCompile(`(?s)-- name: UserByID :one\n.*?\nSELECT\s+(.*?)\s+FROM auth\.users\n`)

// columnsOf reads the list of UserByID.
func columnsOf(sql string) ([]string, error) {
	found := selectList.FindStringSubmatch(sql)
	if found == nil {
		return nil, errors.New("there is no query UserByID with a SELECT list")
	}
	var columns []string
	for column := range strings.SplitSeq(found[1], ",") {
		columns = append(columns, strings.TrimSpace(column))
	}
	if !strings.HasPrefix(strings.Join(columns, ", "), "id, firebase_uid, auth_provider, username, ") {
		return nil, errors.New("the list of UserByID must begin with id, firebase_uid, auth_provider, username: by these a list is known")
	}
	return columns, nil
}

var (
	listBegins = regexp.MustCompile(`(?m)^([ \t]*)((?:\w+\.)?)id,\s+(?:\w+\.)?firebase_uid,\s+(?:\w+\.)?auth_provider,\s+(?:\w+\.)?username,`)
	nextColumn = regexp.MustCompile(`^(\s*)((?:\w+\.)?)(\w+)`)
)

// rewrite replaces each list. A list ends at the first name that is no column of a user, and at another alias.
func rewrite(sql string, columns []string) string {
	var out strings.Builder
	for {
		at := listBegins.FindStringSubmatchIndex(sql)
		if at == nil {
			out.WriteString(sql)
			return out.String()
		}
		indent, alias := sql[at[2]:at[3]], sql[at[4]:at[5]]
		end := at[0]
		for rest := at[0]; ; {
			column := nextColumn.FindStringSubmatch(sql[rest:])
			if column == nil || column[2] != alias || !slices.Contains(columns, column[3]) {
				break
			}
			end = rest + len(column[0])
			if !strings.HasPrefix(sql[end:], ",") {
				break
			}
			rest = end + 1
		}
		out.WriteString(sql[:at[0]])
		out.WriteString(wrapped(columns, indent, alias))
		sql = sql[end:]
	}
}

func wrapped(columns []string, indent, alias string) string {
	var lines []string
	line := indent
	for i, column := range columns {
		word := alias + column
		if i < len(columns)-1 {
			word += ","
		}
		if line != indent && len(line)+1+len(word) > maxLine {
			lines, line = append(lines, line), indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}

func writeMethods() error {
	rows, err := rowsOf(generated)
	if err != nil {
		return err
	}
	code, err := methods(rows)
	if err != nil {
		return err
	}
	return os.WriteFile(target, code, 0o644) //nolint:gosec // a source file
}

// row has the fields of a generated struct by name, and their order.
type row struct {
	names []string
	types map[string]string
}

func rowsOf(dir string) (map[string]row, error) {
	files, err := filepath.Glob(dir + "/*.sql.go")
	if err != nil {
		return nil, err
	}
	rows := map[string]row{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			declared, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if fields, ok := declared.Type.(*ast.StructType); ok && strings.HasSuffix(declared.Name.Name, "Row") {
				rows[declared.Name.Name] = fieldsOf(fields)
			}
			return false
		})
	}
	return rows, nil
}

func fieldsOf(fields *ast.StructType) row {
	r := row{types: map[string]string{}}
	for _, field := range fields.Fields.List {
		for _, name := range field.Names {
			r.names = append(r.names, name.Name)
			r.types[name.Name] = types.ExprString(field.Type)
		}
	}
	return r
}

func methods(rows map[string]row) ([]byte, error) {
	user, ok := rows[reference]
	if !ok {
		return nil, fmt.Errorf("there is no %s", reference)
	}
	var code bytes.Buffer
	code.WriteString("// Code generated by tools/usercolumns. DO NOT EDIT.\n\npackage db\n")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		if name == reference || !rows[name].has(user) {
			continue
		}
		fmt.Fprintf(&code, "\n// User returns the columns of a user.\nfunc (r %s) User() %s {\n", name, reference)
		if slices.Equal(rows[name].names, user.names) {
			fmt.Fprintf(&code, "\treturn %s(r)\n}\n", reference)
			continue
		}
		fmt.Fprintf(&code, "\treturn %s{\n", reference)
		for _, field := range user.names {
			fmt.Fprintf(&code, "\t\t%s: r.%[1]s,\n", field)
		}
		code.WriteString("\t}\n}\n")
	}
	return format.Source(code.Bytes())
}

func (r row) has(other row) bool {
	for _, name := range other.names {
		if r.types[name] != other.types[name] {
			return false
		}
	}
	return true
}
