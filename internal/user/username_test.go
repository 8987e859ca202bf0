package user

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	persian = "\u0645\u06cc\u200c\u0634\u0648\u062f" // with ZWNJ
	hindi   = "\u0915\u094d\u200d\u0937"             // k and sha, with ZWJ
	bengali = "\u09b0\u200d\u09cd\u09af\u09be"       // ZWJ before the virama
	family  = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 Smith"
)

var oddNames = []string{
	"Jane Doe", "", " ", "\t\n", strings.Repeat("n", 300), strings.Repeat("🙂", 101), strings.Repeat("e\u0301", 150), "\u202eBidi", "a\u200bb",
	"Jose\u0301", "\xff\xfe", "a\x00b", "\ufffd", "\u2028", "\ue000", strings.Repeat("a", 99) + " b", "\u0301", "ﬁ", "\u1100\u1161", " x ",
	strings.Repeat("\u0344", 100), strings.Repeat("\u0958", 60), strings.Repeat("a", 99) + "\u200d\u0301", "\u00ad-\u00ad", "\u200e \u200e x",
	persian, hindi, bengali, family, "\u2764\ufe0f\u200d\U0001f525", "a\u200db", "\u200d", persian + "\u200c", strings.Repeat("\u0645\u200c", 60),
	"\u3164", "\u115f\u1160", "\uffa0", "\u2800", "\U0001d159", "\U00013441Jane\U00013442", "\U00016fe4", "\u034f", "\ufe0f", "Jane\ufe0f", "\u845b\U000e0100", "\u0645\u200c\u200c\u0645", "e\ufe0f\u0301",
}

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
	case strings.ContainsFunc(name, isInvisible):
		t.Errorf("%q becomes %q, with control, format or invisible characters", origin, name)
	case name != "" && strings.TrimFunc(name, func(r rune) bool { return isBlank(r) || isJoiner(r) }) != name:
		t.Errorf("%q becomes %q, with a blank or a joiner at an edge", origin, name)
	}
}

// Normalization inserts a grapheme joiner after 30 accents (UAX #15 section 13.2).
func isInvisible(r rune) bool {
	return !isJoiner(r) && r != '\u034f' &&
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// FuzzUsernameFrom checks F4.
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

// F4
func TestWithSuffix_Differs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		seen[WithSuffix("Jane Doe")] = true
	}
	if len(seen) < 999 { // one run in 67 has two alike
		t.Errorf("1000 suffixes gave %d names", len(seen))
	}
}

func TestUsername_JoinersAndInvisibleCharacters_F4(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ given, from, typed string }{ // typed "": refused
		"Persian":                               {persian, persian, persian},
		"Persian, with a vowel before":          {"\u0645\u064e\u200c\u0645", "\u0645\u064e\u200c\u0645", "\u0645\u064e\u200c\u0645"},
		"Hindi":                                 {hindi, hindi, hindi},
		"Hindi with ZWNJ":                       {"\u0915\u094d\u200c\u0937", "\u0915\u094d\u200c\u0937", "\u0915\u094d\u200c\u0937"},
		"Bengali":                               {bengali, bengali, bengali},
		"Sinhala":                               {"\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"},
		"Malayalam":                             {"\u0d28\u0d4d\u200d\u0d31", "\u0d28\u0d4d\u200d\u0d31", "\u0d28\u0d4d\u200d\u0d31"},
		"a family":                              {family, family, family},
		"a profession with a skin tone":         {"\U0001f469\U0001f3fd\u200d\U0001f4bb", "\U0001f469\U0001f3fd\u200d\U0001f4bb", "\U0001f469\U0001f3fd\u200d\U0001f4bb"},
		"an emoji with a selector and a joiner": {"\u2764\ufe0f\u200d\U0001f525", "\u2764\u200d\U0001f525", "\u2764\u200d\U0001f525"},
		"an emoji with a selector":              {"I \u2764\ufe0f NY", "I \u2764 NY", "I \u2764 NY"},
		"a keycap":                              {"1\ufe0f\u20e3", "1\u20e3", "1\u20e3"},
		"an ideographic variant":                {"\u845b\U000e0100\u57ce", "\u845b\u57ce", "\u845b\u57ce"},
		"a Mongolian variant":                   {"\u1820\u180b\u1821", "\u1820\u1821", "\u1820\u1821"},
		"ZWJ in Latin":                          {"Ja\u200dne", "Jane", ""},
		"ZWNJ in Latin":                         {"Ja\u200cne", "Jane", ""},
		"ZWJ in Cyrillic":                       {"\u0418\u200d\u0440\u0430", "\u0418\u0440\u0430", ""},
		"a joiner at the beginning":             {"\u200c" + persian, persian, ""},
		"a joiner at the end":                   {persian + "\u200c", persian, ""},
		"a joiner before a blank":               {"\u0645\u200c \u0645", "\u0645 \u0645", ""},
		"two joiners":                           {"\u0645\u200c\u200c\u0645", "\u0645\u0645", ""},
		"ZWNJ between emoji":                    {"\U0001f600\u200c\U0001f600", "\U0001f600\U0001f600", ""},
		"a joiner and an accent":                {"e\u200d\u0301", "\u00e9", ""},
		"joiners alone":                         {"\u200c\u200d", "", ""},
		"a zero width space":                    {"Ja\u200bne", "Jane", ""},
		"a word joiner":                         {"Ja\u2060ne", "Jane", ""},
		"a Hangul filler":                       {"\u3164", "", ""},
		"a Hangul filler in a name":             {"Ja\u3164ne", "Jane", ""},
		"a halfwidth Hangul filler":             {"\uffa0\uffa0", "", ""},
		"jamo fillers":                          {"\u115f\u1160", "", ""},
		"Khmer inherent vowels":                 {"\u17b4\u17b5", "", ""},
		"a combining grapheme joiner":           {"Ja\u034fne", "Jane", ""},
		"the empty Braille pattern":             {"\u2800\u2800", "", ""},
		"the empty Braille pattern around":      {"\u2800Jane\u2800", "Jane", ""},
		"a null notehead":                       {"\U0001d159", "", ""},
		"hieroglyphs' blanks":                   {"\U00013441 \U00013442", "", ""},
		"a Khitan filler":                       {"\U00016fe4\U00016fe4", "", ""},
		"Braille with a blank":                  {"\u2813\u2800\u280a", "\u2813\u2800\u280a", "\u2813\u2800\u280a"},
		"variation selectors alone":             {"\ufe0f\ufe0e\U000e0100", "", ""},
		"a variation selector after a letter":   {"Jane\ufe0f", "Jane", ""},
		"a variation selector before a letter":  {"\ufe0fJane", "Jane", ""},
		"two selectors after a symbol":          {"\u2764\ufe0f\ufe0f", "\u2764", ""},
		"a digit with a selector":               {"7\ufe0f", "7", ""},
		"tags":                                  {"Jane\U000e0061\U000e007f", "Jane", ""},
		"blanks of all kinds":                   {"\u00a0\u2003\u3000\u1680", "", ""},
		"a soft hyphen":                         {"\u00ad", "", ""},
	} {
		if got := UsernameFrom(c.given); got != c.from {
			t.Errorf("%s: UsernameFrom(%+q) = %+q, expected %+q", what, c.given, got, c.from)
		}
		got, err := ValidUsername(c.given)
		if got != c.typed || (err == nil) != (c.typed != "") {
			t.Errorf("%s: ValidUsername(%+q) = %+q, %v, expected %+q", what, c.given, got, err, c.typed)
		}
	}
	if got := UsernameFrom(strings.Repeat("a", maxUsername-2) + "\u0645\u200c\u0645"); strings.HasSuffix(got, "\u200c") {
		t.Errorf("the cut leaves a joiner at the end: %+q", got)
	}
}
