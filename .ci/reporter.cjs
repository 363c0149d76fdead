// Mocha's own "spec" reporter, which also writes what it counted, and what failed, to the file that AGENT_MESH_COUNTS names.

const { writeFileSync } = require("node:fs");
const { reporters } = require("mocha");

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = runner.stats;
      const failed = this.failures.map(whatFailed);
      writeFileSync(process.env.AGENT_MESH_COUNTS, JSON.stringify({ passes, failures, pending, failed }));
    });
  }
};

/** The test's whole title, and the first line of why. */
function whatFailed(test) {
  const [why] = String(test.err?.message ?? "").split("\n");
  return `${test.titlePath().join(": ")}: ${why}`;
}
