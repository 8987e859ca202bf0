import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ask, good, says, startService, urlOf } from "./kit.mjs";

test("the README's example runs as it stands", async (t) => {
  const [, example] = /```js\n(.*?)```/s.exec(readFileSync(new URL("../README.md", import.meta.url), "utf8")) ?? [];
  assert.ok(example);
  const path = fileURLToPath(new URL("readme-example.cjs", import.meta.url));
  writeFileSync(path, example);

  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const url = urlOf(free);
  free.close();
  await once(free, "close");
  const s = await startService(t, says(200, good()));
  const node = spawn(process.execPath, [path], { env: { PORT: new URL(url).port, AUTH_V2_SERVICE_URL: s.url }, stdio: "inherit" });
  t.after(() => node.kill());

  const limit = AbortSignal.timeout(20_000);
  for (;;) {
    const reply = await ask(url, undefined, { path: "/me" }).catch(() => undefined);
    if (reply) {
      assert.deepEqual([reply.status, reply.json], [200, { id: good().data.user.id, balance: 7, kind: "firebase" }], reply.body);
      break;
    }
    limit.throwIfAborted();
    assert.equal(node.exitCode, null, "the example ended");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal((await ask(url, undefined, { path: "/admin" })).status, 403);
  assert.equal((await ask(url, [], { path: "/me" })).status, 401);
});
