package firebase

import (
	"strings"
	"unicode/utf8"
)

// maxText is the longest text of an account that we keep, in bytes. Google allows 256 characters for a name; the address of a photo is
// the longest that has a use.
const maxText = 2048

// clean makes a text that an account's owner has chosen fit for PostgreSQL: it drops NUL, which neither text nor jsonb can hold
// (invalid UTF-8 became U+FFFD when the JSON was decoded), and cuts the rest at maxText.
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

// Storable reports whether a uid can be a value in PostgreSQL. Google's own uids are; an import may bring any text.
func Storable(uid string) bool { return !strings.ContainsRune(uid, 0) && utf8.ValidString(uid) }
