package principal

import (
	"context"

	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/user"
)

// Caller is a [Principal] or an [apikey.Key].
type Caller interface {
	// Actor is the name in the audit: "user:<id>" or "key:<public id>".
	Actor() string
	// Operates reports whether the caller is an operator or a key of this scope ("": none).
	Operates(scope apikey.Scope) bool
}

// Actor implements Caller.
func (p Principal) Actor() string { return "user:" + p.User.ID.String() }

// Operates implements Caller. Every service of the platform knows the legacy secret, so a legacy token proves no admin (T8).
func (p Principal) Operates(apikey.Scope) bool {
	return !p.Claims.OfLegacySession() && p.User.Type == user.TypeAdmin
}

// ResolveKey looks up an API key within the budget (O3). It caches nothing, so a revocation counts at once (T5). Errors are those of
// [apikey.Store.Find].
func (r *Resolver) ResolveKey(ctx context.Context, presented string) (apikey.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	key, err := r.keys.Find(ctx, presented)
	return key, slowIsUnavailable(err)
}
