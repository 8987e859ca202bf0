package devstack

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Env is an ordered list.
type Env []Variable

// Variable is one KEY=VALUE.
type Variable struct{ Name, Value string }

// Get returns a variable, or "".
func (e Env) Get(name string) string {
	for _, variable := range e {
		if variable.Name == name {
			return variable.Value
		}
	}
	return ""
}

// Over returns base with these variables in place of its own.
func (e Env) Over(base []string) []string {
	merged := slices.DeleteFunc(slices.Clone(base), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.ContainsFunc(e, func(v Variable) bool { return v.Name == name })
	})
	for _, variable := range e {
		merged = append(merged, variable.Name+"="+variable.Value)
	}
	return merged
}

// write is atomic; mode 0600.
func (e Env) write(path, comment string) error {
	var content bytes.Buffer
	for line := range strings.Lines(comment) {
		_, _ = fmt.Fprintf(&content, "# %s\n", strings.TrimSuffix(line, "\n"))
	}
	for _, variable := range e {
		_, _ = fmt.Fprintf(&content, "%s=%s\n", variable.Name, quote(variable.Value))
	}
	half := path + ".half"
	if err := os.WriteFile(half, content.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(half, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func quote(value string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+,", r)
	}
	if value != "" && !strings.ContainsFunc(value, func(r rune) bool { return !plain(r) }) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

func readEnv(path string) (Env, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var env Env
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if inner, quoted := strings.CutPrefix(value, "'"); quoted {
			value = strings.ReplaceAll(strings.TrimSuffix(inner, "'"), `'\''`, "'")
		}
		env = append(env, Variable{name, value})
	}
	return env, lines.Err()
}
