import { type Caller, isAnswer, read } from "./answer.cjs";
import { type Refusal, unavailable } from "./refusal.cjs";
import { Slots } from "./slots.cjs";

const maxAttempts = 2;
const maxAnswer = 64 << 10; // bytes; the service's answers have under 1 KiB
const maxConnections = 256; // while the service hangs, requests wait their time out here and not on sockets of their own

/** How a connection fails before an answer began. */
const unanswered = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "UND_ERR_SOCKET", "UND_ERR_CONNECT_TIMEOUT"]);

/** Why a request was given up: its time is over, or its client has gone. */
export type Abandoned = "time is over" | "the client has gone";

/** What became of asking. */
export interface Verified {
  found: Caller | Refusal;
  attempts: number;
}

/** Asks the auth service whose token this is. Never rejects: what goes wrong is a refusal. */
export class Verifier {
  readonly #slots = new Slots(maxConnections);

  constructor(readonly endpoint: URL) {}

  async verify(token: string, requestId: string, signal: AbortSignal): Promise<Verified> {
    const asked = { attempts: 0 };
    let free: (() => void) | undefined;
    try {
      free = await this.#slots.take(signal);
      const response = await this.#send(token, requestId, signal, asked);
      return { found: await readBounded(response), attempts: asked.attempts };
    } catch (error) {
      return { found: unavailable(signal.aborted ? String(signal.reason) : `the connection failed: ${codeOf(error)}`), attempts: asked.attempts };
    } finally {
      free?.();
    }
  }

  /**
   * Asks once, and once more where the connection failed before an answer began: asking changes nothing, and a connection that was kept may
   * be one to an instance that is gone. An answer, whatever it says, is not asked for again.
   */
  async #send(token: string, requestId: string, signal: AbortSignal, asked: { attempts: number }): Promise<Response> {
    for (;;) {
      asked.attempts++;
      try {
        return await fetch(this.endpoint, {
          method: "POST",
          redirect: "manual",
          headers: {
            "Content-Type": "application/json",
            Accept: "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "auth-v2-express",
            "X-Request-Id": requestId,
          },
          body: JSON.stringify({ token }),
          signal,
        });
      } catch (error) {
        if (signal.aborted || asked.attempts === maxAttempts || !unanswered.has(codeOf(error))) {
          throw error;
        }
      }
    }
  }
}

async function readBounded(response: Response): Promise<Caller | Refusal> {
  if (!isAnswer(response.status)) {
    await response.body?.cancel();
    return unavailable(`the service answered ${response.status}`, response.headers.get("Retry-After"));
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxAnswer) {
      return unavailable(`the answer is over ${maxAnswer} bytes`); // leaving the loop cancels the rest
    }
    chunks.push(chunk);
  }
  return read(response.status, response.headers, Buffer.concat(chunks).toString("utf8"));
}

/** The system's name for what went wrong. Messages are not told: they may quote what the other side sent. */
function codeOf(error: unknown): string {
  for (let e = error; e instanceof Error; e = e.cause) {
    const code: unknown = "code" in e ? e.code : undefined;
    if (typeof code === "string") {
      return code;
    }
    if (e instanceof AggregateError) {
      return codeOf(e.errors[0]); // every address of a host has failed
    }
  }
  return "unknown";
}
