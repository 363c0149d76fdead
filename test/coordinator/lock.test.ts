import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { acquireLock, lockHolder } from "../../server/coordinator/lock.ts";
import { Refusal } from "../../server/coordinator/refusal.ts";
import { identityOf } from "../../server/live/process.ts";

describe("the lock of a swarm", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lock-"));
    path = join(folder, "swarm", "coordinator.lock");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("is one coordinator's until it is released, and names it to others", () => {
    const lock = acquireLock(path, "Swarm s");
    assert.equal(lock.takenFrom, null);
    assert.equal(lockHolder(path)?.pid, process.pid);
    assert.throws(
      () => acquireLock(path, "Swarm s"),
      (error: unknown) =>
        error instanceof Refusal &&
        error.reason === "alreadyRunning" &&
        error.message.includes(`Swarm s is run by another coordinator, process ${process.pid}`),
    );
    lock.release();
    assert.ok(!existsSync(path));
    acquireLock(path, "Swarm s").release();
  });

  it("of a dead process is taken over, saying whose it was", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    const identity = identityOf(child.pid!);
    await once(child, "exit");
    acquireLock(path, "Swarm s").release();
    writeFileSync(path, JSON.stringify({ ...identity, nonce: "n" }));
    assert.equal(lockHolder(path), undefined);
    const lock = acquireLock(path, "Swarm s");
    assert.equal(lock.takenFrom, identity.pid);
    assert.ok(!existsSync(`${path}.takeover`));
  });

  it("of another process that was given the dead one's id is taken over", () => {
    acquireLock(path, "Swarm s").release();
    writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: "1", nonce: "n" }));
    assert.equal(acquireLock(path, "Swarm s").takenFrom, process.pid);
  });

  it("half written, or not of this program, stands in nobody's way", () => {
    acquireLock(path, "Swarm s").release();
    writeFileSync(path, '{"pid": 1');
    assert.equal(acquireLock(path, "Swarm s").takenFrom, 0);
  });

  it("that was taken over is not released by the one that lost it", () => {
    const lost = acquireLock(path, "Swarm s");
    writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: "1", nonce: "n" }));
    const kept = acquireLock(path, "Swarm s");
    lost.release();
    assert.ok(existsSync(path));
    kept.release();
  });

  it("is not taken over while another one is doing so", () => {
    acquireLock(path, "Swarm s").release();
    writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: "1", nonce: "n" }));
    writeFileSync(`${path}.takeover`, JSON.stringify({ ...identityOf(process.pid), nonce: "other" }));
    assert.throws(() => acquireLock(path, "Swarm s"), Refusal);
  });
});
