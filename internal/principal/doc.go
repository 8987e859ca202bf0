// Package principal authenticates callers: it verifies a token, loads or creates its row ([user.Store.FirstSight]) and admits or refuses
// the session, expired before deactivated before revoked (F9), within a time budget (O3). It looks up API keys and caches none.
//
// It owns the cache. Claims stay by the token's SHA-256 until the token expires, facts by row id for at most [MaxFactsAge], and rendered
// responses beside them (E1). A hit runs no query. [SharedCache] shares sealed facts through Redis (E2, T7).
//
// [Announcer] sends changes through Redis and [Invalidator] hears them; [Listener] hears PostgreSQL's NOTIFY, which other programs' writes
// trigger too (T5).
// It knows no HTTP and no passwords. When a schema change breaks the build here, look first in internal/user.
package principal
