package bulk

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/rollout"
)

// Selections.
const (
	All     = "all"
	Percent = "percent" // of the rollout's buckets
	Cohort  = "cohort"  // the rollout's
	IDs     = "ids"
)

// Defaults and limits of a plan.
const (
	DefaultParallel  = 4
	DefaultMaxErrors = 10 // of errorWindow users
	MaxIDs           = 1_000_000
	maxParallel      = 32
	maxRate          = 100_000
)

// Plan is a run's users and speed.
type Plan struct {
	Kind      string // KindMove without one
	Selection string
	Buckets   int         // of Percent
	IDs       []uuid.UUID // of a new run
	digest    []byte      // of the IDs
	Rate      int         // users a second; 0: no limit
	Parallel  int
	MaxErrors int
}

// ErrInvalidPlan names the wrong fields.
var ErrInvalidPlan = fault.Invalid("users cannot be moved like this")

// BucketsOf refuses what is no share of users: 0.01 to 100 percent, two decimals.
func BucketsOf(percent float64) (int, error) {
	buckets := math.Round(percent * 100)
	if math.IsNaN(percent) || buckets < 1 || buckets > rollout.Full || math.Abs(percent*100-buckets) > 1e-6 {
		return 0, invalid(fault.Field{Field: "percent", Message: "must be above 0 and at most 100, with at most two decimals"})
	}
	return int(buckets), nil
}

func invalid(fields ...fault.Field) error {
	refusal := *ErrInvalidPlan
	refusal.Fields = fields
	return &refusal
}

func (p Plan) withDefaults() Plan {
	if p.Kind == "" {
		p.Kind = KindMove
	}
	if p.Selection == "" {
		p.Selection = All
	}
	if p.Parallel == 0 {
		p.Parallel = DefaultParallel
	}
	if p.MaxErrors == 0 {
		p.MaxErrors = DefaultMaxErrors
	}
	if p.Selection == IDs {
		p.IDs = slices.Clone(p.IDs)
		slices.SortFunc(p.IDs, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
		p.IDs = slices.Compact(p.IDs)
		sum := sha256.New()
		for _, id := range p.IDs {
			_, _ = sum.Write(id[:])
		}
		p.digest = sum.Sum(nil)
	}
	return p
}

func (p Plan) check() error {
	var fields []fault.Field
	refuse := func(wrong bool, field, message string) {
		if wrong {
			fields = append(fields, fault.Field{Field: field, Message: message})
		}
	}
	refuse(!slices.Contains([]string{KindMove, KindReturn}, p.Kind), "kind", "must be move or return")
	refuse(!slices.Contains([]string{All, Percent, Cohort, IDs}, p.Selection), "selection", "must be all, percent, cohort or ids")
	refuse(p.Selection == Percent && (p.Buckets < 1 || p.Buckets > rollout.Full), "percent", "must be above 0 and at most 100")
	refuse(p.Selection != Percent && p.Buckets != 0, "percent", "belongs to the selection percent")
	refuse(p.Selection != IDs && len(p.IDs) > 0, "ids", "belong to the selection ids")
	refuse(p.Selection == IDs && (len(p.IDs) == 0 || len(p.IDs) > MaxIDs), "ids", fmt.Sprintf("must be 1 to %d", MaxIDs))
	refuse(p.Rate < 0 || p.Rate > maxRate, "rate", fmt.Sprintf("must be 1 to %d users a second", maxRate))
	refuse(p.Parallel < 1 || p.Parallel > maxParallel, "parallel", fmt.Sprintf("must be 1 to %d", maxParallel))
	refuse(p.MaxErrors < 1 || p.MaxErrors > errorWindow, "max_errors", fmt.Sprintf("must be 1 to %d", errorWindow))
	if len(fields) > 0 {
		return invalid(fields...)
	}
	return nil
}

func (p Plan) same(other Plan) bool {
	return p.Kind == other.Kind && p.Selection == other.Selection && p.Buckets == other.Buckets && bytes.Equal(p.digest, other.digest)
}

// Users names the selection for people.
func (p Plan) Users() string {
	switch p.Selection {
	case Percent:
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", rollout.Percent(p.Buckets)), "0"), ".") + " % of the users"
	case Cohort:
		return "the rollout's cohort"
	case IDs:
		return "users by id"
	}
	return "all users"
}

// holds lets deny win (R3), but for a return. It ignores the traffic.
func (p Plan) holds(record rollout.Record, id uuid.UUID) bool {
	if p.Kind == KindReturn {
		record.Deny = nil
	}
	cohort := record.Cohort(id)
	cohort.TrafficBuckets = rollout.Full
	switch p.Selection {
	case Percent:
		cohort.UsersBuckets = p.Buckets
	case All, IDs:
		cohort.UsersBuckets = rollout.Full
	}
	return cohort.Holds(id)
}
