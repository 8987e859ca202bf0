package schema

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

var migrationName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,60}$`)

// template reminds the author of D4 and D5.
const template = `-- What changes, and why.
--
-- Others read and write while this runs. Expand only: add now, and take away in a later release. Constraints NOT VALID here, and
-- validated by a migration of their own; an index in a file of its own as
--   -- migrate:up transaction:false
--   CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_example ON auth.users (example);
-- What the down takes away it keeps in auth.federation_archive, and the up puts back.

-- migrate:up

-- migrate:down
`

// New creates the next migration and returns its path.
func New(dir, name string) (string, error) {
	if !migrationName.MatchString(name) {
		return "", fmt.Errorf("%q is no name for a migration: use lower case and underscores, such as add_locale", name)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil {
		return "", fmt.Errorf("look for migrations: %w", err)
	}
	last := -1
	for _, file := range files {
		match := versionOf.FindStringSubmatch(filepath.Base(file))
		if match == nil {
			continue
		}
		number, err := strconv.Atoi(match[1])
		if err != nil {
			return "", fmt.Errorf("read the number of %s: %w", file, err)
		}
		last = max(last, number)
	}
	path := filepath.Join(dir, fmt.Sprintf("%03d_%s.sql", last+1, name))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a source file, in the folder that was named
	if err != nil {
		return "", fmt.Errorf("begin a migration: %w", err)
	}
	if _, err := file.WriteString(template); err != nil {
		_ = file.Close()
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	if err := file.Close(); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return path, nil
}
