package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"auth-v2-service/db"
)

var legacyCatalogue = sync.OnceValue(func() Catalogue { return mustParse(db.LegacyCatalogue) })

const users = "auth.users"

var concurrently = regexp.MustCompile(`(?i)\bINDEX CONCURRENTLY\b`)

type legacyTable struct{ found Catalogue }

func newLegacyTable(found Catalogue) legacyTable {
	return legacyTable{slices.DeleteFunc(slices.Clone(found), func(o Object) bool {
		return o.Name != users && !strings.HasPrefix(o.Name, users+".") && o.Kind != "index"
	})}
}

func (t legacyTable) there() bool { return t.has("table", users) }

func (t legacyTable) has(kind, name string) bool {
	return slices.ContainsFunc(t.found, func(o Object) bool { return o.Kind == kind && o.Name == name })
}

// nullable columns have a NULL that means something (D3), or that a migration permits.
var nullable = []string{users + ".password_hash"}

// plan returns the alterations to the legacy form, and the rest as obstacles.
func (t legacyTable) plan() ([]Obstacle, []Alteration) {
	var obstacles []Obstacle
	var alterations []Alteration
	for _, d := range Compare(legacyCatalogue(), t.found) {
		if !d.Blocks() || (d.Name != users && !strings.HasPrefix(d.Name, users+".")) || (d.Kind == "not null" && slices.Contains(nullable, d.Name)) {
			continue
		}
		statements := t.statements(d)
		if statements == nil {
			obstacles = append(obstacles, Obstacle{What: d.String(), Hint: "change it by hand, or keep it and start with SCHEMA_CHECK=warn"})
			continue
		}
		alterations = append(alterations, Alteration{What: d.String(), statements: statements})
	}
	// The plan's 001, run by hand, made this index without uniqueness.
	if i := slices.IndexFunc(t.found, func(o Object) bool {
		return o.Name == "auth.idx_users_firebase_uid" && !strings.Contains(o.Definition, "UNIQUE")
	}); i >= 0 {
		alterations = append(alterations, Alteration{
			What:       "replace the plain index auth.idx_users_firebase_uid by a unique one",
			statements: []string{"DROP INDEX CONCURRENTLY auth.idx_users_firebase_uid"},
		})
	}
	return obstacles, alterations
}

// inTheWay finds objects that a migration would create.
func inTheWay(found Catalogue) []Obstacle {
	base, live := index(legacyCatalogue()), index(found)
	var obstacles []Obstacle
	for _, ours := range Expected() {
		if ours.Kind != "table" && ours.Kind != "function" {
			continue
		}
		_, legacys := base[objectKey{ours.Kind, ours.Name}]
		if _, there := live[objectKey{ours.Kind, ours.Name}]; there && !legacys {
			obstacles = append(obstacles, Obstacle{
				What: fmt.Sprintf("a %s %s is there already, where a migration makes its own", ours.Kind, ours.Name), Hint: "rename or move it",
			})
		}
	}
	return obstacles
}

// statements returns SQL that rewrites no row and holds no long lock, or nil.
func (t legacyTable) statements(d Difference) []string {
	column := strings.TrimPrefix(d.Name, users+".")
	switch {
	case d.Kind == "default" && strings.Contains(d.Expected, "uuid_generate_v4"):
		return []string{
			`CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public`,
			fmt.Sprintf("ALTER TABLE auth.users ALTER COLUMN %s SET DEFAULT %s", column, d.Expected),
		}
	case d.Kind == "default":
		return []string{fmt.Sprintf("ALTER TABLE auth.users ALTER COLUMN %s SET DEFAULT %s", column, d.Expected)}
	case d.Kind == "column" && d.Change == Missing && !slices.Contains([]string{"id", "email", "password_hash"}, column):
		return []string{fmt.Sprintf("ALTER TABLE auth.users ADD COLUMN %s %s", column, d.Expected)}
	case d.Kind == "not null" && column == "email":
		return []string{
			"ALTER TABLE auth.users DROP CONSTRAINT IF EXISTS adopting_email, ADD CONSTRAINT adopting_email CHECK (email IS NOT NULL) NOT VALID",
			"ALTER TABLE auth.users VALIDATE CONSTRAINT adopting_email",
			"ALTER TABLE auth.users ALTER COLUMN email SET NOT NULL, DROP CONSTRAINT adopting_email",
		}
	case d.Kind == "constraint" && d.Change == Missing:
		return t.constraint(column, d.Expected)
	}
	return nil
}

func (t legacyTable) constraint(name, definition string) []string {
	for _, o := range t.found {
		if o.Kind == "constraint" && o.Definition == definition {
			return []string{fmt.Sprintf("ALTER TABLE auth.users RENAME CONSTRAINT %s TO %s", strings.TrimPrefix(o.Name, users+"."), name)}
		}
	}
	columns, unique := strings.CutPrefix(definition, "UNIQUE ")
	if !unique {
		return nil
	}
	return []string{
		fmt.Sprintf("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS %s ON auth.users %s", name, columns),
		fmt.Sprintf("ALTER TABLE auth.users ADD CONSTRAINT %s UNIQUE USING INDEX %s", name, name),
	}
}
