package rollout

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"
)

// Full is all of something, in buckets: a bucket is a hundredth of a percent.
const Full = 10_000

// Bucket gives a row its place in the rollout, 0 to 9,999: the first eight bytes of the SHA-256 of its id's sixteen, big endian,
// modulo 10,000. It is the same on every instance and for ever (R1).
func Bucket(id uuid.UUID) int {
	sum := sha256.Sum256(id[:])
	return int(binary.BigEndian.Uint64(sum[:8]) % Full)
}

// Cohort is what decides whether one row is moved: the rollout as it concerns that row. A statement that reads a row's
// credentials fills it from auth.rollout without carrying the lists.
type Cohort struct {
	UsersBuckets     int  // rows whose bucket is below this are in
	TrafficBuckets   int  // what of the platform's traffic comes here
	BelowFullTraffic bool // an operator insists on moving users while some of it goes elsewhere
	Allowed, Denied  bool // the row is in that list
}

// Holds reports whether the row with this id is to be moved. Deny beats allow beats percent (R3), and below full traffic nobody
// is in, the allow list included, unless an operator insists (R2).
func (c Cohort) Holds(id uuid.UUID) bool {
	switch {
	case !c.Open(), c.Denied:
		return false
	case c.Allowed:
		return true
	}
	return Bucket(id) < c.UsersBuckets
}

// Admits reports whether the row may be moved when its person asks for what only Firebase can do, whatever the percent: nobody below
// full traffic (R2), and never one that an operator keeps here (R3).
func (c Cohort) Admits() bool { return c.Open() && !c.Denied }

// Open reports whether anybody may be moved at this share of the traffic (R2): the old service cannot know that a password has
// changed at Firebase.
func (c Cohort) Open() bool { return c.TrafficBuckets >= Full || c.BelowFullTraffic }
