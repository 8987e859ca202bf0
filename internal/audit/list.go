package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/page"
	"auth-v2-service/internal/pg"
)

// Query filters events.
type Query struct {
	UserID       *uuid.UUID
	Actor        string
	Action       string
	Since, Until *time.Time // Until is exclusive
	Cursor       string
	Limit        page.Size
}

// Recorded is a stored event.
type Recorded struct {
	Event
	ID         int64
	OccurredAt time.Time
}

// Page is newest first. Next "" ends.
type Page struct {
	Events []Recorded
	Next   string
}

type place struct {
	At time.Time `json:"at"`
	ID int64     `json:"id"`
}

// Reader is safe for concurrent use.
type Reader struct{ pool pg.Beginner }

// NewReader returns a Reader.
func NewReader(pool pg.Beginner) *Reader { return &Reader{pool} }

// List reads a page.
func (r *Reader) List(ctx context.Context, q Query) (found Page, err error) {
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
		found, err = q.page(rows)
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("list audit events: %w", pg.Fault(err))
	}
	return found, nil
}

// About reads oldest first.
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
		Actor: given(q.Actor), Action: given(q.Action), Since: q.Since, Until: q.Until, UserID: q.UserID,
		PageSize: q.Limit.OneMore(),
	}
	if q.Cursor == "" {
		return params, nil
	}
	var from place
	if err := page.Decode(q.Cursor, &from); err != nil {
		return params, err
	}
	if from.ID <= 0 {
		return params, page.ErrInvalidCursor
	}
	params.AfterTime, params.AfterID = &from.At, from.ID
	return params, nil
}

func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (q Query) page(rows []db.AuthAuditEvent) (found Page, err error) {
	rows, last := page.Trim(rows, q.Limit)
	if last != nil {
		found.Next = page.Encode(place{At: last.OccurredAt, ID: last.ID})
	}
	found.Events = make([]Recorded, len(rows))
	for i, row := range rows {
		if found.Events[i], err = fromRow(row); err != nil {
			return Page{}, err
		}
	}
	return found, nil
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
