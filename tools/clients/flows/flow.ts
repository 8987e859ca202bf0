// What each generated client does with a live service, and what its types must say of it.
import assert from "node:assert/strict";

/** The codes that a refused token can have: the contract names them at verify-token's 401. */
export type TokenCode = "token_invalid" | "token_expired" | "token_revoked";

export type Credentials = { email: string; password: string };
export type Pair = { idToken: string; refreshToken: string };

/** One generated client. Each function throws unless the service answers a success; refused answers the status and code of a 401. */
export type Client = {
  register(body: Credentials): Promise<Pair>;
  me(idToken: string): Promise<{ email: string | null }>;
  verifyToken(token: string): Promise<{ email: string | null }>;
  refresh(refreshToken: string): Promise<Pair>;
  logout(idToken: string): Promise<true>;
  refused(token: string): Promise<{ status: number; code: TokenCode }>;
};

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

let people = 0;

/** Runs register, me, verify-token, refresh, logout, and sees the token of before revoked. */
export async function run(name: string, client: Client): Promise<void> {
  people += 1;
  const email = `client-${Date.now()}-${process.pid}-${people}@example.com`;
  const first = await client.register({ email, password: "TestPassword123" });
  assert.equal((await client.me(first.idToken)).email, email);
  assert.equal((await client.verifyToken(first.idToken)).email, email);
  const next = await client.refresh(first.refreshToken);
  assert.equal((await client.me(next.idToken)).email, email);
  assert.equal(await client.logout(next.idToken), true);
  for (const token of [first.idToken, next.idToken]) {
    assert.deepEqual(await client.refused(token), { status: 401, code: "token_revoked" });
  }
  console.log(`ok    ${name}`);
}
