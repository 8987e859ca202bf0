package schema

import (
	"fmt"
	"strings"
)

// Change is a kind of Difference.
type Change string

// Missing and Different stop a start. Extra only warns: yesterday's binary must start on today's schema (D2).
const (
	Missing   Change = "missing"
	Different Change = "different"
	Extra     Change = "extra"
)

// Difference is a deviating object. An extra one has no Expected, a missing one no Found. Hint guesses the cause.
type Difference struct {
	Change   Change `json:"change"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Expected string `json:"expected,omitempty"`
	Found    string `json:"found,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// String returns one line.
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

// Blocks reports a difference that stops a start.
func (d Difference) Blocks() bool { return d.Change != Extra }

type objectKey struct{ kind, name string }

// Compare lists the differences in the catalogue's order, blocking ones first.
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

func nameless(definition, name string) string {
	return strings.Replace(definition, " "+name[strings.LastIndexByte(name, '.')+1:]+" ", " ", 1)
}

func place(name string) string { return name[:max(strings.LastIndexByte(name, '.'), 0)] }
