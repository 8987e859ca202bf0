import type { IncomingMessage } from "node:http";
import { malformed, missing, Refusal, twoCredentials } from "./refusal.cjs";

/** From this length on the service calls every token invalid, unread. */
const maxToken = 8 << 10;

/** RFC 9110, section 11.2. What passes needs no escaping in JSON. */
const token68 = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * The one token of a request (RFC 6750, section 2.1), or why there is none. Two headers are two credentials, and so are two in one header,
 * joined by a comma as proxies may do.
 */
export function bearerToken(req: Pick<IncomingMessage, "headers" | "rawHeaders">): string | Refusal {
  const headers = valuesOf(req, "authorization");
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

/**
 * Every value of a header. rawHeaders counts where there is any, since headers shows only the first of several Authorization headers. Adapters
 * of function platforms (serverless-http on AWS Lambda) leave rawHeaders empty: there headers is all that is known.
 */
function valuesOf({ headers, rawHeaders }: Pick<IncomingMessage, "headers" | "rawHeaders">, name: string): string[] {
  if (rawHeaders?.length > 0) {
    return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
  }
  return Object.entries(headers).flatMap(([key, value]) => (key.toLowerCase() === name ? (value ?? []) : []));
}
