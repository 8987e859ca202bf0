package principal

import (
	"context"

	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/user"
)

// Caller is who asks for an operation: a person ([Principal]), or a service by its key ([apikey.Key]). What is done in somebody's
// name is asked of the caller, so that it cannot be asked of a person alone.
type Caller interface {
	// Actor names the caller as the audit does: "user:<id>" or "key:<public id>".
	Actor() string
	// Operates reports whether the caller may do what operators do, and what the keys of a scope may as well ("": none).
	Operates(scope apikey.Scope) bool
}

// Actor implements Caller.
func (p Principal) Actor() string { return "user:" + p.User.ID.String() }

// Operates implements Caller: an admin who is signed in at Firebase may do it all, whatever the scope. Every service of the platform
// knows the legacy secret, so that a legacy token is nobody's proof of being an admin (T8).
func (p Principal) Operates(apikey.Scope) bool {
	return !p.Claims.OfLegacySession() && p.User.Type == user.TypeAdmin
}

// ResolveKey says whose an API key is. It answers within the budget (O3), by one statement: no answer is cached, so that a
// revocation counts at once (T5). Errors are those of [apikey.Store.Find].
func (r *Resolver) ResolveKey(ctx context.Context, presented string) (apikey.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	key, err := r.keys.Find(ctx, presented)
	return key, slowIsUnavailable(err)
}
