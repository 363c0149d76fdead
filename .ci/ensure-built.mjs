// Brings up to date the bundles that the tests named on the command line start: node .ci/ensure-built.mjs [MOCHA-ARGUMENT...]

import { build } from "./build.mjs";
import { runMain } from "./say.mjs";
import { bundlesFor } from "./suites.mjs";

await runMain(async (mochaArguments) => {
  const names = bundlesFor(mochaArguments);
  if (names.length > 0) await build({ names, quiet: true });
});
