package token

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// profileClaim decides nothing. A custom claim can replace it: other types count as absent. NUL is dropped for PostgreSQL.
type profileClaim string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *profileClaim) UnmarshalJSONFrom(document *jsontext.Decoder) error {
	if document.PeekKind() != '"' {
		return document.SkipValue()
	}
	text, err := document.ReadToken()
	if err != nil {
		return err
	}
	*c = profileClaim(strings.ReplaceAll(text.String(), "\x00", ""))
	return nil
}
