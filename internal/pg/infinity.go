package pg

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// endOfTime and startOfTime stand for PostgreSQL's infinities. Comparisons stay right: a revocation until infinity never ends.
var (
	endOfTime   = time.Date(300_000, time.January, 1, 0, 0, 0, 0, time.UTC)
	startOfTime = time.Date(-10_000, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// timestampCodec and timestamptzCodec scan infinities, which pgx refuses.
type (
	timestampCodec   struct{ pgtype.TimestampCodec }
	timestamptzCodec struct{ pgtype.TimestamptzCodec }
)

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

type scanTime func(src []byte) (at time.Time, infinity pgtype.InfinityModifier, valid bool, err error)

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
