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

// Homes of new users (R4).
const (
	Firebase = "firebase"
	Local    = "local"
)

// Record is the rollout, with shares in buckets.
type Record struct {
	UsersBuckets     int
	TrafficBuckets   int
	NewUsers         string
	Allow, Deny      []uuid.UUID
	BelowFullTraffic bool
	Revision         int64
	UpdatedAt        time.Time
	UpdatedBy        string
}

// UsersPercent is the share of users that move.
func (r Record) UsersPercent() float64 { return Percent(r.UsersBuckets) }

// TrafficPercent is the share of traffic that comes here.
func (r Record) TrafficPercent() float64 { return Percent(r.TrafficBuckets) }

// Percent converts buckets.
func Percent(buckets int) float64 { return float64(buckets) / 100 }

// Cohort returns a row's part.
func (r Record) Cohort(id uuid.UUID) Cohort {
	return Cohort{
		UsersBuckets: r.UsersBuckets, TrafficBuckets: r.TrafficBuckets, BelowFullTraffic: r.BelowFullTraffic,
		Allowed: slices.Contains(r.Allow, id), Denied: slices.Contains(r.Deny, id),
	}
}

// MovesAnybody ignores the traffic.
func (r Record) MovesAnybody() bool { return r.UsersBuckets > 0 || len(r.Allow) > 0 }

// Idle reports that low traffic stops all moves (R2). This is allowed; the caller should warn.
func (r Record) Idle() bool { return r.MovesAnybody() && !r.Cohort(uuid.Nil).Open() }

// Load reads the record.
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
