import { run } from "./flow";
import { heyApi } from "./hey-api";
import { kubb } from "./kubb";
import { openapiFetch } from "./openapi-fetch";
import { orval } from "./orval";
import { swaggerTypescriptApi } from "./swagger-typescript-api";
import { zod } from "./zod";

const url = process.env["AUTH_URL"];
if (!url) throw new Error("AUTH_URL must be set");

await run("openapi-typescript, openapi-fetch", openapiFetch(url));
await run("@hey-api/openapi-ts", heyApi(url));
await run("orval", orval(url));
await run("kubb", kubb(url));
await run("swagger-typescript-api", swaggerTypescriptApi(url));
await run("openapi-zod-client", zod(url));
