// Package audit records who did what to whom, in the transaction of the act itself (O4): an act that is rolled back leaves no
// event, and an event that cannot be written rolls the act back. It reads them back for operators and for the person that they are
// about. It owns auth.audit_events and knows nothing else. When the build breaks here after a change of schema, follow the columns of db/queries/audit_events.sql.
package audit

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
)

// Event is one act. Actor is "user:<id>", "token:<firebase uid>" before there is a row, "key:<id>" of an API key, "cli:<name>",
// [Anonymous] or "system". Details hold
// what an investigator needs and never a secret or an address.
type Event struct {
	Action    string
	Actor     string
	UserID    uuid.UUID // uuid.Nil: it was done to nobody in particular
	RequestID string    // "": not part of a request
	Details   map[string]any
}

// Anonymous is the actor of what anybody may ask for without a proof.
const Anonymous = "anonymous"

// Record writes the event through the caller's transaction.
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
