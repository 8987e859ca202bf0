package rollout

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"
)

// Full is 100 percent in buckets.
const Full = 10_000

// Bucket is stable for ever (R1): the first eight bytes of the id's SHA-256, big endian, modulo 10,000.
func Bucket(id uuid.UUID) int {
	sum := sha256.Sum256(id[:])
	return int(binary.BigEndian.Uint64(sum[:8]) % Full)
}

// Cohort decides whether one row moves.
type Cohort struct {
	UsersBuckets     int // lower buckets are in
	TrafficBuckets   int
	BelowFullTraffic bool
	Allowed, Denied  bool
}

// Holds reports whether the row moves. Deny beats allow beats percent (R3). Below full traffic no row moves unless BelowFullTraffic is set
// (R2).
func (c Cohort) Holds(id uuid.UUID) bool {
	switch {
	case !c.Open(), c.Denied:
		return false
	case c.Allowed:
		return true
	}
	return Bucket(id) < c.UsersBuckets
}

// Admits ignores the percent, for requests that need Firebase (R2, R3).
func (c Cohort) Admits() bool { return c.Open() && !c.Denied }

// Open reports whether any row may move (R2): the old service does not see password changes at Firebase.
func (c Cohort) Open() bool { return c.TrafficBuckets >= Full || c.BelowFullTraffic }
