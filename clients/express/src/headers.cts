import type { IncomingMessage } from "node:http";

/** The names by which gateways say who calls, with "." and "_" read as "-", as CGI and some proxies do. */
const identity = /^x[-._](user|auth)[-._]/i;

/** Removes from a request, rawHeaders and headersDistinct included, every header by which a client could say who it is. */
export function dropIdentity(req: IncomingMessage): void {
  const raw = req.rawHeaders;
  if (!raw.some((name, i) => i % 2 === 0 && identity.test(name))) {
    return;
  }
  for (const headers of [req.headers, req.headersDistinct]) {
    for (const name of Object.keys(headers)) {
      if (identity.test(name)) {
        delete headers[name];
      }
    }
  }
  req.rawHeaders = raw.filter((_, i) => !identity.test(raw[i - (i % 2)] ?? ""));
}
