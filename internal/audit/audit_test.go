package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgtest"
)

func openPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Open(t.Context(), pg.Options{URL: pgtest.New(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func events(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM auth.audit_events").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRecord_KeepsTheEvent(t *testing.T) {
	t.Parallel()
	pool, id := openPool(t), uuid.New()
	event := audit.Event{
		Action: "user.linked", Actor: "token:uid", UserID: id, RequestID: "request-1", Details: map[string]any{"provider": "google.com"},
	}
	if err := audit.Record(t.Context(), pool, event); err != nil {
		t.Fatal(err)
	}
	if err := audit.Record(t.Context(), pool, audit.Event{Action: "user.deleted", Actor: "system", UserID: id}); err != nil {
		t.Fatal(err)
	}
	var action, actor, request string
	var user uuid.UUID
	var details json.RawMessage
	err := pool.QueryRow(t.Context(), `SELECT action, actor, user_id, request_id, details FROM auth.audit_events
		WHERE request_id IS NOT NULL AND occurred_at BETWEEN now() - interval '1 minute' AND now()`).Scan(&action, &actor, &user, &request, &details)
	if err != nil || action != event.Action || actor != event.Actor || user != id || request != event.RequestID || string(details) != `{"provider": "google.com"}` {
		t.Errorf("O4: kept %s by %s of %s in %s: %s (%v)", action, actor, user, request, details, err)
	}
	var bare int
	err = pool.QueryRow(t.Context(), "SELECT count(*) FROM auth.audit_events WHERE request_id IS NULL AND details = '{}'").Scan(&bare)
	if err != nil || bare != 1 {
		t.Errorf("O4: %d events without a request and details, expected 1 (%v)", bare, err)
	}
}

func TestRecord_ActsUponNobody(t *testing.T) {
	t.Parallel()
	pool := openPool(t)
	if err := audit.Record(t.Context(), pool, audit.Event{Action: "rollout.changed", Actor: "cli:me"}); err != nil {
		t.Fatal(err)
	}
	var nobody bool
	if err := pool.QueryRow(t.Context(), "SELECT user_id IS NULL FROM auth.audit_events").Scan(&nobody); err != nil || !nobody {
		t.Errorf("O4: an act upon nobody names somebody (%v)", err)
	}
}

func TestRecord_SharesTheFateOfTheAct(t *testing.T) {
	t.Parallel()
	pool := openPool(t)
	changedMind := errors.New("changed my mind")
	err := pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		if err := audit.Record(t.Context(), tx, audit.Event{Action: "a", Actor: "system"}); err != nil {
			return err
		}
		return changedMind
	})
	if !errors.Is(err, changedMind) || events(t, pool) != 0 {
		t.Errorf("O4: an act that was rolled back left %d events (%v)", events(t, pool), err)
	}
	impossible := map[string]any{"unencodable": func() {}}
	for name, event := range map[string]audit.Event{
		"details that are no JSON": {Action: "a", Actor: "system", Details: impossible},
		"text with a NUL":          {Action: "a\x00", Actor: "system"},
	} {
		err := pg.InTx(t.Context(), pool, func(tx pgx.Tx) error { return actAndRecord(t.Context(), tx, event) })
		if err == nil {
			t.Errorf("O4, %s: recorded", name)
		}
	}
	var people int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM auth.users").Scan(&people); err != nil || people != 0 {
		t.Errorf("O4: %d acts stand without their event (%v)", people, err)
	}
}

func actAndRecord(ctx context.Context, tx pgx.Tx, event audit.Event) error {
	if _, err := tx.Exec(ctx, "INSERT INTO auth.users (email, password_hash) VALUES ($1, 'x')", uuid.NewString()+"@example.com"); err != nil {
		return err
	}
	return audit.Record(ctx, tx, event)
}
