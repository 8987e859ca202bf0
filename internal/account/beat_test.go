package account

import (
	"testing"
	"time"
)

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
