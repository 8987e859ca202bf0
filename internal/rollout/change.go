package rollout

import (
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/operator"
)

const maxListed = 1_000

// Refusals of a change.
var (
	// ErrInvalid names the wrong fields.
	ErrInvalid = fault.Invalid("the rollout cannot be set to this")
	// ErrStale: Change.Revision is not the newest.
	ErrStale = fault.Invalid("the rollout has changed since it was read: read it again and decide anew",
		fault.Field{Field: "revision", Message: "is not the newest"})
	// ErrUndecided is M5: LEGACY_EMAIL_VERIFIED is not set.
	ErrUndecided = fault.New(fault.InvalidRequest, "users are moved only once somebody has decided whether the platform's e-mail addresses "+
		"count as verified: set LEGACY_EMAIL_VERIFIED to unverified, trust or column:<name>, for every instance and for this command")
)

// Change is a change; nil fields stay.
type Change struct {
	UsersPercent     *float64 // 0 to 100, two decimals
	TrafficPercent   *float64
	NewUsers         *string // Firebase or Local
	Allow, Deny      *[]uuid.UUID
	BelowFullTraffic *bool

	Revision     *int64 // of the read record; nil: any
	By           operator.Operator
	MovesAllowed bool // LEGACY_EMAIL_VERIFIED is set (M5)
}

// applied refuses with all wrong fields. M5 applies only to changes that move more users; taking users out always works.
func (c Change) applied(r Record) (Record, error) {
	if c.Revision != nil && *c.Revision != r.Revision {
		return Record{}, ErrStale
	}
	var faults []fault.Field
	after := r
	c.share("usersPercent", c.UsersPercent, &after.UsersBuckets, &faults)
	c.share("trafficPercent", c.TrafficPercent, &after.TrafficBuckets, &faults)
	c.list("allow", c.Allow, &after.Allow, &faults)
	c.list("deny", c.Deny, &after.Deny, &faults)
	if c.NewUsers != nil {
		after.NewUsers = *c.NewUsers
	}
	if after.NewUsers != Firebase && after.NewUsers != Local {
		faults = append(faults, fault.Field{Field: "newUsers", Message: "must be firebase or local"})
	}
	if c.BelowFullTraffic != nil {
		after.BelowFullTraffic = *c.BelowFullTraffic
	}
	switch {
	case len(faults) > 0:
		return Record{}, invalid(faults)
	case !c.MovesAllowed && movesMore(r, after):
		return Record{}, ErrUndecided
	}
	return after, nil
}

func (Change) share(field string, percent *float64, to *int, faults *[]fault.Field) {
	if percent == nil {
		return
	}
	buckets := math.Round(*percent * 100)
	switch {
	case math.IsNaN(*percent), *percent < 0, *percent > 100:
		*faults = append(*faults, fault.Field{Field: field, Message: "must be 0 to 100"})
	case math.Abs(*percent*100-buckets) > 1e-6: // 0.07*100 is not 7
		*faults = append(*faults, fault.Field{Field: field, Message: "has at most two decimals"})
	default:
		*to = int(buckets)
	}
}

func (Change) list(field string, ids *[]uuid.UUID, to *[]uuid.UUID, faults *[]fault.Field) {
	if ids == nil {
		return
	}
	if len(*ids) > maxListed {
		*faults = append(*faults, fault.Field{Field: field, Message: fmt.Sprintf("holds %d ids, and at most %d may be", len(*ids), maxListed)})
		return
	}
	seen := make(map[uuid.UUID]bool, len(*ids))
	for _, id := range *ids {
		if seen[id] {
			*faults = append(*faults, fault.Field{Field: field, Message: "holds " + id.String() + " twice"})
			return
		}
		seen[id] = true
	}
	*to = append([]uuid.UUID{}, *ids...) // never null
}

func invalid(faults []fault.Field) error {
	refusal := *ErrInvalid
	refusal.Fields = faults
	return &refusal
}

func movesMore(before, after Record) bool {
	return after.UsersBuckets > before.UsersBuckets ||
		slices.ContainsFunc(after.Allow, func(id uuid.UUID) bool { return !slices.Contains(before.Allow, id) })
}

func differences(before, after Record) map[string]any {
	out := map[string]any{}
	add := func(field string, differs bool, was, is any) {
		if differs {
			out[field] = map[string]any{"old": was, "new": is}
		}
	}
	add("users", before.UsersBuckets != after.UsersBuckets, before.UsersPercent(), after.UsersPercent())
	add("traffic", before.TrafficBuckets != after.TrafficBuckets, before.TrafficPercent(), after.TrafficPercent())
	add("new_users", before.NewUsers != after.NewUsers, before.NewUsers, after.NewUsers)
	add("allow", !slices.Equal(before.Allow, after.Allow), before.Allow, after.Allow)
	add("deny", !slices.Equal(before.Deny, after.Deny), before.Deny, after.Deny)
	add("below_full_traffic", before.BelowFullTraffic != after.BelowFullTraffic, before.BelowFullTraffic, after.BelowFullTraffic)
	return out
}
