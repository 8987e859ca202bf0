package audit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
)

// ErrInvalidCursor refuses a cursor that no page gave.
var ErrInvalidCursor = fault.Invalid("the request is not valid", fault.Field{
	Field: "cursor", Message: "must be what the page before gave",
})

// Query says which events are asked for. The zero value of a field asks for nothing; Limit is required.
type Query struct {
	UserID       uuid.UUID
	Actor        string
	Action       string
	Since, Until time.Time // from the first on, before the second
	Cursor       string
	Limit        int
}

// Recorded is an event as it was recorded.
type Recorded struct {
	Event
	ID         int64
	OccurredAt time.Time
}

// Page is a part of the events, the newest first. Next is the cursor of the part after; "": this was the last.
type Page struct {
	Events []Recorded
	Next   string
}

// cursor is where a page ended. Clients see it encoded, and rely on nothing in it.
type cursor struct {
	At time.Time `json:"at"`
	ID int64     `json:"id"`
}

// Reader reads events for operators. Safe for concurrent use.
type Reader struct{ pool pg.Beginner }

// NewReader makes a reader.
func NewReader(pool pg.Beginner) *Reader { return &Reader{pool} }

// List reads a page of events. ErrInvalidCursor for a cursor that no page gave.
func (r *Reader) List(ctx context.Context, q Query) (page Page, err error) {
	params, err := q.params()
	if err != nil {
		return Page{}, err
	}
	err = pg.InTx(ctx, r.pool, func(tx pgx.Tx) error {
		if err := db.New().PlanEachTime(ctx, tx); err != nil {
			return err
		}
		rows, err := db.New().AuditEvents(ctx, tx, params)
		if err != nil {
			return err
		}
		page, err = q.page(rows)
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("list audit events: %w", pg.Fault(err))
	}
	return page, nil
}

// About reads every event about one user, the oldest first.
func About(ctx context.Context, pool db.DBTX, userID uuid.UUID) ([]Recorded, error) {
	rows, err := db.New().AuditEventsOf(ctx, pool, userID)
	if err != nil {
		return nil, fmt.Errorf("read the audit events about user %s: %w", userID, pg.Fault(err))
	}
	events := make([]Recorded, len(rows))
	for i, row := range rows {
		if events[i], err = fromRow(row); err != nil {
			return nil, err
		}
	}
	return events, nil
}

func (q Query) params() (db.AuditEventsParams, error) {
	params := db.AuditEventsParams{
		Actor: given(q.Actor), Action: given(q.Action), Since: given(q.Since), Until: given(q.Until), UserID: given(q.UserID),
		PageSize: int32(q.Limit) + 1, //nolint:gosec // the contract allows 100
	}
	if q.Cursor == "" {
		return params, nil
	}
	var from cursor
	decoded, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err == nil {
		err = json.Unmarshal(decoded, &from)
	}
	if err != nil || from.ID <= 0 {
		return params, ErrInvalidCursor.With(err)
	}
	params.AfterTime, params.AfterID = &from.At, from.ID
	return params, nil
}

func given[T comparable](value T) *T {
	var none T
	if value == none {
		return nil
	}
	return &value
}

func (q Query) page(rows []db.AuthAuditEvent) (page Page, err error) {
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		last := rows[q.Limit-1]
		encoded, err := json.Marshal(cursor{At: last.OccurredAt, ID: last.ID})
		if err != nil {
			return Page{}, fmt.Errorf("encode the place of event %d: %w", last.ID, err)
		}
		page.Next = base64.RawURLEncoding.EncodeToString(encoded)
	}
	page.Events = make([]Recorded, len(rows))
	for i, row := range rows {
		if page.Events[i], err = fromRow(row); err != nil {
			return Page{}, err
		}
	}
	return page, nil
}

func fromRow(row db.AuthAuditEvent) (Recorded, error) {
	out := Recorded{ID: row.ID, OccurredAt: row.OccurredAt, Event: Event{Action: row.Action, Actor: row.Actor}}
	if row.UserID != nil {
		out.UserID = *row.UserID
	}
	if row.RequestID != nil {
		out.RequestID = *row.RequestID
	}
	if err := json.Unmarshal(row.Details, &out.Details); err != nil {
		return Recorded{}, fmt.Errorf("read the details of event %d: %w", row.ID, err)
	}
	return out, nil
}
