import { randomUUID } from "node:crypto";
import type { Request, RequestHandler, Response } from "express";
import { bearerToken } from "./bearer.cjs";
import { dropIdentity } from "./headers.cjs";
import { forbidden, misplaced, Refusal } from "./refusal.cjs";
import type { AuthenticateOptions, VerifyResult } from "./types.cjs";
import { type Abandoned, type Verified, Verifier } from "./verify.cjs";

const defaultTimeoutMs = 3000;

/** Requests that were let through as preflights: they have no user, and requireType lets them pass. */
const preflights = new WeakSet<Request>();

/**
 * Lets requests through that carry exactly one bearer token for which the auth service vouches, as `req.user` and `req.auth`. It answers all
 * others itself: no token 401 token_missing; two credentials 400 invalid_request; the service's own refusal (401, 403, 409, 422) as the
 * service said it; anything else 503 dependency_unavailable with Retry-After.
 *
 * Throws where the options are wrong: a service that starts with nobody to ask would only answer 503. It asks nothing yet, so the auth
 * service may start later.
 */
export function authenticate(options: AuthenticateOptions): RequestHandler {
  const verifier = new Verifier(endpointOf(options.baseUrl));
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31)) {
    throw new TypeError("authenticate: timeoutMs is not a positive number of milliseconds");
  }
  return function authenticate(req, res, next) {
    dropIdentity(req);
    delete req.user;
    delete req.auth;
    if (options.skipPreflight && isPreflight(req)) {
      preflights.add(req);
      next();
      return;
    }
    const began = performance.now();
    const requestId = requestIdOf(req, res);
    decide(verifier, timeoutMs, req, res, requestId)
      .then(({ found, attempts, gone }) => {
        options.onVerify?.(resultOf(found, gone, attempts, performance.now() - began, requestId));
        if (found instanceof Refusal) {
          found.write(res, requestId);
          return;
        }
        req.user = found.user;
        req.auth = found.auth;
        next();
      })
      .catch(next);
  };
}

/**
 * Lets only users of these types through; others are 403 forbidden. It stands behind `authenticate`; without it every request is 500, for
 * that is a fault of the service and of no client.
 */
export function requireType(...types: string[]): RequestHandler {
  const allowed = new Set(types);
  return function requireType(req, res, next) {
    if (preflights.has(req) || (req.auth !== undefined && req.user !== undefined && allowed.has(req.user.user_type))) {
      next();
      return;
    }
    (req.auth === undefined ? misplaced : forbidden).write(res, requestIdOf(req, res));
  };
}

/** Gives up when the time is over or the client has gone. */
async function decide(verifier: Verifier, timeoutMs: number, req: Request, res: Response, requestId: string): Promise<Verified & { gone: boolean }> {
  const token = bearerToken(req);
  if (token instanceof Refusal) {
    return { found: token, attempts: 0, gone: false };
  }
  const controller = new AbortController();
  const giveUp = (why: Abandoned) => controller.abort(why);
  const timer = setTimeout(giveUp, timeoutMs, "time is over");
  const leave = () => giveUp("the client has gone");
  res.once("close", leave);
  try {
    const verified = await verifier.verify(token, requestId, controller.signal);
    return { ...verified, gone: controller.signal.reason === "the client has gone" };
  } finally {
    clearTimeout(timer);
    res.off("close", leave);
  }
}

function resultOf(found: Verified["found"], gone: boolean, attempts: number, durationMs: number, requestId: string): VerifyResult {
  const spent = { attempts, durationMs, requestId };
  if (!(found instanceof Refusal)) {
    return { outcome: "allowed", status: 200, code: "", reason: "", ...spent };
  }
  const outcome = gone ? "cancelled" : found.status === 503 ? "unavailable" : "refused";
  return { outcome, status: found.status, code: found.code, reason: found.reason, ...spent };
}

/** No error quotes the URL: it may hold a password. */
function endpointOf(baseUrl: string | undefined): URL {
  let url: URL;
  try {
    url = new URL(baseUrl ?? "");
  } catch {
    throw new TypeError("authenticate: baseUrl is not a URL");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError("authenticate: baseUrl must be http://HOST or https://HOST");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new TypeError("authenticate: baseUrl takes no user, query or fragment");
  }
  url.pathname = url.pathname.replace(/\/+$/, "") + "/v1/auth/verify-token";
  return url;
}

/** Browsers send no preflight with credentials (Fetch, section 4.8). */
function isPreflight(req: Request): boolean {
  const { authorization, origin, "access-control-request-method": method } = req.headers;
  return req.method === "OPTIONS" && authorization === undefined && origin !== undefined && method !== undefined;
}

/** As the service's own middleware has named the request on the answer, else as the client did, else anew: so both logs read as one. */
function requestIdOf(req: Request, res: Response): string {
  const named = [res.getHeader("X-Request-Id"), req.headers["x-request-id"]];
  return named.find((id): id is string => typeof id === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(id)) ?? randomUUID();
}
