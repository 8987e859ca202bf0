// The platform's chatbot-service, as far as a caller's identity goes: CommonJS and Express 5, guarded route by route. It says
// what a route behind the middleware can still read of the headers.
const express = require("express");
const { authenticate } = require("@auth-v2/express");

const signedIn = authenticate({ baseUrl: process.env.AUTH_V2_SERVICE_URL, onVerify: (result) => console.error(JSON.stringify(result)) });
const app = express();
app.get("/health", (_req, res) => res.sendStatus(204));
app.get("/api/chat", signedIn, (req, res) => {
  res.json({ success: true, data: { user: req.user, auth: req.auth, headers: Object.keys(req.headers), rawHeaders: req.rawHeaders.length } });
});
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.once("SIGTERM", () => process.exit(0));
