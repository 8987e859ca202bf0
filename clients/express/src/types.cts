/** Who calls, as the auth service answered for this very request; the names are the platform's. */
export interface AuthUser {
  /** Of the row in auth.users, a UUID; it never changes. */
  id: string;
  /** In lower case; null for people without one. */
  email: string | null;
  /** "user", "admin", or what else the platform has written there. */
  user_type: string;
  token_balance: number;
  /** True, always: others do not get here. */
  is_active: boolean;
}

/** What else the auth service says of the caller and of the token. */
export interface Auth {
  username: string | null;
  /** Null where no account at Firebase is linked. */
  firebase_uid: string | null;
  /** Who issued the token: "firebase" or "legacy". */
  kind: string;
  issued_at: string;
  expires_at: string;
}

/** How one request was decided, for logs and metrics. It holds no token. */
export interface VerifyResult {
  /** `cancelled`: the client left before there was an answer. */
  outcome: "allowed" | "refused" | "unavailable" | "cancelled";
  /** What the client is told; 200 where the route decides. */
  status: number;
  /** The same for programs; "" where allowed. */
  code: string;
  /** How many times the service was asked: 0 to 2. */
  attempts: number;
  durationMs: number;
  /** As the auth service's log has it, too. */
  requestId: string;
  /** Why, where unavailable or cancelled. */
  reason: string;
}

export interface AuthenticateOptions {
  /** Where the auth service is, as "http://auth:3008". A path is kept. Missing or not a URL: `authenticate` throws. */
  baseUrl: string | undefined;
  /** The budget of a request for all that asking takes. 3000 by default; the service itself answers within 2000. */
  timeoutMs?: number;
  /**
   * Lets CORS preflights (OPTIONS with Origin and Access-Control-Request-Method, without Authorization) through, without a user.
   * For where the CORS middleware can only stand behind this one; it belongs in front.
   */
  skipPreflight?: boolean;
  /** Hears how each request was decided, before the route runs. Where it throws, the request ends in Express' error handler. */
  onVerify?: (result: VerifyResult) => void;
}

declare global {
  namespace Express {
    interface User extends AuthUser {}
    interface Request {
      /** Who calls; set by `authenticate` alone. */
      user?: User | undefined;
      auth?: Auth | undefined;
    }
  }
}
