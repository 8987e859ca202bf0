package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fencedCode = regexp.MustCompile("(?ms)^```.*?^```")
	pageLink   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#+ (.+)$`)
	unlinked   = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors makes fragments as GitHub does.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(fencedCode.ReplaceAllString(page, ""), -1) {
		found[strings.ReplaceAll(unlinked.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-")] = true
	}
	return found
}

func TestLinks_LeadSomewhere(t *testing.T) {
	t.Parallel()
	links := 0
	for _, name := range tracked(t) {
		if filepath.Ext(name) != ".md" {
			continue
		}
		page := readFile(t, name)
		for _, match := range pageLink.FindAllStringSubmatch(fencedCode.ReplaceAllString(page, ""), -1) {
			if strings.Contains(match[1], "://") || strings.HasPrefix(match[1], "mailto:") {
				continue
			}
			links++
			path, fragment, anchored := strings.Cut(match[1], "#")
			target := name
			if path != "" {
				target = filepath.Join(filepath.Dir(name), path)
			}
			if _, err := os.Stat(filepath.Join("../..", target)); err != nil {
				t.Errorf("%s links to %s: %v", name, match[1], err)
				continue
			}
			if anchored && !anchors(readFile(t, target))[fragment] {
				t.Errorf("%s links to %s, and %s has no such heading", name, match[1], target)
			}
		}
	}
	if links < 100 {
		t.Errorf("found %d links, expected those of all pages", links)
	}
}
