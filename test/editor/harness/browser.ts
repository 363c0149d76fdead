// A Chromium of a test's own.

import { type Browser, chromium } from "playwright-core";
import { ensureChromium } from "../../../.ci/chromium.mjs";

/** Nothing that a browser does by itself: no updates, no background traffic. */
const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts a Chromium without a window, in which every page is a person's first visit. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await ensureChromium(), args: quiet });
}
