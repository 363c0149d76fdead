// Loaded by mocha before any test: brings the bundles up to date that the chosen tests start as processes.

import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs once, before all tests. A bundle that cannot be built fails the run: the tests would run an older one. */
export function mochaGlobalSetup(): void {
  execFileSync(process.execPath, [join(root, ".ci", "ensure-built.mjs"), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
}
