package principal

import (
	"unsafe"

	"github.com/google/uuid"
)

// entryOverhead is measured; a test checks it.
const entryOverhead = 110

func tokenSize(_ tokenKey, v *verified) uint32 {
	size := entryOverhead + int(unsafe.Sizeof(tokenKey{})+unsafe.Sizeof(*v)) + len(v.claims.Subject)
	for _, answer := range v.responses {
		if answer != nil {
			size += answer.Size()
		}
	}
	return uint32(size) //nolint:gosec // some hundred bytes
}

func factsSize(_ factsKey, k *known) uint32 {
	u := &k.user
	size := entryOverhead + int(unsafe.Sizeof(factsKey{})+unsafe.Sizeof(*k)) +
		len(u.FirebaseUID) + len(u.AuthProvider) + len(u.Username) + len(u.Email) + len(u.Type) + len(u.FederationStatus) + len(u.EmailProvenBy) +
		3*int(unsafe.Sizeof(*u.LastLogin)) + len(u.EndedSessions)*int(unsafe.Sizeof(uuid.UUID{}))
	return uint32(size) //nolint:gosec // columns have widths, sessions are few
}
