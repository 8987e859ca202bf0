package token

import (
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// numericDate is RFC 7519's, in whole seconds. Fractions are cut, so no token is younger or lives longer than it says. Zero means absent or
// null.
type numericDate int64

// UnmarshalJSONFrom takes numbers up to latestDate and any 64-bit integer.
func (d *numericDate) UnmarshalJSONFrom(document *jsontext.Decoder) error {
	value, err := document.ReadValue()
	if err != nil {
		return err
	}
	switch value.Kind() {
	case 'n':
		*d = 0
		return nil
	case '0':
	default:
		return errNotStrictJSON
	}
	if whole, err := strconv.ParseInt(string(value), 10, 64); err == nil {
		*d = numericDate(whole)
		return nil
	}
	number, err := strconv.ParseFloat(string(value), 64)
	if err != nil || math.Abs(number) > latestDate {
		return errNotStrictJSON
	}
	*d = numericDate(math.Floor(number))
	return nil
}

func (d numericDate) time() time.Time { return time.Unix(int64(d), 0).UTC() }
