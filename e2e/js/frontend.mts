// What a frontend does with the service: the client is openapi-fetch with the types generated from the contract.
import createClient, { type Client } from "openapi-fetch";
import assert from "node:assert/strict";
import type { components, paths } from "../../gen/ts/schema.js";

export type ErrorCode = components["schemas"]["ErrorCode"];
export type Service = Client<paths>;

export const service = (baseUrl: string): Service => createClient<paths>({ baseUrl });

export const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

type Answer<T> = { data?: T; error?: components["schemas"]["Failure"]; response: Response };

/** The body of a success; anything else fails the step with the service's own words. */
export async function success<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  assert.ok(data !== undefined, `answered ${response.status} ${JSON.stringify(error)}, expected a success`);
  return data;
}

/** Fails the step unless the service refuses with this status and code. */
export async function refusal(answer: Promise<Answer<unknown>>, status: number, code: ErrorCode): Promise<string> {
  const { data, error, response } = await answer;
  assert.equal(response.status, status, `answered ${response.status} ${JSON.stringify(data ?? error)}`);
  assert.equal(error?.code, code);
  assert.equal(error.success, false);
  assert.equal(error.request_id, response.headers.get("X-Request-Id"));
  return `${status} ${code}`;
}
