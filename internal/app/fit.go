package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
)

const recordFitTime = 5 * time.Second

// tellFit logs and audits whether tokens fit the configured project and tenant. "authd doctor" reads the audit. It writes no part of a
// token (T6).
func tellFit(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, c config.Config) func(token.Fit) {
	ctx = context.WithoutCancel(ctx)
	recorded := make(chan struct{}) // closed after FitNone, which comes first
	about := []any{"project", c.FirebaseProjectID, "tenant", c.FirebaseTenant}
	return func(fit token.Fit) {
		switch fit {
		case token.FitNone:
			log.ErrorContext(ctx, "tokens come for another Firebase project or tenant, and none has fitted since the start: "+
				"are FIREBASE_PROJECT_ID and FIREBASE_TENANT those of the clients?", about...)
			go func() {
				defer close(recorded)
				recordFit(ctx, pool, log, schema.TokensForeign)
			}()
		case token.FitSome:
			log.InfoContext(ctx, "a token fits the Firebase project and tenant", about...)
			go func() {
				<-recorded
				recordFit(ctx, pool, log, schema.TokensFitting)
			}()
		case token.FitUnknown:
		}
	}
}

func recordFit(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, action string) {
	ctx, cancel := context.WithTimeout(ctx, recordFitTime)
	defer cancel()
	if err := audit.Record(ctx, pool, audit.Event{Action: action, Actor: "system"}); err != nil {
		log.WarnContext(ctx, "the audit does not know whether tokens fit", telemetry.FieldError, err)
	}
}
