// Waiting for events, never for time to pass.

import { setTimeout as delay } from "node:timers/promises";
import { PATIENCE } from "../../.ci/patience.mjs";

const LOOK_EVERY_MS = 10;

/** @param withinMs on a machine with nothing else to do */
export async function withDeadline<T>(promise: Promise<T>, withinMs: number, what: string): Promise<T> {
  const deadlineMs = withinMs * PATIENCE;
  const ended = new AbortController();
  const late = delay(deadlineMs, undefined, { signal: ended.signal }).then(() => {
    throw new Error(`not within ${deadlineMs} ms: ${what}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    ended.abort();
  }
}

/**
 * The first value that is not undefined or false, asked for every 10 ms.
 * @param withinMs on a machine with nothing else to do
 */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 8_000,
): Promise<T> {
  const deadlineMs = withinMs * PATIENCE;
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > giveUpAt) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(LOOK_EVERY_MS);
  }
}
