import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTCPServer, type Server as TCPServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import express5, { type Express } from "express";
import { authenticate, type AuthenticateOptions, type VerifyResult } from "@auth-v2/express";

const { default: express4 } = (await import("express4" as string)) as { default: typeof express5 };

/** The majors of Express that the package serves. */
export const majors: [string, typeof express5][] = [
  ["Express 4", express4],
  ["Express 5", express5],
];

/** Has a token's grammar and nothing else: the other side is the test. */
export const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.c2VjcmV0LXNpZ25hdHVyZQ";

/** The contract's own example of a 200 to verify-token. */
export const good = () => ({
  success: true,
  data: {
    user: {
      id: "7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d",
      firebase_uid: "jane-at-firebase" as string | null,
      email: "jane@example.com" as string | null,
      username: "Jane Doe" as string | null,
      user_type: "user",
      is_active: true,
      token_balance: 7,
    },
    token: { kind: "firebase", issued_at: "2026-01-02T03:04:05Z", expires_at: "2026-01-02T04:04:05Z" },
  },
  message: "Token verified successfully",
});

export const refused = (code: string, message: string) => ({ success: false, message, code, request_id: "theirs" });

/** An answer of an auth service. */
export const says = (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener => (req, res) => {
  req.resume();
  res.writeHead(status, { "Content-Type": "application/json", ...headers });
  res.end(typeof body === "string" ? body : JSON.stringify(body));
};

export const urlOf = (server: Server | TCPServer) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** An auth service that says what a test tells it to; asked holds the bodies of its questions. */
export async function startService(t: TestContext, answer: RequestListener): Promise<{ url: string; asked: string[]; server: Server }> {
  const asked: string[] = [];
  const server = createServer((req, res) => {
    let body = "";
    req.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    req.on("end", () => {
      asked.push(`${req.method} ${req.url} ${body}`);
      answer(req, res);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: urlOf(server), asked, server };
}

/** A TCP server that does to the n-th connection, once it has sent something, what a test wants. */
export async function startWire(t: TestContext, serve: (socket: Socket, n: number) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTCPServer((socket) => {
    sockets.add(socket);
    const n = sockets.size;
    socket.on("error", () => {}).once("data", () => serve(socket, n));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    sockets.forEach((socket) => socket.destroy());
  });
  return urlOf(server);
}

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  json: Record<string, unknown>;
}

/** A service of the platform behind the middleware. */
export interface Gate {
  url: string;
  passed: number;
  results: VerifyResult[];
  app: Express;
  ask(headers?: string[], options?: { method?: string; path?: string }): Promise<Reply>;
}

export async function startGate(t: TestContext, options: AuthenticateOptions, express = express5): Promise<Gate> {
  const app = express();
  const gate: Gate = { url: "", passed: 0, results: [], app, ask: (headers, o) => ask(gate.url, headers, o) };
  app.use(authenticate({ onVerify: (result) => gate.results.push(result), ...options }));
  app.all("/", (req, res) => {
    gate.passed++;
    res.json({ user: req.user, auth: req.auth, headers: req.headers, distinct: req.headersDistinct, raw: req.rawHeaders });
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  gate.url = urlOf(server);
  return gate;
}

/** Sends headers as they stand: name, value, name, value ... By default, the token. */
export function ask(url: string, headers = ["Authorization", `Bearer ${token}`], { method = "GET", path = "/" } = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const req = request(url + path, { method, headers: ["Host", "gate", "Connection", "close", ...headers] as never }, (res) => {
      let body = "";
      res.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      res.on("error", reject).on("end", () => {
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body, json: body.startsWith("{") ? (JSON.parse(body) as Reply["json"]) : {} });
      });
    });
    req.on("error", reject).end();
  });
}

/** Demands a refusal in the service's envelope, and that nothing passed. */
export function expectRefused(gate: Gate, reply: Reply, what: string, status: number, code: string): void {
  assert.deepEqual([reply.status, reply.json["code"], reply.json["success"]], [status, code, false], `${what}: ${reply.body}`);
  assert.equal(gate.passed, 0, `${what}: the route was reached`);
  assert.equal(reply.headers["cache-control"], "no-store", what);
  assert.equal(reply.headers["x-request-id"], reply.json["request_id"], what);
  assert.ok(!reply.body.includes("eyJ") && !JSON.stringify(gate.results).includes("eyJ"), `${what}: a token is told`);
}

/** Demands 503 with advice when to come back. */
export function expectUnavailable(gate: Gate, reply: Reply, what: string, attempts: number, retryAfter = "1"): void {
  expectRefused(gate, reply, what, 503, "dependency_unavailable");
  assert.equal(reply.headers["retry-after"], retryAfter, what);
  assert.equal(reply.headers["www-authenticate"], undefined, what);
  const [result] = gate.results;
  assert.deepEqual([result?.outcome, result?.attempts], ["unavailable", attempts], `${what}: ${JSON.stringify(result)}`);
  assert.notEqual(result?.reason, "", what);
}
