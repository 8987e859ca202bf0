package schema

import (
	"fmt"
	"strings"
)

// Change is how a live object differs from what the migrations produce.
type Change string

// Missing and Different objects stop a start, Extra ones are warned of: the binary of yesterday must start on the schema of
// today (D2).
const (
	Missing   Change = "missing"
	Different Change = "different"
	Extra     Change = "extra"
)

// Difference names one object that is not what the migrations produce. Expected is empty for an extra object, Found for a
// missing one; Hint, where there is one, says what has probably happened.
type Difference struct {
	Change   Change `json:"change"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Expected string `json:"expected,omitempty"`
	Found    string `json:"found,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// String is one line for people.
func (d Difference) String() string {
	text := fmt.Sprintf("%s %s %s", d.Change, d.Kind, d.Name)
	switch d.Change {
	case Missing:
		text += parenthesised(d.Expected)
	case Extra:
		text += parenthesised(d.Found)
	case Different:
		text += fmt.Sprintf(": is %s, must be %s", oneLine(d.Found), oneLine(d.Expected))
	}
	if d.Hint != "" {
		text += "; " + d.Hint
	}
	return text
}

func parenthesised(definition string) string {
	if definition == "" {
		return ""
	}
	return " (" + oneLine(definition) + ")"
}

func oneLine(definition string) string { return strings.Join(strings.Fields(definition), " ") }

// Blocks says whether a service must not serve on it.
func (d Difference) Blocks() bool { return d.Change != Extra }

// objectKey is what two objects are the same by.
type objectKey struct{ kind, name string }

// Compare names everything in which found differs from expected, in the catalogue's order, what blocks first.
func Compare(expected, found Catalogue) []Difference {
	live := index(found)
	var blocking, extra []Difference
	for _, want := range expected {
		have, there := live[objectKey{want.Kind, want.Name}]
		switch {
		case !there:
			blocking = append(blocking, Difference{Change: Missing, Kind: want.Kind, Name: want.Name, Expected: want.Definition})
		case have != want.Definition:
			blocking = append(blocking, Difference{
				Change: Different, Kind: want.Kind, Name: want.Name, Expected: want.Definition, Found: have,
			})
		}
	}
	known := index(expected)
	for _, have := range found {
		if _, wanted := known[objectKey{have.Kind, have.Name}]; !wanted {
			extra = append(extra, Difference{Change: Extra, Kind: have.Kind, Name: have.Name, Found: have.Definition})
		}
	}
	hintRenames(blocking, extra)
	return append(blocking, extra...)
}

func index(c Catalogue) map[objectKey]string {
	out := make(map[objectKey]string, len(c))
	for _, object := range c {
		out[objectKey{object.Kind, object.Name}] = object.Definition
	}
	return out
}

// hintRenames tells a missing object from an extra one of the same kind and definition in the same place. Definitions of some
// kinds, such as an index, hold the object's own name.
func hintRenames(missing, extra []Difference) {
	for i, gone := range missing {
		if gone.Change != Missing || gone.Kind == "not null" || gone.Kind == "default" || gone.Kind == "comment" {
			continue
		}
		for _, other := range extra {
			if other.Kind == gone.Kind && nameless(other.Found, other.Name) == nameless(gone.Expected, gone.Name) && place(other.Name) == place(gone.Name) {
				missing[i].Hint = "perhaps renamed to " + other.Name
			}
		}
	}
}

// nameless is a definition without the name of what it defines, which stands in it once or not at all.
func nameless(definition, name string) string {
	return strings.Replace(definition, " "+name[strings.LastIndexByte(name, '.')+1:]+" ", " ", 1)
}

// place is what a name stands in: the table of a column, the schema of a table.
func place(name string) string { return name[:max(strings.LastIndexByte(name, '.'), 0)] }
