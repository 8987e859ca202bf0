import { malformed, missing, Refusal, twoCredentials } from "./refusal.cjs";

/** From this length on the service calls every token invalid, unread. */
const maxToken = 8 << 10;

/** RFC 9110, section 11.2. What passes needs no escaping in JSON. */
const token68 = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * The one token of a request (RFC 6750, section 2.1), or why there is none. It reads rawHeaders, since req.headers shows only the first of
 * several Authorization headers. Two headers are two credentials, and so are two in one header, joined by a comma as proxies may do.
 */
export function bearerToken(rawHeaders: readonly string[]): string | Refusal {
  const headers = valuesOf(rawHeaders, "authorization");
  const [header] = headers;
  if (header === undefined) {
    return missing;
  }
  if (headers.length > 1) {
    return twoCredentials;
  }
  if (header.includes(",")) {
    return header.split(",").some((part) => cutBearer(part) !== "") ? twoCredentials : missing;
  }
  const token = cutBearer(header);
  if (token === "") {
    return missing;
  }
  return token.length > maxToken || !token68.test(token) ? malformed : token;
}

function cutBearer(credential: string): string {
  const found = /^[ \t]*bearer (.*)$/is.exec(credential);
  return found?.[1]?.replace(/^[ \t]+|[ \t]+$/g, "") ?? "";
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
}
