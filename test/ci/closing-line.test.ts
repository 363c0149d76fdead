// What npm test says at its end, tried on test files that pass, fail, skip, hang, or are not there.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, describe, it } from "mocha";
import { waitForEnd } from "../../.ci/processes.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

describe("npm test", function () {
  this.timeout(30_000);
  let directory: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "agent-mesh-npm-test-"));
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  /** Runs it on one test file with this text. */
  const run = (text: string, ...options: string[]) => {
    const file = join(directory, "sample.test.mjs");
    writeFileSync(file, text);
    return runOn(file, ...options);
  };

  const runOn = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, ".ci", "test.mjs"), ...args], {
      encoding: "utf8",
    });
    return { status, stdout, stderr, lastLine: stdout.trimEnd().split("\n").at(-1) };
  };

  it("closes with how many tests passed", () => {
    const { status, lastLine } = run("it('a', () => {}); it('b', () => {});");
    assert.deepEqual({ status, lastLine }, { status: 0, lastLine: "2 passed, 0 failed" });
  });

  it("fails when a test fails", () => {
    const { status, lastLine } = run("it('a', () => {}); it('b', () => { throw new Error('no'); });");
    assert.deepEqual({ status, lastLine }, { status: 1, lastLine: "1 passed, 1 failed" });
  });

  it("names each that failed once more after the table, with why", () => {
    const { stdout } = run(
      "describe('s', () => { it('a', () => {}); it('b', () => { throw new Error('no\\nmore'); }); });",
    );
    const end = stdout.slice(stdout.indexOf("suite  "));
    assert.match(end, /^failed in files: s: b: no$/m);
    assert.doesNotMatch(end, /s: a/);
  });

  it("fails when a suite runs no test", () => {
    for (const args of [[join(directory, "nothing-*.test.mjs")], [fileWithoutTests(directory)]]) {
      const { status, lastLine } = runOn(...args);
      assert.deepEqual({ status, lastLine }, { status: 1, lastLine: "0 passed, 1 failed" });
    }
  });

  it("fails when a test is skipped", () => {
    const { status } = run("it('a', () => {}); it.skip('b', () => {});");
    assert.equal(status, 1);
  });

  it("ends a suite that hangs, and what it started", async () => {
    const child = "spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' })";
    const hang = `import { spawn } from 'node:child_process'; it('a', function (done) { this.timeout(0); console.log('pid', ${child}.pid); });`;
    const { status, stdout, stderr, lastLine } = run(hang, "--deadline", "2");
    assert.deepEqual({ status, lastLine }, { status: 1, lastLine: "0 passed, 1 failed" });
    assert.match(stderr, /files: was not done after 2 s/);
    const pid = Number(/pid (\d+)/.exec(stdout)?.[1]);
    assert.deepEqual(await waitForEnd([pid], 2_000), []);
  });

  it("fails when a test keeps something open", () => {
    const { status, stderr } = run("it('a', () => { setInterval(() => {}, 1000); });", "--deadline", "2");
    assert.equal(status, 1);
    assert.match(stderr, /files: had run its tests but kept something open after 2 s/);
  });

  it("says what there is when it is given a name that is nothing", () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, ".ci", "test.mjs"), "fats"], {
      encoding: "utf8",
    });
    assert.equal(status, 1);
    assert.match(stderr, /There is no suite called fats\. There are: .*fast/);
  });
});

function fileWithoutTests(directory: string): string {
  const file = join(directory, "empty.test.mjs");
  writeFileSync(file, "export {};\n");
  return file;
}
