package user

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The joiners are format characters that change how the letters around them look: Persian and Hindi words and emoji need them.
const (
	zwnj = '\u200c'
	zwj  = '\u200d'
)

// joiningScripts are those in which a joiner between two letters shows: the cursive ones, and those with conjuncts.
var joiningScripts = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Mandaic, unicode.Manichaean, unicode.Mongolian, unicode.Nko, unicode.Phags_Pa, unicode.Adlam,
	unicode.Hanifi_Rohingya, unicode.Sogdian, unicode.Psalter_Pahlavi, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi,
	unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Myanmar,
	unicode.Khmer, unicode.Tibetan, unicode.Balinese, unicode.Javanese, unicode.Chakma, unicode.Brahmi, unicode.Grantha, unicode.Tirhuta,
	unicode.Newa, unicode.Meetei_Mayek, unicode.Sundanese, unicode.Tai_Tham,
}

// varyingScripts are those whose letters have standardized variants.
var varyingScripts = []*unicode.RangeTable{unicode.Han, unicode.Mongolian, unicode.Phags_Pa, unicode.Myanmar}

// visible is what of a name can be kept: NFC, without control, format, private and invisible characters, without variation selectors,
// with a joiner only where it shows, and without blanks at the edges. "" means that nothing can be seen. Again it gives the same.
func visible(name string) string {
	kept := strings.Map(func(r rune) rune {
		if unfit(r) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, name)
	return trimBlanks(norm.NFC.String(dropIdleJoiners(norm.NFC.String(kept))))
}

// unfit are control characters, invisible format characters (bidirectional overrides among them), surrogates, private use, line
// separators, and letters that Unicode calls ignorable, such as the Hangul fillers. Joiners are looked at where they stand.
func unfit(r rune) bool {
	if isJoiner(r) || unicode.Is(unicode.Variation_Selector, r) {
		return false
	}
	return r == utf8.RuneError || unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}

func isJoiner(r rune) bool { return r == zwj || r == zwnj }

// isBlank reports whether r shows nothing but takes a place: white space, and the letters and symbols that Unicode defines as empty
// (Braille pattern, musical note head, hieroglyphs, Khitan filler).
func isBlank(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(emptyCharacters, r) }

const emptyCharacters = "\u2800\U0001d159\U00013441\U00013442\U00016fe4"

func trimBlanks(name string) string {
	return strings.TrimFunc(name, func(r rune) bool { return isBlank(r) || isJoiner(r) })
}

// dropIdleJoiners drops joiners that show nothing where they stand: two names must not differ by them.
func dropIdleJoiners(name string) string {
	if !strings.ContainsFunc(name, isJoiner) {
		return name
	}
	runes := []rune(name)
	var out strings.Builder
	for i, r := range runes {
		if !isJoiner(r) || i+1 < len(runes) && joins(r, runes[:i], runes[i+1]) {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// joins reports whether a joiner shows between what stands before it and what comes next.
func joins(joiner rune, before []rune, next rune) bool {
	if joiner == zwj && len(before) > 0 && isEmoji(before[len(before)-1]) && isEmoji(next) {
		return true
	}
	for len(before) > 0 && unicode.Is(unicode.M, before[len(before)-1]) {
		before = before[:len(before)-1] // a vowel sign or a virama belongs to its letter
	}
	return len(before) > 0 && unicode.In(before[len(before)-1], joiningScripts...) && unicode.In(next, joiningScripts...)
}

// isEmoji takes symbols from the arrows on, and the skin tones.
func isEmoji(r rune) bool {
	return r >= '\u2190' && unicode.In(r, unicode.So, unicode.Sm) || r >= '\U0001f3fb' && r <= '\U0001f3ff'
}

// dropVariants drops the variation selectors of a typed name, so that no two names differ by them alone. ok is false where one
// follows what has no variants: it can only hide there.
func dropVariants(name string) (plain string, ok bool) {
	runes := []rune(name)
	var out strings.Builder
	for i, r := range runes {
		switch {
		case !unicode.Is(unicode.Variation_Selector, r):
			out.WriteRune(r)
		case i == 0 || !hasVariants(runes[i-1], runes[i+1:]):
			return "", false
		}
	}
	return out.String(), true
}

// hasVariants reports whether a variation selector may follow base: a symbol, a letter of some scripts, or a keycap's base.
func hasVariants(base rune, rest []rune) bool {
	const keycap = '\u20e3'
	switch {
	case strings.ContainsRune("0123456789#*", base):
		return len(rest) > 0 && rest[0] == keycap
	case strings.ContainsRune("\u203c\u2049\u2139\u3030", base): // emoji that are no symbols to Unicode
		return true
	}
	return !unicode.Is(unicode.Variation_Selector, base) && unicode.In(base, append(varyingScripts, unicode.So, unicode.Sm)...)
}
