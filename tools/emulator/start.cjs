// Starts the official Firebase Authentication emulator without the rest of the emulator suite: `node start.cjs PROJECT [PORT]`.
// It prints one line, "ready HOST:PORT", and lives as long as its standard input stays open, so that it cannot outlive
// whoever started it.
"use strict";

process.env.CI = "1";
process.env.NO_UPDATE_NOTIFIER = "1";

const { createServer } = require("node:http");
const { createApp } = require("firebase-tools/lib/emulator/auth/server");

const singleProjectMode = 2; // refuse every other project

async function main(project, port) {
  const app = await createApp(project, singleProjectMode);
  const server = createServer(app);
  server.listen(Number(port), "127.0.0.1", () => {
    process.stdout.write(`ready 127.0.0.1:${server.address().port}\n`);
  });
  process.stdin.resume();
  for (const end of ["end", "close"]) {
    process.stdin.on(end, () => process.exit(0));
  }
}

if (!process.argv[2]) {
  process.stderr.write("usage: node start.cjs PROJECT [PORT]\n");
  process.exit(2);
}
main(process.argv[2], process.argv[3] || 0).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
