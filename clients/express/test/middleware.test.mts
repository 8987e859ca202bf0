import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as imported from "@auth-v2/express";
import { authenticate, requireType } from "@auth-v2/express";
import { ask, type Gate, expectRefused, good, majors, refused, says, startGate, startService, token, urlOf } from "./kit.mjs";

for (const [major, express] of majors) {
  test(`${major}: a token that the service vouches for`, async (t) => {
    const s = await startService(t, says(200, good()));
    const gate = await startGate(t, { baseUrl: `${s.url}/below/` }, express);
    const reply = await gate.ask(["Authorization", `bearer  ${token} `]);
    assert.equal(reply.status, 200, reply.body);
    assert.deepEqual(s.asked, [`POST /below/v1/auth/verify-token {"token":"${token}"}`]);
    assert.deepEqual(reply.json["user"], {
      id: "7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d", email: "jane@example.com", user_type: "user", token_balance: 7, is_active: true,
    });
    assert.deepEqual(reply.json["auth"], {
      username: "Jane Doe", firebase_uid: "jane-at-firebase", kind: "firebase",
      issued_at: "2026-01-02T03:04:05Z", expires_at: "2026-01-02T04:04:05Z",
    });
    assert.deepEqual([gate.results[0]?.outcome, gate.results[0]?.attempts], ["allowed", 1]);
  });

  test(`${major}: the service's refusals in its own words`, async (t) => {
    const cases: [number, string, string?][] = [
      [401, "token_expired", 'Bearer error="invalid_token", error_description="expired"'],
      [401, "token_revoked"],
      [403, "account_deactivated"],
      [409, "account_link_required"],
      [422, "unsupported_identity"],
    ];
    for (const [status, code, challenge] of cases) {
      const s = await startService(t, says(status, refused(code, `About ${code}`), challenge ? { "WWW-Authenticate": challenge } : {}));
      const gate = await startGate(t, { baseUrl: s.url }, express);
      const reply = await gate.ask();
      expectRefused(gate, reply, code, status, code);
      assert.equal(reply.json["message"], `About ${code}`);
      assert.equal(reply.headers["www-authenticate"], challenge ?? (status === 401 ? 'Bearer error="invalid_token"' : undefined), code);
      assert.equal(s.asked.length, 1, "a refusal is not asked for again");
    }
  });

  test(`${major}: an error in onVerify lets nobody through`, async (t) => {
    const s = await startService(t, says(200, good()));
    const gate: Gate = await startGate(t, { baseUrl: s.url, onVerify: () => { throw new Error("of the service"); } }, express);
    gate.app.set("env", "test"); // Express is silent then
    assert.equal((await gate.ask()).status, 500);
    assert.equal(gate.passed, 0);
  });
}

test("credentials refused unasked", async (t) => {
  const s = await startService(t, says(200, good()));
  const bearer = `Bearer ${token}`;
  const cases: [string, string[], number, string][] = [
    ["none", [], 401, "token_missing"],
    ["an empty header", [""], 401, "token_missing"],
    ["Basic", ["Basic amFuZTpzZWNyZXQ="], 401, "token_missing"],
    ["Digest with parameters", ['Digest username="jane", realm="x"'], 401, "token_missing"],
    ["the scheme alone", ["Bearer"], 401, "token_missing"],
    ["no scheme", [token], 401, "token_missing"],
    ["another scheme that begins so", [`BearerX ${token}`], 401, "token_missing"],
    ["two headers", [bearer, bearer], 400, "invalid_request"],
    ["two headers, one Basic", ["Basic x", bearer], 400, "invalid_request"],
    ["two in one header", [`${bearer},${bearer}`], 400, "invalid_request"],
    ["a token and something else", [`${bearer}, Basic x`], 400, "invalid_request"],
    ["a quote in it", ['Bearer a"b'], 401, "token_invalid"],
    ["two words", ["Bearer a b"], 401, "token_invalid"],
    ["over 8 KiB", [`Bearer ${"x".repeat((8 << 10) + 1)}`], 401, "token_invalid"],
  ];
  for (const [what, headers, status, code] of cases) {
    const gate = await startGate(t, { baseUrl: s.url });
    const reply = await gate.ask(headers.flatMap((value) => ["Authorization", value]));
    expectRefused(gate, reply, what, status, code);
    if (code === "token_missing") {
      assert.equal(reply.headers["www-authenticate"], "Bearer", what);
    }
  }
  assert.deepEqual(s.asked, []);
});

test("G4: nobody says who calls but req.user", async (t) => {
  const s = await startService(t, says(200, good()));
  const gate = await startGate(t, { baseUrl: s.url });
  const smuggled = ["X-User-Id", "x-user-type", "X_User_Id", "x.auth.kind", "X-Auth_Request", "X.User-Email", "X-USER-"];
  const kept = ["x-user", "x-users-id", "x-username", "x-author-id", "xx-user-id", "authorization"];
  const values = ["Authorization", `Bearer ${token}`, ...[...smuggled, ...kept.slice(0, -1)].flatMap((name) => [name, "admin"])];
  const reply = await gate.ask(values);
  assert.equal(reply.status, 200, reply.body);
  const { headers, distinct, raw } = reply.json as { headers: object; distinct: object; raw: string[] };
  const want = ["host", "connection", ...kept].sort();
  assert.deepEqual(Object.keys(headers).sort(), want);
  assert.deepEqual(Object.keys(distinct).sort(), want);
  assert.deepEqual(raw.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()).sort(), want);
});

test("requireType", async (t) => {
  const s = await startService(t, says(200, good()));
  const gate = await startGate(t, { baseUrl: s.url });
  gate.app.get("/user", requireType("admin", "user"), (_, res) => void res.send("welcome"));
  gate.app.get("/admin", requireType("admin"), (_, res) => void res.send("welcome"));
  assert.equal((await gate.ask(undefined, { path: "/user" })).status, 200);
  expectRefused(gate, await gate.ask(undefined, { path: "/admin" }), "a user among admins", 403, "forbidden");

  const bare = majors[1]![1]().get("/", requireType("admin"), (_, res) => void res.send("welcome"));
  const server = bare.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  assert.equal((await ask(urlOf(server))).status, 500, "without authenticate in front");
});

test("preflights pass only where told", async (t) => {
  const s = await startService(t, says(200, good()));
  const preflight = ["Origin", "https://app.example", "Access-Control-Request-Method", "GET"];
  const strict = await startGate(t, { baseUrl: s.url });
  expectRefused(strict, await strict.ask(preflight, { method: "OPTIONS" }), "by default", 401, "token_missing");
  const gate = await startGate(t, { baseUrl: s.url, skipPreflight: true });
  const reply = await gate.ask([...preflight, "X-User-Id", "admin"], { method: "OPTIONS" });
  assert.deepEqual([reply.status, reply.json["user"], gate.passed], [200, undefined, 1]);
  assert.ok(!reply.body.includes("admin"));
  assert.equal((await gate.ask(preflight)).status, 401, "GET is no preflight");
});

test("the request's id is handed on", async (t) => {
  let heard: unknown;
  const s = await startService(t, (req, res) => {
    heard = req.headers["x-request-id"];
    says(401, refused("token_revoked", "Revoked"))(req, res);
  });
  const gate = await startGate(t, { baseUrl: s.url });
  const reply = await gate.ask(["Authorization", `Bearer ${token}`, "X-Request-Id", "mine-1"]);
  assert.deepEqual([heard, reply.json["request_id"]], ["mine-1", "mine-1"]);
  assert.notEqual((await gate.ask(["Authorization", `Bearer ${token}`, "X-Request-Id", "not one"])).json["request_id"], "not one");
});

test("wrong options do not start, and are not quoted", () => {
  for (const baseUrl of [undefined, "", "auth:3008", "ftp://auth", "http://jane:secret@auth", "http://auth?secret", "http://auth#secret"]) {
    assert.throws(() => authenticate({ baseUrl }), (error: Error) => error instanceof TypeError && !error.message.includes("secret"), baseUrl);
  }
  for (const timeoutMs of [0, -1, NaN, Infinity]) {
    assert.throws(() => authenticate({ baseUrl: "http://auth", timeoutMs }), TypeError);
  }
});

test("require and import give the same", () => {
  const required = createRequire(import.meta.url)("@auth-v2/express") as typeof imported;
  assert.deepEqual([required.authenticate, required.requireType], [authenticate, requireType]);
  assert.deepEqual(Object.keys(imported).sort().filter((name) => !["default", "module.exports", "__esModule"].includes(name)), ["authenticate", "requireType"]);
});
