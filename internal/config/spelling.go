package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hostForm excludes ports and brackets.
const hostForm = `([A-Za-z0-9_][A-Za-z0-9._-]*|[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?)`

// alphabets are the values of the tag alphabet. They hold for each list member.
var alphabets = map[string]struct {
	form *regexp.Regexp
	says string
}{
	"project":  {regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z]([a-z0-9-]*[a-z0-9])?$`), "the project's id, such as my-project-1a2b3 and not its number: lower-case letters, digits and hyphens"},
	"key":      {regexp.MustCompile(`^[A-Za-z0-9_-]+$`), "letters, digits, - and _"},
	"hostport": {regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\]):[0-9]{1,5}$`), "host:port, without a scheme"},
	"hosts":    {regexp.MustCompile(`^` + hostForm + `(,` + hostForm + `)*$`), "names or addresses of hosts with commas between them, without a scheme or a port"},
	"host":     {regexp.MustCompile(`^` + hostForm + `$`), "a host's name or address, without a scheme or a port"},
	"provider": {regexp.MustCompile(`^(password|[a-z0-9-]+(\.[a-z0-9_-]+)+)$`), "password, or a provider's id such as google.com or oidc.name"},
}

// spelling refuses control and invisible characters, outer blanks and quotes, and other alphabets. Unlike a shell, docker --env-file and
// Kubernetes keep quotes. It never shows a value.
func spelling(environment map[string]string, concerns func(name string) bool) error {
	var faults []error
	types := reflect.TypeFor[Config]()
	for i := range types.NumField() {
		field := types.Field(i)
		name := field.Tag.Get("env")
		value, list := environment[name], field.Type.Kind() == reflect.Slice
		if value == "" || !concerns(name) {
			continue
		}
		if problem := misspelt(value); problem != "" {
			faults = append(faults, fmt.Errorf("%s %s", name, problem))
			continue
		}
		members := []string{value}
		if list {
			members = strings.Split(value, ",")
		}
		if problem := ofKind(members, field.Tag.Get("alphabet")); problem != "" {
			faults = append(faults, fmt.Errorf("%s %s", name, problem))
		}
	}
	return errors.Join(faults...)
}

func misspelt(value string) string {
	switch {
	case !utf8.ValidString(value):
		return "is not UTF-8"
	case strings.HasSuffix(value, "\r"):
		return "ends with a carriage return: the file that it comes from has Windows line ends; make them LF (sed -i 's/\\r$//' FILE)"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "holds a control character"
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.Is(unicode.Cf, r) }):
		return "holds an invisible character"
	case strings.TrimSpace(value) != value:
		return "begins or ends with a blank"
	case quoted(value):
		return "stands in quotes, which are taken as part of it: leave them out (docker --env-file and Kubernetes keep them)"
	}
	return ""
}

func quoted(value string) bool {
	for _, pair := range []string{`""`, `''`, "``", "“”", "‘’"} {
		begin, end := []rune(pair)[0], []rune(pair)[1]
		if strings.HasPrefix(value, string(begin)) && strings.HasSuffix(value, string(end)) {
			return true
		}
	}
	return false
}

func ofKind(members []string, kind string) string {
	for _, member := range members {
		if len(members) > 1 {
			if member == "" {
				return "has an empty member: a comma too many"
			}
			if problem := misspelt(member); problem != "" {
				return "has a member that " + problem
			}
		}
		if rule, known := alphabets[kind]; known && !rule.form.MatchString(member) {
			return "must be " + rule.says
		}
	}
	return ""
}

func ofDatabase(name string) bool {
	return strings.HasPrefix(name, "DB_") ||
		slices.Contains([]string{"DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_OWNER_URL", "BACKUP_VERIFY_URL", "AUTH_DB_PASSWORD"}, name)
}
