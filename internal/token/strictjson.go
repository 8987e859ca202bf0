package token

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
)

var errNotStrictJSON = errors.New("not strict JSON")

// unmarshalStrict holds T1 (RFC 8259 with RFC 7493). It also refuses escaped NUL, which PostgreSQL cannot hold, and drops the library's
// error, which quotes the input (T6).
func unmarshalStrict(document []byte, into any) error {
	if hasEscapedNUL(document) {
		return errNotStrictJSON
	}
	return unmarshalWithNUL(document, into)
}

// unmarshalWithNUL permits NUL. The caller refuses or drops it.
func unmarshalWithNUL(document []byte, into any) error {
	if json.Unmarshal(document, into) != nil {
		return errNotStrictJSON
	}
	return nil
}

// hasEscapedNUL finds \u0000 after an even run of backslashes.
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
