// Package page implements keyset pagination: changes between pages neither skip nor repeat rows.
package page

import (
	"encoding/base64"
	"encoding/json"
	"errors"

	"auth-v2-service/internal/fault"
)

// Size is a page's length.
type Size int32

// OneMore tells whether another page follows.
func (s Size) OneMore() int32 { return int32(s) + 1 }

// Trim drops the extra row. last is nil on the last page.
func Trim[Row any](rows []Row, size Size) (page []Row, last *Row) {
	if len(rows) <= int(size) {
		return rows, nil
	}
	return rows[:size], &rows[size-1]
}

// ErrInvalidCursor refuses a foreign cursor.
var ErrInvalidCursor = fault.Invalid("the request is not valid", fault.Field{
	Field: "cursor", Message: "must be what the page before gave, for the same search",
})

// Encode returns an opaque cursor.
func Encode(place any) string {
	encoded, err := json.Marshal(place)
	if err != nil {
		panic(err) // a bug
	}
	return base64.RawURLEncoding.EncodeToString(encoded)
}

// Decode reads a cursor; "" leaves place unchanged. It refuses a cursor of another place type. The caller checks the values.
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
