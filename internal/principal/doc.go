// Package principal authenticates callers: it verifies a token, loads its row and admits or refuses the session. It looks up API keys and
// caches none. It owns the cache, its keys and invalidation (T5, T6), the order of refusals (expired, deactivated, revoked: F9) and the
// time budget (O3). It knows no HTTP and no passwords.
//
// Claims are cached by the token's SHA-256 until the token expires, user facts by row id for at most [MaxFactsAge]. A hit needs both and
// runs no query. [SharedCache] shares sealed facts through Redis (E2, T7). [Invalidator] and [Listener] each suffice to invalidate.
//
// When a schema change breaks the build here, look first in internal/user.
package principal
