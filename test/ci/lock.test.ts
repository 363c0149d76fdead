import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { withLock } from "../../.ci/lock.mjs";

describe("the build's lock", () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "agent-mesh-lock-"));
    path = join(directory, "lock");
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("lets one in at a time, and tells the others who is", async () => {
    let inside = 0;
    const waitedFor = new Set<number>();
    const options = { deadlineMs: 5_000, onWait: (pid: number) => waitedFor.add(pid) };
    const visit = () =>
      withLock(path, options, async () => {
        inside += 1;
        assert.equal(inside, 1);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      });
    await Promise.all([visit(), visit(), visit()]);
    assert.deepEqual([...waitedFor], [process.pid]);
  });

  it("is given back, and leaves no file, when the work fails", async () => {
    const failing = () => {
      throw new Error("no");
    };
    await assert.rejects(withLock(path, { deadlineMs: 100 }, failing), /no/);
    assert.deepEqual(readdirSync(directory), []);
  });

  it("is taken over from a process that died", async () => {
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    writeFileSync(path, `${dead}\n`);
    assert.equal(await withLock(path, { deadlineMs: 100 }, () => "done"), "done");
    assert.ok(!existsSync(path));
  });

  it("says who holds it when that takes too long", async () => {
    const held = withLock(path, { deadlineMs: 100 }, () =>
      assert.rejects(
        withLock(path, { deadlineMs: 100 }, () => {}),
        new RegExp(`Process ${process.pid} has held .*lock`),
      ),
    );
    await held;
  });
});
