package password

import (
	"errors"
	"strings"
	"testing"
)

// A6.
func TestCheckNew_Bounds(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]error{
		"":                            ErrTooShort,
		"1234567":                     ErrTooShort,
		"12345678":                    nil,
		"éééé":                        ErrTooShort, // 8 bytes
		"éééééééé":                    nil,
		"        ":                    nil,
		strings.Repeat("a", 72):       nil,
		strings.Repeat("a", 73):       ErrTooLong,
		strings.Repeat("é", 36):       nil,
		strings.Repeat("é", 37):       ErrTooLong,
		strings.Repeat("🙂", 18):       nil,
		strings.Repeat("🙂", 18) + "a": ErrTooLong,
	} {
		if err := CheckNew(password); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("A6: %q (%d bytes) is answered %v, expected %v", password, len(password), err, want)
		}
	}
}
