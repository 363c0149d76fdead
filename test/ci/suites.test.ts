import assert from "node:assert/strict";
import { globSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "mocha";
import { entries } from "../../.ci/entries.mjs";
import { bundlesFor, suites } from "../../.ci/suites.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

describe("the test suites", () => {
  it("run every test file once", () => {
    const all = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".test.ts"))
      .map((path) => `test/${path.replaceAll("\\", "/")}`);
    const run = suites.flatMap((suite) => suite.files.flatMap((pattern) => globSync(pattern, { cwd: root })));
    assert.deepEqual(run.map((path) => path.replaceAll("\\", "/")).sort(), all.sort());
  });

  it("ask for bundles that the build makes", () => {
    for (const name of suites.flatMap((suite) => suite.bundles)) {
      assert.ok(
        entries.some((entry) => entry.name === name),
        name,
      );
    }
  });

  it("have the bundles built that the named tests start, and no others", () => {
    assert.deepEqual(bundlesFor(["test/core/raft/raft.test.ts"]), []);
    assert.deepEqual(bundlesFor(["test/tidy.test.ts"]), []);
    assert.deepEqual(bundlesFor(["--reporter", "/a/reporter.cjs", "/b/sample.test.mjs"]), []);
    assert.deepEqual(bundlesFor(["--grep", "log", "./test/live/log/*.test.ts"]), ["agent", "guardian"]);
    assert.ok(bundlesFor(["test\\faces\\cli\\up.test.ts"]).includes("cli"));
    for (const everything of [[], ["test/**/*.test.ts"], ["--bail"]]) {
      assert.ok(bundlesFor(everything).includes("coordinator"), everything.join(" "));
    }
  });
});
