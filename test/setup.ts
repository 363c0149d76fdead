// Loaded by mocha before any test: brings the bundles up to date that the chosen tests start as processes, and gives all the time that whoever runs them says.

import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Context, Runnable, Suite } from "mocha";
import { PATIENCE } from "../.ci/patience.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs once, before all tests. A bundle that cannot be built fails the run: the tests would run an older one. */
export function mochaGlobalSetup(): void {
  execFileSync(process.execPath, [join(root, ".ci", "ensure-built.mjs"), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
}

/** With several files at a time: before those of each. */
export const mochaHooks = {
  beforeAll(this: Context): void {
    if (PATIENCE > 1) beMorePatient(this.test?.parent);
  },
};

/** What mocha's types leave out. */
type SuiteWithHooks = Suite & { getHooks(name: "beforeAll" | "beforeEach" | "afterEach" | "afterAll"): Runnable[] };

function beMorePatient(suite: Suite | undefined): void {
  if (suite === undefined) return;
  const hooks = (["beforeAll", "beforeEach", "afterEach", "afterAll"] as const).flatMap((name) =>
    (suite as SuiteWithHooks).getHooks(name),
  );
  for (const runnable of [...hooks, ...suite.tests]) runnable.timeout(runnable.timeout() * PATIENCE);
  for (const inner of suite.suites) beMorePatient(inner);
}
