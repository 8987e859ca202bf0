/**
 * Express middleware over POST /v1/auth/verify-token: who is calling?
 *
 * It owns the way from an Authorization header to `req.user`, and what a client hears when there is none: the auth service's
 * own refusals, word for word. It knows no keys: it never decides that a token is good, keeps no answer and asks nobody else,
 * since whoever else could be asked might accept what was revoked. So it fails closed: no answer, a late one, or one that is
 * not the contract's is 503 dependency_unavailable, never 401 (the token may be fine) and never a way through.
 *
 * When a test breaks here after a change of contract: the answer's form is in answer.cts, the envelope in refusal.cts.
 */
export { authenticate, requireType } from "./middleware.cjs";
export type { Auth, AuthenticateOptions, AuthUser, VerifyResult } from "./types.cjs";
