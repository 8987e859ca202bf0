package user

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

var oddNames = []string{
	"Jane Doe", "", " ", "\t\n", strings.Repeat("n", 300), strings.Repeat("🙂", 101), strings.Repeat("e\u0301", 150), "\u202eBidi", "a\u200bb",
	"Jose\u0301", "\xff\xfe", "a\x00b", "\ufffd", "\u2028", "\ue000", strings.Repeat("a", 99) + " b", "\u0301", "ﬁ", "\u1100\u1161", " x ",
	strings.Repeat("\u0344", 100), strings.Repeat("\u0958", 60), strings.Repeat("a", 99) + "\u200d\u0301", "\u00ad-\u00ad", "\u200e \u200e x",
}

// checkName holds what every stored name must be.
func checkName(t *testing.T, origin, name string) {
	t.Helper()
	switch {
	case !utf8.ValidString(name):
		t.Errorf("%q becomes %q, which is not UTF-8", origin, name)
	case utf8.RuneCountInString(name) > maxUsername:
		t.Errorf("%q becomes a name of %d characters", origin, utf8.RuneCountInString(name))
	case !norm.NFC.IsNormalString(name):
		t.Errorf("%q becomes %q, which is not NFC", origin, name)
	case strings.TrimSpace(name) != name:
		t.Errorf("%q becomes %q, with space around it", origin, name)
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		t.Errorf("%q becomes %q, with control or format characters", origin, name)
	}
}

// FuzzUsernameFrom holds F4: any display name becomes a fit name or none, again gives the same, and a person may keep it.
func FuzzUsernameFrom(f *testing.F) {
	for _, name := range oddNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, displayName string) {
		name := UsernameFrom(displayName)
		checkName(t, displayName, name)
		if again := UsernameFrom(name); again != name {
			t.Errorf("%q becomes %q becomes %q", displayName, name, again)
		}
		if name == "" {
			return
		}
		if kept, err := ValidUsername(name); err != nil || kept != name {
			t.Errorf("%q becomes %q, which a person may not choose: %v", displayName, name, err)
		}
		other := WithSuffix(name)
		checkName(t, displayName+" with a suffix", other)
		if other == name {
			t.Errorf("%q with a suffix is the same", name)
		}
	})
}

// FuzzValidUsername: what is accepted is fit, is its own NFC form, and again gives the same.
func FuzzValidUsername(f *testing.F) {
	for _, name := range oddNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		name, err := ValidUsername(typed)
		if err != nil {
			if !errors.Is(err, ErrInvalidUsername) || name != "" {
				t.Errorf("%q is refused with %v and %q", typed, err, name)
			}
			return
		}
		checkName(t, typed, name)
		if name == "" {
			t.Errorf("%q is accepted as no name", typed)
		}
		if again, err := ValidUsername(name); err != nil || again != name {
			t.Errorf("%q becomes %q becomes %q (%v)", typed, name, again, err)
		}
	})
}

// F4: a hundred people of one name get a hundred names.
func TestWithSuffix_Differs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		seen[WithSuffix("Jane Doe")] = true
	}
	if len(seen) < 999 { // 32^5 names: two of a thousand alike are one run in 67
		t.Errorf("1000 suffixes gave %d names", len(seen))
	}
}
