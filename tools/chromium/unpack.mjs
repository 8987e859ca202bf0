// Unpacks what @sparticuz/chromium packs for functions in the cloud into browser/, and drops the packed form. The package's own
// unpacking goes to fixed names in /tmp and knows Amazon's Linux only.
import { chmodSync, createReadStream, createWriteStream, mkdirSync, rmSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { extract } from "tar-fs";

const packed = (name) => createReadStream(`node_modules/@sparticuz/chromium/bin/${name}.br`);

mkdirSync("browser");
await pipeline(packed("chromium"), createBrotliDecompress(), createWriteStream("browser/chromium", { mode: 0o755 }));
for (const name of ["al2023.tar", "fonts.tar", "swiftshader.tar"]) {
	await pipeline(packed(name), createBrotliDecompress(), extract("browser"));
}
rmSync("node_modules", { recursive: true });
chmodSync("chromium", 0o755); // the start script may have come without its mode
