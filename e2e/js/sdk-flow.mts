// A person's life with the service, as a browser would live it: the Firebase JavaScript SDK signs up and in at the identity
// provider (IDENTITY_URL, FIREBASE_PROJECT_ID), and the client generated from the contract calls the service (AUTH_URL).
import { type FirebaseError, initializeApp } from "firebase/app";
import * as sdk from "firebase/auth";
import assert from "node:assert/strict";
import { bearer, refusal, service, success } from "./frontend.mjs";
import { end, required, step } from "./transcript.mjs";

const auth = sdk.getAuth(initializeApp({ apiKey: "test-key", projectId: required("FIREBASE_PROJECT_ID") }));
sdk.connectAuthEmulator(auth, required("IDENTITY_URL"), { disableWarnings: true });
const api = service(required("AUTH_URL"));

const email = "sdk-flow@example.com";
const password = "TestPassword123";

const user = (): sdk.User => {
  assert.ok(auth.currentUser, "the SDK has nobody signed in");
  return auth.currentUser;
};
const me = (token: string) => success(api.GET("/v1/auth/me", bearer(token))).then((body) => body.data.user);
const verify = (token: string) => api.POST("/v1/auth/verify-token", { body: { token } });
const signIn = () => sdk.signInWithEmailAndPassword(auth, email, password).then(() => user().getIdToken());
const login = () => success(api.POST("/v1/auth/login", { body: { email, password } })).then((body) => body.data);

/** The SDK's error code; a success fails the step. */
async function sdkRefusal(action: Promise<unknown>, ...codes: string[]): Promise<string> {
  const code = await action.then(() => "no error", (error: FirebaseError) => error.code);
  assert.ok(codes.includes(code), `the SDK says ${code}, expected ${codes.join(" or ")}`);
  return code;
}

const firstToken = await step("SDK: createUserWithEmailAndPassword, getIdToken", async () => {
  await sdk.createUserWithEmailAndPassword(auth, email, password);
  return user().getIdToken();
});

const first = await step("us: GET me makes the row at first sight", async () => {
  const row = await me(firstToken);
  assert.equal(row.firebase_uid, user().uid);
  assert.equal(row.email, email);
  assert.equal(row.auth_provider, "firebase");
  assert.equal(row.token_balance, 0);
  return row;
}, (row) => `user ${row.user_type}, balance ${row.token_balance}, signs in at ${row.auth_provider}`);

await step("us: verify-token knows the same user", async () => {
  const { data } = await success(verify(firstToken));
  assert.equal(data.user.id, first.id);
  const { authTime, expirationTime } = await user().getIdTokenResult();
  assert.equal(Date.parse(data.token.expires_at), Date.parse(expirationTime));
  assert.ok(Date.parse(data.token.issued_at) >= Date.parse(authTime));
  return data.token.kind;
}, (kind) => `a ${kind} token`);

const namedToken = await step("SDK: updateProfile, getIdToken(true) carries the new name", async () => {
  await sdk.updateProfile(user(), { displayName: "Jane Doe" });
  const { token, claims } = await user().getIdTokenResult(true);
  assert.equal(claims["name"], "Jane Doe");
  assert.notEqual(token, firstToken);
  return token;
});

await step("us: the refreshed token is the same person, and F4's username stays", async () => {
  const row = await me(namedToken);
  assert.equal(row.id, first.id);
  assert.equal(row.username, first.username);
});

await step("us: PATCH me", async () => {
  const body = { username: "jane.of.the.sdk" };
  const changed = await success(api.PATCH("/v1/auth/me", { ...bearer(namedToken), body }));
  assert.equal(changed.data.user.username, body.username);
  assert.equal((await me(namedToken)).username, body.username);
  return body.username;
}, (username) => username);

await step("SDK: signOut, and a wrong password does not sign in", async () => {
  await sdk.signOut(auth);
  return sdkRefusal(sdk.signInWithEmailAndPassword(auth, email, "wrong-password"), "auth/invalid-credential");
}, (code) => code);

const sdkToken = await step("SDK: signInWithEmailAndPassword; we know the person", async () => {
  const token = await signIn();
  assert.equal((await me(token)).id, first.id);
  return token;
});

await step("us: a wrong password is refused", () =>
  refusal(api.POST("/v1/auth/login", { body: { email, password: "wrong-password" } }), 401, "invalid_credentials"), String);

const session = await step("us: login with the password that the SDK set", async () => {
  const begun = await login();
  assert.equal(begun.uid, first.firebase_uid);
  assert.equal(begun.user.id, first.id);
  return begun;
}, (begun) => `${begun.kind} session of ${begun.expiresIn} s`);

const renewed = await step("us: refresh", async () => {
  const { data } = await success(api.POST("/v1/auth/refresh", { body: { refreshToken: session.refreshToken } }));
  assert.equal((await me(data.idToken)).id, first.id);
  return data;
});

await step("us: refresh takes the SDK's refresh token too", async () => {
  const { data } = await success(api.POST("/v1/auth/refresh", { body: { refreshToken: user().refreshToken } }));
  assert.equal((await me(data.idToken)).id, first.id);
});

await step("us: logout ends every session of this user (T4)", () => success(api.POST("/v1/auth/logout", bearer(renewed.idToken))));

const before = {
  "first": firstToken, "SDK's": sdkToken, "login's": session.idToken, "refreshed": renewed.idToken,
};
for (const [whose, token] of Object.entries(before)) {
  await step(`us: the ${whose} token is refused`, async () => {
    await refusal(api.GET("/v1/auth/me", bearer(token)), 401, "token_revoked");
    return refusal(verify(token), 401, "token_revoked");
  }, String);
}

await step("SDK: getIdToken(true) of the ended session gives no token that we accept", async () => {
  const token = await user().getIdToken(true).catch((error: { code?: string }) => error.code ?? String(error));
  // Firebase follows a moment later: until then it still renews, and we refuse what it gives.
  return token === "auth/user-token-expired" ? token : refusal(verify(token), 401, "token_revoked");
}, String);

await step("us: refresh of the ended session is refused", () =>
  refusal(api.POST("/v1/auth/refresh", { body: { refreshToken: renewed.refreshToken } }), 401, "token_revoked"), String);

await step("us: a new login lives at once (T4: it waits the logout's second out)", async () => {
  const begun = await login();
  assert.equal((await me(begun.idToken)).username, "jane.of.the.sdk");
});

const lastToken = await step("SDK: a new sign-in lives, and its last_login has moved", async () => {
  await sdk.signOut(auth);
  const token = await signIn();
  const row = await me(token);
  assert.equal(row.id, first.id);
  assert.ok(Date.parse(row.last_login ?? "") > Date.parse(first.last_login ?? ""), `${row.last_login} after ${first.last_login}`);
  return token;
});

await step("us: DELETE me", () => success(api.DELETE("/v1/auth/me", bearer(lastToken))));

await step("SDK: the provider no longer knows the user", () =>
  sdkRefusal(user().reload(), "auth/user-token-expired", "auth/user-not-found"), String);

await step("SDK: nor the password", () => sdkRefusal(signIn(), "auth/invalid-credential"), String);

await step("us: nor do we: login is refused", () =>
  refusal(api.POST("/v1/auth/login", { body: { email, password } }), 401, "invalid_credentials"), String);

await step("us: the deleted user's token makes no new row (F10)", () => refusal(verify(lastToken), 401, "token_revoked"), String);

end();
