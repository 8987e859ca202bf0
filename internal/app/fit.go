package app

import (
	"context"
	"log/slog"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/token"
)

// logFit says, once a change, whether the tokens that come fit the project and the tenant of the configuration. A client is answered
// token_invalid either way; while no token has ever fitted, the configuration is as likely to be at fault. No part of a token is logged (T6).
func logFit(ctx context.Context, log *slog.Logger, c config.Config, fit token.Fit) {
	ctx = context.WithoutCancel(ctx)
	switch fit {
	case token.FitNone:
		log.ErrorContext(ctx, "tokens come for another Firebase project or tenant, and none has fitted since the start: "+
			"are FIREBASE_PROJECT_ID and FIREBASE_TENANT those of the clients?", "project", c.FirebaseProjectID, "tenant", c.FirebaseTenant)
	case token.FitSome:
		log.InfoContext(ctx, "a token fits the Firebase project and tenant", "project", c.FirebaseProjectID, "tenant", c.FirebaseTenant)
	case token.FitUnknown:
	}
}
