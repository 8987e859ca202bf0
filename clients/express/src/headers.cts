import type { IncomingMessage } from "node:http";

/** The names by which gateways say who calls, with "." and "_" read as "-", as CGI and some proxies do. */
const identity = /^x[-._](user|auth)[-._]/i;

/**
 * Removes from a request every header by which a client could say who it is: from headers, headersDistinct and rawHeaders, each by itself.
 * Adapters of function platforms (serverless-http on AWS Lambda) fill headers alone.
 */
export function dropIdentity(req: IncomingMessage): void {
  for (const headers of [req.headers, req.headersDistinct]) {
    for (const name of Object.keys(headers ?? {})) {
      if (identity.test(name)) {
        delete headers[name];
      }
    }
  }
  const raw = req.rawHeaders;
  if (raw?.some((name, i) => i % 2 === 0 && identity.test(name))) {
    req.rawHeaders = raw.filter((_, i) => !identity.test(raw[i - (i % 2)] ?? ""));
  }
}
