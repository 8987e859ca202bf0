package principal

import (
	"unsafe"

	"github.com/google/uuid"
)

// entryOverhead is what the cache takes for an entry beside its key and its value: its node, its place in the table and in the
// queues, as measured (a test holds it).
const entryOverhead = 110

// tokenSize is what a token and its answer take in memory, in bytes.
func tokenSize(_ tokenKey, v *verified) uint32 {
	size := entryOverhead + int(unsafe.Sizeof(tokenKey{})+unsafe.Sizeof(*v)) + len(v.claims.Subject)
	for _, answer := range v.responses {
		if answer != nil {
			size += answer.Size()
		}
	}
	return uint32(size) //nolint:gosec // an answer is some hundred bytes
}

// factsSize is what the facts about a user take in memory, in bytes.
func factsSize(_ factsKey, k *known) uint32 {
	u := &k.user
	size := entryOverhead + int(unsafe.Sizeof(factsKey{})+unsafe.Sizeof(*k)) +
		len(u.FirebaseUID) + len(u.AuthProvider) + len(u.Username) + len(u.Email) + len(u.Type) + len(u.FederationStatus) + len(u.EmailProvenBy) +
		3*int(unsafe.Sizeof(*u.LastLogin)) + len(u.EndedSessions)*int(unsafe.Sizeof(uuid.UUID{}))
	return uint32(size) //nolint:gosec // columns have widths, and a person some sessions
}
