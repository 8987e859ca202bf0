// Express on AWS Lambda: adapters make a request of an event, and leave rawHeaders empty.
import assert from "node:assert/strict";
import { test } from "node:test";
import { authenticate } from "@auth-v2/express";
import serverlessExpress from "@vendia/serverless-express";
import type express5 from "express";
import serverless from "serverless-http";
import { good, majors, says, startService, token } from "./kit.mjs";

type Headers = Record<string, string[]>;
interface Answer {
  statusCode: number;
  body: string;
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
}
type Handler = (event: object, context: object) => Promise<Answer>;

const adapters: [string, (app: express5.Express) => Handler][] = [
  ["serverless-http", (app) => serverless(app as never) as unknown as Handler],
  ["@vendia/serverless-express", (app) => (serverlessExpress as unknown as (options: { app: unknown }) => Handler)({ app })],
];

const joined = (headers: Headers) => Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.join(",")]));

/** The events of API Gateway's two payload formats, and of an Application Load Balancer. */
const events: [string, (headers: Headers) => object][] = [
  ["REST API", (headers) => ({
    version: "1.0", httpMethod: "GET", path: "/", resource: "/", headers: Object.fromEntries(Object.entries(headers).map(([n, v]) => [n, v.at(-1)])),
    multiValueHeaders: headers, queryStringParameters: null, multiValueQueryStringParameters: null, body: null, isBase64Encoded: false,
    requestContext: { identity: { sourceIp: "192.0.2.1" }, httpMethod: "GET", path: "/", stage: "$default", requestId: "r" },
  })],
  ["HTTP API", (headers) => ({
    version: "2.0", routeKey: "$default", rawPath: "/", rawQueryString: "", headers: joined(headers), isBase64Encoded: false,
    requestContext: { http: { method: "GET", path: "/", sourceIp: "192.0.2.1", protocol: "HTTP/1.1", userAgent: "x" }, stage: "$default", requestId: "r" },
  })],
  ["load balancer", (headers) => ({
    requestContext: { elb: { targetGroupArn: "arn" } }, httpMethod: "GET", path: "/", multiValueQueryStringParameters: {}, multiValueHeaders: headers, body: "",
    isBase64Encoded: false,
  })],
];

/** Of several headers of one name API Gateway's REST event has the last in headers, and serverless-http reads no other place. */
const showsLastAlone = (adapter: string, source: string) => adapter === "serverless-http" && source === "REST API";

for (const [major, express] of majors) {
  for (const [adapter, wrap] of adapters) {
    for (const [source, event] of events) {
      test(`${major} behind ${adapter}, by ${source}`, async (t) => {
        const s = await startService(t, says(200, good()));
        const app = express();
        app.use(authenticate({ baseUrl: s.url }));
        app.get("/", (req, res) => void res.json({ user: req.user, headers: req.headers, distinct: req.headersDistinct, raw: req.rawHeaders }));
        const handler = wrap(app);
        const ask = async (headers: Headers) => {
          const { statusCode, body } = await handler(event({ Host: ["lambda.example"], ...headers }), {});
          return { status: statusCode, body, json: JSON.parse(body) as { code?: string; user?: { id: string }; headers: object; distinct: object; raw: string[] } };
        };
        const bearer = `Bearer ${token}`;

        const passed = await ask({
          Authorization: [bearer], "X-User-Id": ["admin"], "x-user-type": ["admin"], X_Auth_Kind: ["firebase"], "X.User.Email": ["root"], "X-Users": ["kept"],
        });
        assert.deepEqual([passed.status, passed.json.user?.id], [200, good().data.user.id], passed.body);
        assert.deepEqual(s.asked.length, 1);
        for (const shown of [passed.json.headers, passed.json.distinct, passed.json.raw]) {
          assert.doesNotMatch(JSON.stringify(shown), /admin|root|firebase/, "an identity header got through");
        }
        assert.equal((passed.json.headers as Record<string, string>)["x-users"], "kept");

        const cases: [string, Headers, number, string][] = [
          ["none", {}, 401, "token_missing"],
          ["identity alone", { "X-User-Id": ["admin"] }, 401, "token_missing"],
          ["Basic", { authorization: ["Basic amFuZTpzZWNyZXQ="] }, 401, "token_missing"],
          ["a quote in it", { authorization: ['Bearer a"b'] }, 401, "token_invalid"],
        ];
        if (!showsLastAlone(adapter, source)) {
          cases.push(
            ["two headers", { authorization: [bearer, bearer] }, 400, "invalid_request"],
            ["two, of which one is Basic", { authorization: ["Basic x", bearer] }, 400, "invalid_request"],
          );
        }
        for (const [what, headers, status, code] of cases) {
          const refused = await ask(headers);
          assert.deepEqual([refused.status, refused.json.code], [status, code], `${what}: ${refused.body}`);
        }
        assert.equal(s.asked.length, 1, "a refused request was asked about");
      });
    }
  }
}

test("headers of any spelling, where nothing is raw", async (t) => {
  const s = await startService(t, says(200, good()));
  const middleware = authenticate({ baseUrl: s.url });
  for (const [headers, status] of [
    [{ Authorization: `Bearer ${token}` }, 0],
    [{ AUTHORIZATION: [`Bearer ${token}`] }, 0],
    [{ authorization: `Bearer ${token}`, Authorization: `Bearer ${token}` }, 400],
    [{ authorization: undefined }, 401],
  ] as [Record<string, string | string[]>, number][]) {
    const req = { headers: { ...headers, "X-User-Id": "admin" }, rawHeaders: [], method: "GET" } as Record<string, unknown>;
    const got = await new Promise<number>((resolve) => {
      const res = { statusCode: 0, headersSent: false, destroyed: false, getHeader() {}, setHeader() {}, once() {}, off() {}, end: () => resolve(res.statusCode) };
      middleware(req as never, res as never, () => resolve(0));
    });
    assert.equal(got, status, JSON.stringify(headers));
    assert.ok(!("X-User-Id" in (req["headers"] as object)), "an identity header got through");
  }
});
