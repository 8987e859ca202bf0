// The plan's integration script, step by step and with axios, as the platform's services call: no generated types, the answers
// as the plan reads them. Here each step is asserted; the assessment service's step is the question that it would ask us.
import axios from "axios";
import assert from "node:assert/strict";
import { end, required, step } from "./transcript.mjs";

const url = required("AUTH_URL");
const credentials = { email: "integration-test@example.com", password: "TestPassword123" };
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const me = (token: string) => axios.get(`${url}/v1/auth/me`, bearer(token)).then((answer) => answer.data.data.user);

const registered = await step("register", async () => {
  const { status, data } = await axios.post(`${url}/v1/auth/register`, { ...credentials, displayName: "Integration Test User" });
  assert.equal(status, 201);
  assert.equal(data.success, true);
  assert.equal(data.data.email, credentials.email);
  assert.equal(data.data.displayName, "Integration Test User");
  return data.data;
}, (data) => data.email);

const first = await step("me: the user is in the database", async () => {
  const row = await me(registered.idToken);
  assert.equal(row.id, registered.uid);
  assert.equal(row.username, "Integration Test User");
  assert.equal(row.token_balance, 0);
  return row;
}, (row) => `token_balance ${row.token_balance}`);

await step("verify-token: what a service asks that has received the token", async () => {
  const { data } = await axios.post(`${url}/v1/auth/verify-token`, { token: registered.idToken });
  const { id, firebase_uid, email, username, user_type, is_active, token_balance } = first;
  assert.deepEqual(data.data.user, { id, firebase_uid, email, username, user_type, is_active, token_balance });
});

await step("forward: what a gateway asks before the assessment service", async () => {
  const { status, headers } = await axios.get(`${url}/v1/auth/forward`, bearer(registered.idToken));
  assert.equal(status, 200);
  assert.equal(headers["x-user-id"], first.id);
  assert.equal(headers["x-user-email"], credentials.email);
  return headers["x-user-type"];
}, (type) => `X-User-Type ${type}`);

const loggedIn = await step("login", async () => {
  const { status, data } = await axios.post(`${url}/v1/auth/login`, credentials);
  assert.equal(status, 200);
  return data.data;
});

await step("me: the data persists, and last_login has moved", async () => {
  const { last_login, ...again } = await me(loggedIn.idToken);
  const { last_login: before, ...same } = first;
  assert.deepEqual(again, same);
  assert.ok(Date.parse(last_login) > Date.parse(before), `${last_login} after ${before}`);
});

await step("errors reach axios as the plan's script prints them", async () => {
  const error = await axios.post(`${url}/v1/auth/login`, { ...credentials, password: "wrong" }).catch((failure: unknown) => failure);
  assert.ok(axios.isAxiosError(error), "a wrong password was let in");
  assert.equal(error.response?.status, 401);
  assert.equal(error.response?.data.success, false);
  assert.equal(error.response?.data.code, "invalid_credentials");
  return error.response?.data.message;
}, String);

end();
