package firebase

import (
	"strings"
	"unicode/utf8"
)

// maxText is in bytes.
const maxText = 2048

// clean drops NUL, which PostgreSQL cannot hold, and cuts at maxText.
func clean(text string) string {
	text = strings.ReplaceAll(text, "\x00", "")
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// Storable reports whether PostgreSQL can hold a uid. Imports may bring any text.
func Storable(uid string) bool { return !strings.ContainsRune(uid, 0) && utf8.ValidString(uid) }
