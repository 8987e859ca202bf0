package user

import (
	"strings"
	"testing"
)

func TestLookUpEmail_TakesWhatARowMayHave_F2(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"John..Doe@Example.com": "john..doe@example.com", "john.@example.com": "john.@example.com", ".john@example.com": ".john@example.com",
		"jos\u00e9@example.com": "jos\u00e9@example.com", "JOS\u00c9@example.com": "jos\u00c9@example.com", " " + `"John Doe"@example.com` + " ": `"john doe"@example.com`,
		"jane@example.com.": "jane@example.com.", "jane@b\u00fccher.example": "jane@b\u00fccher.example", "jane@[127.0.0.1]": "jane@[127.0.0.1]",
		strings.Repeat("A", 243) + "@example.com":      strings.Repeat("a", 243) + "@example.com",
		strings.Repeat("\u00e9", 243) + "@example.com": strings.Repeat("\u00e9", 243) + "@example.com", "root": "root", "jane@@example.com": "jane@@example.com",
	} {
		if got, err := LookUpEmail(typed); err != nil || got != want || got != fold(typed) {
			t.Errorf("F2: %q is looked up as %q (%v), expected %q", typed, got, err, want)
		}
		if got, err := CanonicalEmail(typed); err == nil && !strings.HasPrefix(got, "aaa") {
			t.Errorf("F2: a new row may have %q", got)
		}
	}
	for _, typed := range []string{
		"", " \t", "jane\x00@example.com", "jane\xff@example.com", "x@users.noreply.invalid", "X@Users.NoReply.Invalid", strings.Repeat("\u00e9", 256),
	} {
		if got, err := LookUpEmail(typed); err == nil || got != "" {
			t.Errorf("F2: %q, which no row can have, is looked up as %q", typed, got)
		}
	}
}
