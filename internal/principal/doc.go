// Package principal authenticates callers. It verifies a token (internal/token), loads its row (internal/user), and admits or refuses the
// session. API keys are looked up in internal/apikey and are never cached.
//
// The package owns [Principal], [Caller], the cache with its keys and invalidation (T5, T6), the order of refusals (expired, deactivated,
// revoked: F9) and the time budget (O3). It knows no HTTP and no passwords.
//
// The cache keeps verified claims by the token's SHA-256 until the token expires. It keeps user facts by row id for at most [MaxFactsAge].
// A hit needs both and runs no query; a rendered [Response] is kept beside the claims. [SharedCache] shares sealed facts through Redis (E2,
// T7). [Invalidator] (Redis) and [Listener] (PostgreSQL) each suffice to invalidate.
//
// When a schema change breaks the build here, look first in internal/user.
package principal
