package account

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// A6: 8 characters at least, counted as people count them, and 72 bytes at most, counted as bcrypt does.
func TestCheckNewPassword_Bounds(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]error{
		"":                            ErrPasswordTooShort,
		"1234567":                     ErrPasswordTooShort,
		"12345678":                    nil,
		"éééé":                        ErrPasswordTooShort, // 8 bytes
		"éééééééé":                    nil,
		"        ":                    nil, // eight spaces are eight characters
		strings.Repeat("a", 72):       nil,
		strings.Repeat("a", 73):       ErrPasswordTooLong,
		strings.Repeat("é", 36):       nil,
		strings.Repeat("é", 37):       ErrPasswordTooLong,
		strings.Repeat("🙂", 18):       nil,
		strings.Repeat("🙂", 18) + "a": ErrPasswordTooLong,
	} {
		if err := checkNewPassword(password); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("A6: %q (%d bytes) is answered %v, expected %v", password, len(password), err, want)
		}
	}
}

// A3: a refusal comes on a beat, whatever it took: never at once, never more than a beat later.
func TestUntilBeat_EndsOnABeat(t *testing.T) {
	t.Parallel()
	const beat = 500 * time.Millisecond
	for elapsed := time.Duration(0); elapsed < 4*beat; elapsed += 7 * time.Millisecond {
		wait := untilBeat(elapsed, beat)
		if wait <= 0 || wait > beat || (elapsed+wait)%beat != 0 {
			t.Errorf("A3: after %s waits %s more, expected the next multiple of %s", elapsed, wait, beat)
		}
	}
}
