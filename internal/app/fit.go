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

// recordFitTime bounds the recording of a change, which no request waits for.
const recordFitTime = 5 * time.Second

// tellFit says, once a change, whether the tokens that come fit the project and the tenant of the configuration: in the log, and in
// the audit for "authd doctor". A client is answered token_invalid either way; while no token has ever fitted, the configuration is as
// likely to be at fault. No part of a token is written (T6).
func tellFit(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, c config.Config) func(token.Fit) {
	ctx = context.WithoutCancel(ctx)
	recorded := make(chan struct{}) // of FitNone, which comes first
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
