import { Refusal, unavailable } from "./refusal.cjs";
import type { Auth, AuthUser } from "./types.cjs";

/** Who calls, for whom the service vouches. */
export interface Caller {
  user: AuthUser;
  auth: Auth;
}

/** What the service itself may refuse; everything else but 200 is an outage. */
const refusals = new Set([401, 403, 409, 422]);

export const isAnswer = (status: number): boolean => status === 200 || refusals.has(status);

/** Makes a caller or a refusal of the service's answer. No reason quotes it: a broken peer may send back what it got. */
export function read(status: number, headers: Headers, body: string): Caller | Refusal {
  const retryAfter = headers.get("Retry-After");
  const answer = isJSON(headers) ? parse(body) : undefined;
  if (answer === undefined) {
    return unavailable("the answer is not the contract's JSON", retryAfter);
  }
  const found = status === 200 ? readCaller(answer) : readRefusal(status, headers, answer);
  return found ?? unavailable("the answer breaks the contract", retryAfter);
}

function readCaller(answer: Fields): Caller | undefined {
  const data = fields(answer["data"]);
  const user = fields(data["user"]);
  const token = fields(data["token"]);
  const { id, email = null, user_type, token_balance, is_active, username = null, firebase_uid = null } = user;
  const { kind, issued_at, expires_at } = token;
  if (
    answer["success"] !== true ||
    !isUUID(id) ||
    !isTextOrNull(email) ||
    typeof user_type !== "string" ||
    !Number.isSafeInteger(token_balance) ||
    is_active !== true ||
    !isTextOrNull(username) ||
    !isTextOrNull(firebase_uid) ||
    typeof kind !== "string" ||
    kind === "" ||
    !isTime(issued_at) ||
    !isTime(expires_at)
  ) {
    return undefined;
  }
  return {
    user: { id, email, user_type, token_balance: token_balance as number, is_active },
    auth: { username, firebase_uid, kind, issued_at, expires_at },
  };
}

/** A 401 without the service's envelope comes from somebody between, and says nothing about the token. */
function readRefusal(status: number, headers: Headers, answer: Fields): Refusal | undefined {
  const { success, message, code } = answer;
  if (success !== false || typeof message !== "string" || message === "" || typeof code !== "string" || !/^[a-z_]{1,64}$/.test(code)) {
    return undefined;
  }
  const challenge = headers.get("WWW-Authenticate") ?? "";
  return new Refusal(status, code, message, challenge.startsWith("Bearer") ? challenge : "");
}

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function parse(body: string): Fields | undefined {
  try {
    return fields(JSON.parse(body));
  } catch {
    return undefined;
  }
}

function isJSON(headers: Headers): boolean {
  return (headers.get("Content-Type") ?? "").split(";")[0]?.trim().toLowerCase() === "application/json";
}

function isUUID(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function isTime(value: unknown): value is string {
  return typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value));
}
