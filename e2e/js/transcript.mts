// Each step of a script is one line of its transcript; the first that does not hold ends it.
import assert from "node:assert/strict";

let steps = 0;

export async function step<T>(name: string, action: () => Promise<T>, show: (outcome: T) => string = () => "ok"): Promise<T> {
  try {
    const outcome = await action();
    steps += 1;
    console.log(`${String(steps).padStart(2)}. ${name}: ${show(outcome)}`);
    return outcome;
  } catch (error) {
    console.log(` ✗  ${name}: ${error instanceof Error ? error.stack : JSON.stringify(error)}`);
    process.exit(1);
  }
}

export function end(): never {
  console.log(`${steps} steps held`);
  process.exit(0); // the SDK keeps timers that would keep the process
}

export function required(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} must be set`);
  return value;
}
