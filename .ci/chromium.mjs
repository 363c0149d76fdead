// Finds a Chrome or Chromium for the editor tests, or installs Debian's when it may.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProgram, root, step } from "./command.mjs";
import { Refusal } from "./say.mjs";

const browserNames = ["google-chrome", "google-chrome-stable", "chromium", "chromium-browser"];
const elsewhere = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];
const deadlineMs = 10 * 60_000;

/**
 * The path of a Chrome or Chromium: the environment's CHROME_PATH, one on the PATH, one where its installer puts it, or
 * Debian's package, installed when we are root.
 * @throws {Refusal} when there is none
 */
export async function ensureChromium() {
  const set = process.env.CHROME_PATH;
  if (set !== undefined && set !== "") {
    if (!existsSync(set)) throw new Refusal(`CHROME_PATH is ${set}, and there is no such file.`);
    return set;
  }
  const found = findChromium();
  if (found !== undefined) return found;
  const remedy = "Install Google Chrome or Chromium (Debian: apt-get install -y chromium), or set CHROME_PATH to one.";
  if (process.getuid?.() !== 0 || findProgram("apt-get") === undefined) {
    throw new Refusal(`The editor tests need a browser, and none was found. ${remedy}`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const hint = `The editor tests need a browser. ${remedy}`;
  const log = (name) => join(root, "out", "logs", `${name}.log`);
  await step("Reading Debian's package lists", ["apt-get", "update"], {
    env,
    log: log("apt-update"),
    deadlineMs,
    hint,
  });
  const install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"];
  await step("Installing Chromium", install, { env, log: log("apt-chromium"), deadlineMs, hint });
  const installed = findChromium();
  if (installed === undefined) throw new Refusal(`Debian's chromium was installed, but is not on the PATH. ${remedy}`);
  return installed;
}

function findChromium() {
  return findProgram(...browserNames) ?? elsewhere.find((path) => existsSync(path));
}
