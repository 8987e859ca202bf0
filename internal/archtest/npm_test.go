package archtest

import (
	"path"
	"strings"
	"testing"
)

// A lock file with download addresses ties a checkout to one registry.
func TestNpm_LocksHoldNoAddress(t *testing.T) {
	t.Parallel()
	locks := 0
	for _, name := range tracked(t) {
		if path.Base(name) != "package-lock.json" {
			continue
		}
		locks++
		if strings.Contains(readFile(t, name), `"resolved"`) {
			t.Errorf("%s holds download addresses", name)
		}
		if settings := path.Join(path.Dir(name), ".npmrc"); !strings.Contains(readFile(t, settings), "omit-lockfile-registry-resolved=true") {
			t.Errorf("%s lets npm write download addresses into %s", settings, name)
		}
	}
	if locks < 5 {
		t.Errorf("found %d lock files, expected those of the whole repository", locks)
	}
}
