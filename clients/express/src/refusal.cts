import type { ServerResponse } from "node:http";

/** A request that is not let through: what the client hears, and for an outage why, which only onVerify hears. */
export class Refusal {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly message: string,
    /** WWW-Authenticate; "" for what the status demands. */
    readonly challenge = "",
    /** Seconds; 0 for no advice. */
    readonly retryAfter = 0,
    readonly reason = "",
  ) {}

  /** Answers with the auth service's envelope. */
  write(res: ServerResponse, requestId: string): void {
    if (res.headersSent || res.destroyed) {
      return; // nobody to tell
    }
    res.statusCode = this.status;
    res.setHeader("Content-Type", "application/json");
    res.setHeader("Cache-Control", "no-store");
    res.setHeader("X-Request-Id", requestId);
    if (this.status === 401) {
      res.setHeader("WWW-Authenticate", this.challenge || 'Bearer error="invalid_token"');
    }
    if (this.retryAfter > 0) {
      res.setHeader("Retry-After", String(this.retryAfter));
    }
    res.end(JSON.stringify({ success: false, message: this.message, code: this.code, request_id: requestId }));
  }
}

// What is refused without asking, and by requireType. The words are the service's.
export const missing = new Refusal(401, "token_missing", "A bearer token is required", "Bearer");
export const malformed = new Refusal(401, "token_invalid", "The token is not valid");
export const twoCredentials = new Refusal(400, "invalid_request", "Send one credential, not several");
export const forbidden = new Refusal(403, "forbidden", "This account may not do this");
export const misplaced = new Refusal(500, "internal", "Something went wrong on our side");

/** Bounds the advice that is handed on from the service, in seconds. */
const maxRetryAfter = 60;

/** The one answer to everything that is neither a vouched user nor the service's own refusal. */
export function unavailable(reason: string, retryAfter?: string | null): Refusal {
  const seconds = /^\d{1,9}$/.test(retryAfter ?? "") ? Number(retryAfter) : 1;
  const advice = Math.min(Math.max(1, seconds), maxRetryAfter);
  return new Refusal(503, "dependency_unavailable", "Nobody can say who you are right now; try again in a moment", "", advice, reason);
}
