// Waiting for what a page is to show: with a deadline, and an error that says what was waited for and shows the page.

import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { PATIENCE } from "../../../.ci/patience.mjs";

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Where screenshots are kept: build output, replaced by the next run. */
export const screenshotsDir = join(root, "out", "screenshots");

/** How long anything on the page may take on a machine with nothing else to do, unless its caller knows better, ms. */
export const defaultDeadlineMs = 15_000;

/** For a Playwright action, or for what it waits for by itself. */
export const patiently = { timeout: defaultDeadlineMs * PATIENCE };

/** For a question within `until`: it is asked again, so it need not wait long for its element. */
export const briefly = { timeout: 1_000 };

const pollMs = 100;
let failures = 0;

/** Takes a picture of the whole page. Returns the file's path. */
export async function screenshot(page: Page, name: string): Promise<string> {
  mkdirSync(screenshotsDir, { recursive: true });
  const path = join(screenshotsDir, `${name}.png`);
  await page.screenshot({ path });
  return path;
}

/**
 * Does something that waits by itself (a Playwright action with a timeout).
 * @throws an error that says what was waited for, with the path of a screenshot of the page at that moment
 */
export async function expecting<T>(page: Page, what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw await explain(page, what, error);
  }
}

/**
 * Asks again and again until the answer is something other than undefined or false, and returns that answer.
 * @throws as `expecting` does, when there is none within `withinMs`, of a machine with nothing else to do
 */
export async function until<T>(
  page: Page,
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = defaultDeadlineMs,
): Promise<T> {
  const deadlineMs = withinMs * PATIENCE;
  const giveUpAt = performance.now() + deadlineMs;
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      lastError = undefined;
    } catch (error) {
      // A page that is still being drawn may take an element away in the middle of a question.
      lastError = error;
    }
    if (performance.now() > giveUpAt) throw await explain(page, `${what} (within ${deadlineMs / 1000} s)`, lastError);
    await delay(pollMs);
  }
}

async function explain(page: Page, what: string, cause: unknown): Promise<Error> {
  failures += 1;
  const picture = page.isClosed()
    ? "The page is closed."
    : await screenshot(page, `failure-${process.pid}-${failures}`).then(
        (path) => `Screenshot: ${path}.`,
        (error: Error) => `No screenshot: ${error.message}.`,
      );
  const detail = cause instanceof Error ? `\n${cause.message}` : "";
  return new Error(`Waited in vain for ${what}. ${picture}${detail}`, { cause });
}
