// The platform's assessment-service, as far as a caller's identity goes: CommonJS and Express 4.
const express = require("express4");
const { authenticate } = require("@auth-v2/express");

const app = express();
app.get("/health", (_req, res) => res.sendStatus(204));
app.use(authenticate({ baseUrl: process.env.AUTH_V2_SERVICE_URL, onVerify: (result) => console.error(JSON.stringify(result)) }));
app.get("/api/assessments", (req, res) => res.json({ success: true, data: { user: req.user, auth: req.auth, assessments: [] } }));
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.once("SIGTERM", () => process.exit(0));
