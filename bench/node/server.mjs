// The plan's own design of verify-token: Hono on Node, a token checked with Google's certificates, and pg, without a cache. It is
// kept kinder than the plan, which checks each token twice, writes last_login at each request, inserts in a transaction of three
// statements and logs three lines: the ratio must not live on a slip.
//
// Tokens are checked by the library that the Admin SDK checks them with, by the SDK's rules: its own address of the certificates
// is fixed, and at an emulator it looks at no signature.
import { X509Certificate } from "node:crypto";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import jwt from "jsonwebtoken";
import pg from "pg";

const { PORT, DATABASE_URL, DB_POOL_MAX, FIREBASE_PROJECT_ID, FIREBASE_CERTS_URL } = process.env;

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: Number(DB_POOL_MAX) });
pool.on("error", (error) => console.error("database:", error.message));

const keys = new Map();
for (const [id, certificate] of Object.entries(await (await fetch(FIREBASE_CERTS_URL)).json())) {
	keys.set(id, new X509Certificate(certificate).publicKey);
}

function verify(compact) {
	const key = keys.get(jwt.decode(compact, { complete: true })?.header.kid);
	if (!key) throw new Error("the token is signed with no key of the issuer's");
	return jwt.verify(compact, key, {
		algorithms: ["RS256"],
		audience: FIREBASE_PROJECT_ID,
		issuer: `https://securetoken.google.com/${FIREBASE_PROJECT_ID}`,
	});
}

async function findOrCreate(claims) {
	const found = await pool.query("SELECT * FROM auth.users WHERE firebase_uid = $1", [claims.sub]);
	if (found.rows.length > 0) return found.rows[0];
	const created = await pool.query(
		`INSERT INTO auth.users (firebase_uid, auth_provider, email, username, provider_data, last_firebase_sync, federation_status)
		VALUES ($1, 'firebase', $2, $3, $4, now(), 'active') RETURNING *`,
		[claims.sub, claims.email, claims.name, { provider: claims.firebase.sign_in_provider, email_verified: claims.email_verified }],
	);
	return created.rows[0];
}

const instant = (seconds) => new Date(seconds * 1000).toISOString();

const app = new Hono();
app.get("/ready", (c) => c.text("ready"));
app.post("/v1/auth/verify-token", async (c) => {
	try {
		const { token } = await c.req.json();
		const claims = verify(token);
		const { id, firebase_uid, email, username, user_type, is_active, token_balance } = await findOrCreate(claims);
		if (!is_active) throw new Error("the account is deactivated");
		return c.json({
			success: true,
			message: "Token verified successfully",
			data: {
				user: { id, firebase_uid, email, username, user_type, is_active, token_balance },
				token: { kind: "firebase", issued_at: instant(claims.iat), expires_at: instant(claims.exp) },
			},
		});
	} catch (error) {
		return c.json({ success: false, message: error.message }, 401);
	}
});

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(PORT) });
process.on("SIGTERM", () => process.exit());
