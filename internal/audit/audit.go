// Package audit records acts in their own transaction (O4). When the build breaks here after a schema change, see
// db/queries/audit_events.sql.
package audit

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
)

// Event is one act. Actor is "user:<id>", "token:<firebase uid>" without a row, "key:<id>", "cli:<name>", [Anonymous] or "system". Details
// never contain secrets or addresses.
type Event struct {
	Action    string
	Actor     string
	UserID    uuid.UUID
	RequestID string
	Details   map[string]any
}

// Anonymous acts without a proof.
const Anonymous = "anonymous"

// Record writes through the caller's transaction.
func Record(ctx context.Context, tx db.DBTX, event Event) error {
	details, err := json.Marshal(event.Details)
	if err != nil {
		return fmt.Errorf("encode the details of %s: %w", event.Action, err)
	}
	if event.Details == nil {
		details = json.RawMessage("{}")
	}
	params := db.InsertAuditEventParams{
		Action: event.Action, Actor: event.Actor, Details: details,
	}
	if event.UserID != uuid.Nil {
		params.UserID = &event.UserID
	}
	if event.RequestID != "" {
		params.RequestID = &event.RequestID
	}
	if err := db.New().InsertAuditEvent(ctx, tx, params); err != nil {
		return fmt.Errorf("record %s: %w", event.Action, err)
	}
	return nil
}

// RecordAll writes the same act about several users, each with its details.
func RecordAll(ctx context.Context, tx db.DBTX, event Event, users []uuid.UUID, details map[uuid.UUID]map[string]any) error {
	params := db.InsertAuditEventsParams{Action: event.Action, Actor: event.Actor, UserIds: users, Details: make([]json.RawMessage, len(users))}
	if event.RequestID != "" {
		params.RequestID = &event.RequestID
	}
	for i, id := range users {
		var err error
		if params.Details[i], err = json.Marshal(details[id]); err != nil {
			return fmt.Errorf("encode the details of %s: %w", event.Action, err)
		}
	}
	if err := db.New().InsertAuditEvents(ctx, tx, params); err != nil {
		return fmt.Errorf("record %s: %w", event.Action, err)
	}
	return nil
}
