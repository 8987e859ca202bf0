package user

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Persian, Hindi and emoji need them.
const (
	zwnj = '\u200c'
	zwj  = '\u200d'
)

// The cursive scripts and those with conjuncts.
var joiningScripts = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Mandaic, unicode.Manichaean, unicode.Mongolian, unicode.Nko, unicode.Phags_Pa, unicode.Adlam,
	unicode.Hanifi_Rohingya, unicode.Sogdian, unicode.Psalter_Pahlavi, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi,
	unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Myanmar,
	unicode.Khmer, unicode.Tibetan, unicode.Balinese, unicode.Javanese, unicode.Chakma, unicode.Brahmi, unicode.Grantha, unicode.Tirhuta,
	unicode.Newa, unicode.Meetei_Mayek, unicode.Sundanese, unicode.Tai_Tham,
}

// These have standardized variants.
var varyingScripts = []*unicode.RangeTable{unicode.Han, unicode.Mongolian, unicode.Phags_Pa, unicode.Myanmar}

// visible returns the visible part of a name, in NFC. It is idempotent.
func visible(name string) string {
	kept := strings.Map(func(r rune) rune {
		if unfit(r) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, name)
	return trimBlanks(norm.NFC.String(dropIdleJoiners(norm.NFC.String(kept))))
}

// unfit includes ignorable characters, such as Hangul fillers.
func unfit(r rune) bool {
	if isJoiner(r) || unicode.Is(unicode.Variation_Selector, r) {
		return false
	}
	return r == utf8.RuneError || unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}

func isJoiner(r rune) bool { return r == zwj || r == zwnj }

// isBlank includes characters that Unicode defines as empty.
func isBlank(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(emptyCharacters, r) }

const emptyCharacters = "\u2800\U0001d159\U00013441\U00013442\U00016fe4"

func trimBlanks(name string) string {
	return strings.TrimFunc(name, func(r rune) bool { return isBlank(r) || isJoiner(r) })
}

// Names must not differ by invisible joiners.
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

func joins(joiner rune, before []rune, next rune) bool {
	if joiner == zwj && len(before) > 0 && isEmoji(before[len(before)-1]) && isEmoji(next) {
		return true
	}
	for len(before) > 0 && unicode.Is(unicode.M, before[len(before)-1]) {
		before = before[:len(before)-1] // a vowel sign or virama belongs to its letter
	}
	return len(before) > 0 && unicode.In(before[len(before)-1], joiningScripts...) && unicode.In(next, joiningScripts...)
}

func isEmoji(r rune) bool {
	return r >= '\u2190' && unicode.In(r, unicode.So, unicode.Sm) || r >= '\U0001f3fb' && r <= '\U0001f3ff'
}

// Names must not differ by variation selectors. ok is false for a hidden one.
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

func hasVariants(base rune, rest []rune) bool {
	const keycap = '\u20e3'
	switch {
	case strings.ContainsRune("0123456789#*", base):
		return len(rest) > 0 && rest[0] == keycap
	case strings.ContainsRune("\u203c\u2049\u2139\u3030", base): // outside the symbol classes
		return true
	}
	return !unicode.Is(unicode.Variation_Selector, base) && unicode.In(base, append(varyingScripts, unicode.So, unicode.Sm)...)
}
