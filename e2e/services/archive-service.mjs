// The platform's archive-service, as far as a caller's identity goes: a module and Express 5, where only one router is guarded.
import express, { Router } from "express";
import { authenticate, requireType } from "@auth-v2/express";

const api = Router();
api.use(authenticate({ baseUrl: process.env.AUTH_V2_SERVICE_URL, onVerify: (result) => console.error(JSON.stringify(result)) }));
api.get("/archive", (req, res) => res.json({ success: true, data: { user: req.user, auth: req.auth, archive: [] } }));
api.get("/archive/all", requireType("admin"), (req, res) => res.json({ success: true, data: { user: req.user, auth: req.auth } }));

const app = express();
app.get("/health", (_req, res) => res.sendStatus(204));
app.use("/api", api);
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.once("SIGTERM", () => process.exit(0));
