package rollout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
)

// Where new users live (R4).
const (
	Firebase = "firebase"
	Local    = "local"
)

// Record is the rollout as it stands. Shares are held in buckets, ten-thousandths; [Record.UsersPercent] and
// [Record.TrafficPercent] are for people.
type Record struct {
	UsersBuckets     int
	TrafficBuckets   int
	NewUsers         string // Firebase or Local
	Allow, Deny      []uuid.UUID
	BelowFullTraffic bool
	Revision         int64 // counts the changes
	UpdatedAt        time.Time
	UpdatedBy        string // an actor, as internal/audit names them
}

// UsersPercent is the share of users that are moved, 0 to 100 with two decimals.
func (r Record) UsersPercent() float64 { return Percent(r.UsersBuckets) }

// TrafficPercent is the share of the platform's traffic that comes here, 0 to 100 with two decimals.
func (r Record) TrafficPercent() float64 { return Percent(r.TrafficBuckets) }

// Percent gives buckets as a percentage.
func Percent(buckets int) float64 { return float64(buckets) / 100 }

// Cohort gives what of the rollout concerns one row.
func (r Record) Cohort(id uuid.UUID) Cohort {
	return Cohort{
		UsersBuckets: r.UsersBuckets, TrafficBuckets: r.TrafficBuckets, BelowFullTraffic: r.BelowFullTraffic,
		Allowed: slices.Contains(r.Allow, id), Denied: slices.Contains(r.Deny, id),
	}
}

// MovesAnybody reports whether the record means to move users at all, whatever the traffic.
func (r Record) MovesAnybody() bool { return r.UsersBuckets > 0 || len(r.Allow) > 0 }

// Idle reports whether the record means to move users and moves nobody, because traffic is below 100 % and no operator insists
// (R2). It is allowed: percentages may be prepared. Whoever sets it should be told.
func (r Record) Idle() bool { return r.MovesAnybody() && !r.Cohort(uuid.Nil).Open() }

// Load reads the record, through a pool or a caller's transaction.
func Load(ctx context.Context, tx db.DBTX) (Record, error) {
	row, err := db.New().Rollout(ctx, tx)
	if err != nil {
		return Record{}, fmt.Errorf("read the rollout: %w", pg.Fault(err))
	}
	return fromRow(row), nil
}

func fromRow(row db.RolloutRow) Record {
	return Record{
		UsersBuckets: int(row.UsersBuckets), TrafficBuckets: int(row.TrafficBuckets), NewUsers: row.NewUsers,
		Allow: row.Allow, Deny: row.Deny, BelowFullTraffic: row.BelowFullTraffic,
		Revision: row.Revision, UpdatedAt: row.UpdatedAt, UpdatedBy: row.UpdatedBy,
	}
}
