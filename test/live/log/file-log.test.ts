import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { EntryKind } from "../../../server/core/consensus.ts";
import { type FileLog, type LogDisk, realDisk } from "../../../server/live/log/file-log.ts";
import { openLog } from "../../../server/live/log/open-folder.ts";

describe("the log's group commit", () => {
  let folder: string;
  let log: FileLog;
  let failures: Error[];
  let durable: number[];
  let syncs: ((error: Error | null) => void)[];

  const open = (disk: Partial<LogDisk>, sync: "inPlace" | "apart"): void => {
    const options = { folder, disk: { ...realDisk, ...disk }, sync, onDurable: () => {} };
    log = openLog({ ...options, onFailure: (error) => failures.push(error) }).log;
  };
  const append = (index: number): void => {
    const data = Buffer.from(`entry ${index}`);
    log.append({ entries: [{ index, term: 1, kind: EntryKind.command, timeMs: 1, data }] }, () => durable.push(index));
  };
  const held: Partial<LogDisk> = { syncApart: (_, done) => syncs.push(done) };
  const kept = (): number => {
    const again = openLog({ folder, onDurable: () => {}, onFailure: () => {} });
    again.log.close();
    return again.recovered.entries.length;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "agent-mesh-log-"));
    failures = [];
    durable = [];
    syncs = [];
  });
  afterEach(() => {
    log.close();
    rmSync(folder, { recursive: true });
  });

  it("says durable only after the sync, and in order", () => {
    open(held, "apart");
    append(1);
    append(2);
    log.flush();
    assert.deepEqual(durable, []);
    syncs.shift()?.(null);
    assert.deepEqual(durable, [1, 2]);
  });

  it("makes one write and one sync of all that came while a sync was in flight", () => {
    open(held, "apart");
    for (let index = 1; index <= 20; index++) {
      append(index);
      log.flush();
    }
    assert.equal(syncs.length, 1);
    syncs.shift()?.(null);
    assert.deepEqual(durable, [1]);
    assert.equal(syncs.length, 1);
    syncs.shift()?.(null);
    assert.equal(durable.length, 20);
    assert.equal(log.syncs, 2);
    assert.ok(log.idle);
    log.close();
    assert.equal(kept(), 20);
  });

  it("writes on when the disk takes only a part at a time", () => {
    open({ write: (file, bytes, from, at) => realDisk.write(file, bytes.subarray(0, from + 7), from, at) }, "inPlace");
    append(1);
    append(2);
    log.flush();
    assert.deepEqual(durable, [1, 2]);
    log.close();
    assert.equal(kept(), 2);
  });

  it("stops for good when the disk is full, and says nothing was durable", () => {
    const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    let writes = 0;
    const failsAtSecond: LogDisk["write"] = (file, bytes, from, at) => {
      // The first record, zeros behind it, the second record.
      if (++writes === 3) throw full;
      return realDisk.write(file, bytes, from, at);
    };
    open({ write: failsAtSecond }, "inPlace");
    append(1);
    log.flush();
    append(2);
    log.flush();
    append(3);
    log.flush();
    assert.deepEqual(failures, [full]);
    assert.deepEqual(durable, [1]);
    assert.equal(kept(), 1);
  });

  for (const sync of ["inPlace", "apart"] as const) {
    it(`does not try again after a failed sync (${sync})`, () => {
      const broken = Object.assign(new Error("i/o error"), { code: "EIO" });
      const inPlace = (): void => {
        throw broken;
      };
      open({ syncInPlace: inPlace, ...held }, sync);
      append(1);
      log.flush();
      syncs.shift()?.(broken);
      append(2);
      log.flush();
      assert.deepEqual(failures, [broken]);
      assert.deepEqual(durable, []);
      assert.equal(log.syncs, 0);
    });
  }
});
