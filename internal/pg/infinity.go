package pg

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// The ends of time. PostgreSQL's infinities are read as these, since time.Time has none: later and earlier than any instant
// that a column can hold otherwise, so that comparisons come out right (a revocation until infinity never ends).
var (
	endOfTime   = time.Date(300_000, time.January, 1, 0, 0, 0, 0, time.UTC)
	startOfTime = time.Date(-10_000, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// timestampCodec and timestamptzCodec are pgx's, but for an infinity in a time.Time: pgx refuses to scan it, and one odd row
// would be an error for whoever reads it.
type (
	timestampCodec   struct{ pgtype.TimestampCodec }
	timestamptzCodec struct{ pgtype.TimestamptzCodec }
)

// PlanScan implements pgtype.Codec.
func (c *timestampCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, plain := target.(*time.Time); !plain {
		return c.TimestampCodec.PlanScan(m, oid, format, target)
	}
	inner := c.TimestampCodec.PlanScan(m, oid, format, &pgtype.Timestamp{})
	return scanTime(func(src []byte) (time.Time, pgtype.InfinityModifier, bool, error) {
		var value pgtype.Timestamp
		err := inner.Scan(src, &value)
		return value.Time, value.InfinityModifier, value.Valid, err
	})
}

// PlanScan implements pgtype.Codec.
func (c *timestamptzCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, plain := target.(*time.Time); !plain {
		return c.TimestamptzCodec.PlanScan(m, oid, format, target)
	}
	inner := c.TimestamptzCodec.PlanScan(m, oid, format, &pgtype.Timestamptz{})
	return scanTime(func(src []byte) (time.Time, pgtype.InfinityModifier, bool, error) {
		var value pgtype.Timestamptz
		err := inner.Scan(src, &value)
		return value.Time, value.InfinityModifier, value.Valid, err
	})
}

var errNullTime = errors.New("cannot scan NULL into *time.Time")

// scanTime reads one value as pgx does, for a plan that ends in a time.Time.
type scanTime func(src []byte) (at time.Time, infinity pgtype.InfinityModifier, valid bool, err error)

// Scan implements pgtype.ScanPlan.
func (read scanTime) Scan(src []byte, target any) error {
	at, infinity, valid, err := read(src)
	switch {
	case err != nil:
		return err
	case !valid:
		return errNullTime
	case infinity == pgtype.Infinity:
		at = endOfTime
	case infinity == pgtype.NegativeInfinity:
		at = startOfTime
	}
	*target.(*time.Time) = at //nolint:forcetypeassert // PlanScan has looked
	return nil
}
