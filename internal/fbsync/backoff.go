package fbsync

import (
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// The time between two tries doubles from a second, up to what is soon enough after an outage.
const (
	firstWait = time.Second
	longWait  = 2 * time.Minute
)

func backoff(tries int) time.Duration {
	if tries > 10 { // beyond longWait, and far from overflowing
		return jitter(longWait)
	}
	return jitter(min(firstWait<<tries, longWait))
}

// jitter keeps those who failed together from coming back together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2)) //nolint:gosec // nobody gains by guessing it
}

// giveUpWait is between the last tries of what is refused again and again.
const giveUpWait = 15 * time.Minute

// patience is River's policy for what was refused; outages do not come here.
type patience struct{}

// NextRetry implements river.ClientRetryPolicy.
func (patience) NextRetry(job *rivertype.JobRow) time.Time {
	wait := giveUpWait
	if tries := len(job.Errors); tries < 10 {
		wait = min(firstWait<<tries, giveUpWait)
	}
	return time.Now().Add(jitter(wait))
}
