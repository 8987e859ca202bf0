// Package page cuts what a search finds into pages by what was shown last (keyset pagination), so that none is skipped or told twice
// because of changes between. It knows neither tables nor HTTP: a statement asks for [Size.OneMore] rows after a place, [Trim] says
// which of them are the page, and a cursor is a place as clients carry it.
package page

import (
	"encoding/base64"
	"encoding/json"
	"errors"

	"auth-v2-service/internal/fault"
)

// Size is how many rows a page has at most.
type Size int32

// OneMore is a row more than a page has, which tells whether there is another page.
func (s Size) OneMore() int32 { return int32(s) + 1 }

// Trim takes the row that is one more away. last is where the page ends and the next one goes on; nil: there is none.
func Trim[Row any](rows []Row, size Size) (page []Row, last *Row) {
	if len(rows) <= int(size) {
		return rows, nil
	}
	return rows[:size], &rows[size-1]
}

// ErrInvalidCursor refuses a cursor that no page of this search gave.
var ErrInvalidCursor = fault.Invalid("the request is not valid", fault.Field{
	Field: "cursor", Message: "must be what the page before gave, for the same search",
})

// Encode spells a place for clients, who rely on nothing in it. A place is a struct that JSON can say.
func Encode(place any) string {
	encoded, err := json.Marshal(place)
	if err != nil {
		panic(err) // a place that JSON cannot say: a bug, and on each page
	}
	return base64.RawURLEncoding.EncodeToString(encoded)
}

// Decode reads a cursor into a pointer to a place; "" leaves it as it is, where everything begins. ErrInvalidCursor for what Cursor does
// not make of a place of this type: the cursor of another list, or a member too few, would silently begin elsewhere. Whether the place
// is one of this search is for the caller to look at.
func Decode(cursor string, place any) error {
	if cursor == "" {
		return nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(decoded, place)
	}
	if err == nil && Encode(place) != cursor {
		err = errors.New("the cursor is of another kind of place")
	}
	if err != nil {
		return ErrInvalidCursor.With(err)
	}
	return nil
}
