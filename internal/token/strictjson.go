package token

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
)

var errNotStrictJSON = errors.New("not strict JSON")

// unmarshalStrict reads one JSON value the way T1 wants it: member names match exactly, a member that occurs twice at any
// depth, a lone surrogate, invalid UTF-8, trailing data and a wrong type are refused (RFC 8259 read with RFC 7493's care,
// the library's defaults), and so is an escaped NUL, which is valid JSON but no PostgreSQL text. The library's error is
// dropped on purpose: it quotes its input (T6).
func unmarshalStrict(document []byte, into any) error {
	if hasEscapedNUL(document) {
		return errNotStrictJSON
	}
	return unmarshalWithNUL(document, into)
}

// unmarshalWithNUL is unmarshalStrict where texts may hold NUL: a person's name at Firebase may. The caller refuses or drops it.
func unmarshalWithNUL(document []byte, into any) error {
	if json.Unmarshal(document, into) != nil {
		return errNotStrictJSON
	}
	return nil
}

// hasEscapedNUL finds the escape \u0000 in JSON text. An even run of backslashes before it is text about backslashes.
// A bare NUL needs no search: JSON does not allow it.
func hasEscapedNUL(document []byte) bool {
	for rest := document; ; {
		at := bytes.Index(rest, []byte(`\u0000`))
		if at < 0 {
			return false
		}
		before := rest[:at]
		run := len(before) - len(bytes.TrimRight(before, `\`))
		if run%2 == 0 {
			return true
		}
		rest = rest[at+1:]
	}
}
