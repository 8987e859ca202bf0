package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

var bodies = map[string]bool{
	`{}`: true, `[]`: true, `null`: true, `"text"`: true, `0`: true, `-1.5e3`: true, ` {"a":[1,{"b":null}]} `: true, "{\"a\":\"\u00e9\"}": true,
	`{"a":"\u00e9"}`: true, `{"a":"\ud83d\ude00"}`: true, `{"a":1,"A":2}`: true, `{"a":{"a":1},"b":{"a":1}}`: true, `{"":""}`: true,
	``: false, ` `: false, `{`: false, `{}{}`: false, `{} 1`: false, `{"a":1,}`: false, `{"a":1,"a":2}`: false, `{"a":1,"\u0061":2}`: false,
	`[{"a":1,"a":1}]`: false, `{'a':1}`: false, `{a:1}`: false, `nul`: false, `NaN`: false, `01`: false, `+1`: false, `.5`: false,
	"\ufeff{}": false, "{\"a\":\"\xff\"}": false, "{\"\xff\":1}": false, "{\"a\":\"\xed\xa0\x80\"}": false, `{"a":"\ud800"}`: false,
	`{"a":"\udc00\ud800"}`: false, `{"a":"\u0000"}`: false, `{"\u0000":1}`: false, "{\"a\":\"\x00\"}": false, "{\"a\":\"\n\"}": false,
	"{}\x00": false, `/**/{}`: false,
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for body, good := range bodies {
		if err := checkJSON([]byte(body)); (err == nil) != good {
			t.Errorf("checkJSON(%q) says %v, expected it to be fine: %t", body, err, good)
		}
	}
	deep := strings.Repeat("[", 32<<10) + strings.Repeat("]", 32<<10)
	if checkJSON([]byte(deep)) == nil {
		t.Error("32768 nested arrays pass, expected a limit")
	}
}

func FuzzCheckJSON(f *testing.F) {
	for body := range bodies {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		accepted := checkJSON(body) == nil
		if accepted && bytes.ContainsRune(body, 0) {
			t.Errorf("a raw NUL passes: %q", body)
		}
		if surrogate.Match(body) && !accepted {
			return // encoding/json replaces lone surrogates
		}
		if strict := strictlyValid(body); accepted != strict {
			t.Errorf("checkJSON(%q) accepts: %t, expected %t", body, accepted, strict)
		}
	})
}

var surrogate = regexp.MustCompile(`(?i)\\ud[89a-f]`)

const maxDepth = 9_990

// strictlyValid is checkJSON by the standard library.
func strictlyValid(body []byte) bool {
	if !json.Valid(body) || !utf8.Valid(body) {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	ok, err := uniqueWithoutNUL(decoder, 0)
	return ok && err == nil
}

func uniqueWithoutNUL(decoder *json.Decoder, depth int) (bool, error) {
	token, err := decoder.Token()
	if err != nil {
		return false, err
	}
	if text, ok := token.(string); ok && strings.ContainsRune(text, 0) {
		return false, nil
	}
	opening, nested := token.(json.Delim)
	if !nested {
		return true, nil
	}
	if depth > maxDepth {
		return false, errors.New("too deep to say")
	}
	names := map[string]bool{}
	for decoder.More() {
		if opening == '{' {
			name, err := decoder.Token()
			if err != nil {
				return false, err
			}
			text, _ := name.(string)
			if names[text] || strings.ContainsRune(text, 0) {
				return false, nil
			}
			names[text] = true
		}
		if ok, err := uniqueWithoutNUL(decoder, depth+1); !ok || err != nil {
			return ok, err
		}
	}
	if _, err = decoder.Token(); errors.Is(err, io.EOF) {
		return false, err
	}
	return true, err
}
