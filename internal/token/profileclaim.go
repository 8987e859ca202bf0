package token

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// profileClaim is a claim that describes the person and decides nothing. Firebase does not reserve its name (name, picture,
// phone_number): a custom claim of any type can stand in its place. A value that is no text counts as absent. NUL, which a person may have
// put into a name at Firebase and which PostgreSQL cannot hold, is dropped.
type profileClaim string

// UnmarshalJSONFrom implements json.UnmarshalerFrom. A skipped value is held to strict JSON.
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
