package backup

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Extension is used by the schema auth.
type Extension struct {
	Name   string `json:"name"`
	Schema string `json:"schema"`
}

// PostgreSQL's limit, in bytes
const maxIdentifier = 63

var (
	extensionPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	schemaPattern    = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_$ .-]*$`)
)

func (e Extension) check() error {
	if !extensionPattern.MatchString(e.Name) || len(e.Name) > maxIdentifier {
		return fmt.Errorf("%q is no name of an extension", e.Name)
	}
	if !schemaPattern.MatchString(e.Schema) || len(e.Schema) > maxIdentifier {
		return fmt.Errorf("%q is no name of a schema that the extension %s can be made in", e.Schema, e.Name)
	}
	return nil
}

func checkExtensions(extensions []Extension) error {
	var all []error
	for _, extension := range extensions {
		all = append(all, extension.check())
	}
	return errors.Join(all...)
}

// withData fills "{{data}}" with rows as hexadecimal digits: neither psql nor SQL can execute them. Scripts build identifiers by %I or
// regclass.
func withData[T any](script string, rows []T) (string, error) {
	if rows == nil {
		rows = []T{}
	}
	content, err := json.Marshal(rows)
	if err != nil {
		return "", fmt.Errorf("write the script: %w", err)
	}
	data := "convert_from(decode('" + hex.EncodeToString(content) + "', 'hex'), 'UTF8')::jsonb"
	return strings.Replace(script, "{{data}}", data, 1), nil
}
