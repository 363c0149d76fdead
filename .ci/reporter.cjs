// Mocha's own "spec" reporter, which also writes what it counted to the file that AGENT_MESH_COUNTS names.

const { writeFileSync } = require("node:fs");
const { reporters } = require("mocha");

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = runner.stats;
      writeFileSync(process.env.AGENT_MESH_COUNTS, JSON.stringify({ passes, failures, pending }));
    });
  }
};
