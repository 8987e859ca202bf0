package fbsync

import (
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river/rivertype"
)

const (
	firstWait = time.Second
	longWait  = 2 * time.Minute
)

func backoff(tries int) time.Duration {
	if tries > 10 { // no overflow
		return jitter(longWait)
	}
	return jitter(min(firstWait<<tries, longWait))
}

func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2)) //nolint:gosec // jitter is no secret
}

const giveUpWait = 15 * time.Minute

// patience is River's policy for refusals. Outages snooze.
type patience struct{}

// NextRetry implements river.ClientRetryPolicy.
func (patience) NextRetry(job *rivertype.JobRow) time.Time {
	wait := giveUpWait
	if tries := len(job.Errors); tries < 10 {
		wait = min(firstWait<<tries, giveUpWait)
	}
	return time.Now().Add(jitter(wait))
}
