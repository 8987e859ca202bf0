package archtest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	firstPicture = regexp.MustCompile("(?s)```mermaid\nflowchart TD\n(.*?)```")
	labelled     = regexp.MustCompile(`^(\w+)\["([^"]+)"\]$`)
)

// picture is the flowchart of docs/architecture.md. Layers count from the top.
type picture struct {
	layer  map[string]int
	arrows map[string][]string
}

func drawn(t *testing.T) picture {
	t.Helper()
	match := firstPicture.FindStringSubmatch(readFile(t, "docs/architecture.md"))
	if match == nil {
		t.Fatal("docs/architecture.md has no flowchart")
	}
	p := picture{layer: map[string]int{}, arrows: map[string][]string{}}
	rooms := map[string]string{}
	layer := 0
	for line := range strings.SplitSeq(match[1], "\n") {
		line = strings.TrimSpace(line)
		switch from, to, arrow := strings.Cut(line, " --> "); {
		case line == "" || line == "end":
		case strings.HasPrefix(line, "subgraph "):
			layer++
		case arrow:
			for node := range strings.SplitSeq(to, " & ") {
				if rooms[from] == "" || rooms[node] == "" {
					t.Errorf("the picture has an arrow from %s to %s, and not both of them", from, node)
				}
				p.arrows[rooms[from]] = append(p.arrows[rooms[from]], rooms[node])
			}
		default:
			for node := range strings.SplitSeq(line, "; ") {
				room := "internal/" + node
				if parts := labelled.FindStringSubmatch(node); parts != nil {
					node, room = parts[1], parts[2]
				}
				rooms[node], p.layer[room] = room, layer
			}
		}
	}
	return p
}

func (p picture) reaches(room string) []string {
	var found []string
	for next := slices.Clone(p.arrows[room]); len(next) > 0; {
		last := next[len(next)-1]
		next = next[:len(next)-1]
		if !slices.Contains(found, last) {
			found = append(found, last)
			next = append(next, p.arrows[last]...)
		}
	}
	return found
}

// An arrow is an allowed import that leads down. Each allowed import has a path of arrows.
func TestArchitecture_ThePictureIsTheImportTable(t *testing.T) {
	t.Parallel()
	p := drawn(t)
	for room := range p.layer {
		if _, known := allowed[room]; !known {
			t.Errorf("the picture has %s, which the import table does not", room)
		}
	}
	for room, may := range allowed {
		if p.layer[room] == 0 {
			t.Errorf("the picture lacks %s", room)
		}
		reached := p.reaches(room)
		for _, other := range may {
			if !slices.Contains(reached, other) && !slices.Contains(foundations, other) {
				t.Errorf("%s may import %s, and no arrows lead there", room, other)
			}
			if p.layer[other] <= p.layer[room] {
				t.Errorf("%s may import %s, which is not in a layer below", room, other)
			}
		}
		for _, other := range p.arrows[room] {
			if !slices.Contains(may, other) {
				t.Errorf("an arrow leads from %s to %s, which the import table does not allow", room, other)
			}
		}
	}
}

func TestArchitecture_TheTableHasEachRoom(t *testing.T) {
	t.Parallel()
	_, table, _ := strings.Cut(readFile(t, "docs/architecture.md"), "\n## Rooms\n")
	for room := range allowed {
		if !strings.Contains(table, "`"+room+"`") && (!slices.Contains(foundations, room) || !strings.Contains(table, "`"+strings.TrimPrefix(room, "internal/")+"`")) {
			t.Errorf("the table of docs/architecture.md lacks %s", room)
		}
	}
}
