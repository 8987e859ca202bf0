import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { test } from "node:test";
import { expectUnavailable, good, majors, refused, says, startGate, startService, startWire, token, urlOf } from "./kit.mjs";

const changed = (change: (answer: ReturnType<typeof good>) => unknown) => {
  const answer = good();
  change(answer);
  return answer;
};

test("what is neither 200 nor a refusal of the service fails closed", async (t) => {
  const html = { "Content-Type": "text/html" };
  const cases: [string, number, unknown, Record<string, string>?][] = [
    ["400", 400, refused("invalid_request", "x")],
    ["404", 404, refused("not_found", "x")],
    ["429", 429, refused("rate_limited", "x"), { "Retry-After": "7" }],
    ["500", 500, refused("internal", "x")],
    ["502 of a proxy", 502, "<html>", html],
    ["503 for hours", 503, refused("dependency_unavailable", "x"), { "Retry-After": "9999" }],
    ["a redirect", 307, "", { Location: "/elsewhere" }],
    ["201", 201, good()],
    ["204", 204, ""],
    ["a 200 that is no JSON", 200, "{"],
    ["a 200 that is empty", 200, ""],
    ["a 200 of another type", 200, good(), html],
    ["null", 200, "null"],
    ["an array", 200, "[]"],
    ["success false", 200, { ...good(), success: false }],
    ["no data", 200, { success: true }],
    ["no user", 200, changed((a) => delete (a.data as Partial<typeof a.data>).user)],
    ["an id that is none", 200, changed((a) => (a.data.user.id = "1"))],
    ["no balance", 200, changed((a) => (a.data.user.token_balance = null as never))],
    ["a broken balance", 200, changed((a) => (a.data.user.token_balance = 0.5))],
    ["an e-mail that is a number", 200, changed((a) => (a.data.user.email = 1 as never))],
    ["no type", 200, changed((a) => (a.data.user.user_type = undefined as never))],
    ["not active", 200, changed((a) => (a.data.user.is_active = false))],
    ["active as text", 200, changed((a) => (a.data.user.is_active = "true" as never))],
    ["no kind", 200, changed((a) => (a.data.token.kind = ""))],
    ["no date", 200, changed((a) => (a.data.token.expires_at = "soon"))],
    ["a 401 of a proxy", 401, "<html>", html],
    ["a 401 without a code", 401, { success: false, message: "x" }],
    ["a 403 with a code of another form", 403, refused("No Entry", "x")],
    ["a 401 that says success", 401, { ...refused("token_expired", "x"), success: true }],
    ["over 64 KiB", 200, { ...good(), padding: "x".repeat(64 << 10) }],
  ];
  for (const [what, status, body, headers] of cases) {
    const s = await startService(t, says(status, body, headers));
    const gate = await startGate(t, { baseUrl: s.url });
    const advice = headers?.["Retry-After"];
    expectUnavailable(gate, await gate.ask(), what, 1, advice === "9999" ? "60" : advice);
    assert.equal(s.asked.length, 1, `${what}: an answer is not asked for again`);
  }
});

test("a connection that fails before an answer is tried once more", async (t) => {
  const gone = createServer().listen(0, "127.0.0.1");
  await once(gone, "listening");
  const url = urlOf(gone);
  gone.close();
  await once(gone, "close");
  const refusing = await startGate(t, { baseUrl: url });
  expectUnavailable(refusing, await refusing.ask(), "refused", 2);
  assert.equal(refusing.results[0]?.reason, "the connection failed: ECONNREFUSED");

  let connections = 0;
  const hangingUp = await startGate(t, { baseUrl: await startWire(t, (socket) => (connections++, socket.destroy())) });
  expectUnavailable(hangingUp, await hangingUp.ask(), "hangs up", 2);
  assert.equal(connections, 2);

  const body = JSON.stringify(good());
  const once200 = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const back = await startGate(t, { baseUrl: await startWire(t, (socket, n) => (n === 1 ? socket.destroy() : socket.end(once200))) });
  assert.equal((await back.ask()).status, 200, "it is back at the second try");
  assert.equal(back.results[0]?.attempts, 2);
});

test("an answer that began is not asked for again", async (t) => {
  const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{";
  for (const [what, bytes] of [["cut short", head], ["no HTTP", `eyJ ${token}\r\n\r\n`]] as const) {
    const gate = await startGate(t, { baseUrl: await startWire(t, (socket) => socket.end(bytes)) });
    expectUnavailable(gate, await gate.ask(), what, 1);
  }
});

test("the budget holds for all that asking takes", async (t) => {
  const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{";
  for (const [what, bytes] of [["silent", ""], ["stuck within the answer", head]] as const) {
    const gate = await startGate(t, { baseUrl: await startWire(t, (socket) => socket.write(bytes)), timeoutMs: 200 });
    const began = performance.now();
    expectUnavailable(gate, await gate.ask(), what, 1);
    const took = performance.now() - began;
    assert.ok(took >= 190 && took < 1500, `${what}: ${took} ms`);
    assert.equal(gate.results[0]?.reason, "time is over");
  }
});

test("the usual budget is 3 s", async (t) => {
  const gate = await startGate(t, { baseUrl: await startWire(t, () => {}) });
  const began = performance.now();
  expectUnavailable(gate, await gate.ask(), "silent", 1);
  const took = performance.now() - began;
  assert.ok(took >= 2900 && took < 4000, `${took} ms`);
});

test("a crowd at a hanging service opens 256 connections, and waits no longer than its budget", async (t) => {
  let connections = 0;
  let opened: number | undefined; // until the first of the crowd gave up, and made place
  const url = await startWire(t, () => connections++);
  const gate = await startGate(t, { baseUrl: url, timeoutMs: 1500, onVerify: () => (opened ??= connections) });
  const replies = await Promise.all(Array.from({ length: 300 }, () => gate.ask()));
  assert.deepEqual([...new Set(replies.map((r) => r.status))], [503]);
  assert.equal(opened, 256);
  const s = await startService(t, says(200, good()));
  const after = await startGate(t, { baseUrl: s.url });
  assert.ok((await Promise.all(Array.from({ length: 300 }, () => after.ask()))).every((r) => r.status === 200), "places are given back");
});

test("who leaves is not waited for", async (t) => {
  for (const [major, express] of majors) {
    let closed = () => {};
    const hungUp = new Promise<void>((resolve) => (closed = resolve));
    let asked = () => {};
    const reached = new Promise<void>((resolve) => (asked = resolve));
    const url = await startWire(t, (socket) => {
      socket.once("close", closed);
      asked();
    });
    let decided = (_: string) => {};
    const outcome = new Promise<string>((resolve) => (decided = resolve));
    const gate = await startGate(t, { baseUrl: url, onVerify: (result) => decided(result.outcome) }, express);
    const client = request(gate.url, { headers: { Authorization: `Bearer ${token}` } }).on("error", () => {});
    client.end();
    await reached;
    client.destroy();
    assert.equal(await outcome, "cancelled", major);
    await hungUp;
    assert.equal(gate.passed, 0);
  }
});
