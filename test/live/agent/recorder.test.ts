import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { Recorder, type RecorderOptions } from "../../../server/live/agent/recorder.ts";
import type { WriteBytes } from "../../../server/live/agent/recording-writer.ts";
import { eventually } from "../waiting.ts";

const LIMITS = { sizeBytes: 40_000, ageMs: 60_000, keep: false };
const MIB = 1024 * 1024;

describe("the recorder of a live agent", () => {
  let folder: string;
  let notes: string[];
  let nowMs: number;
  const made: Recorder[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "agent-mesh-recorder-"));
    notes = [];
    nowMs = 1_000_000;
  });
  afterEach(() => {
    for (const recorder of made.splice(0)) recorder.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function recorder(more: Partial<RecorderOptions> = {}): Recorder {
    const one = new Recorder({
      folder,
      incarnation: 3,
      limits: LIMITS,
      monotonicMs: () => nowMs,
      note: (line) => notes.push(line),
      ...more,
    });
    made.push(one);
    return one;
  }

  const names = (): string[] => readdirSync(folder).sort();
  const bytes = (count: number, value = 1): Uint8Array => new Uint8Array(count).fill(value);

  it("writes segments in order, and what is left when the process ends", async () => {
    const one = recorder();
    one.begin(0, bytes(10, 1));
    one.append(bytes(20, 2));
    one.begin(1, bytes(5, 3));
    one.append(bytes(6, 4));
    one.close();
    assert.deepEqual(names(), ["0000000003-000000.meshrec", "0000000003-000001.meshrec"]);
    assert.deepEqual(readFileSync(join(folder, names()[0] as string)), Buffer.concat([bytes(10, 1), bytes(20, 2)]));
    assert.deepEqual(readFileSync(join(folder, names()[1] as string)), Buffer.concat([bytes(5, 3), bytes(6, 4)]));
    assert.deepEqual(one.metrics, { bytes: 41, droppedBytes: 0, open: false });
  });

  it("asks for the next segment by size, at first where it costs little, and by age", () => {
    const one = recorder();
    one.begin(0, bytes(100));
    assert.equal(one.full, "no");
    one.append(bytes(10_000));
    assert.equal(one.full, "soon");
    one.append(bytes(10_000));
    assert.equal(one.full, "now");
    one.begin(1, bytes(100));
    assert.equal(one.full, "no");
    nowMs += LIMITS.ageMs / 4;
    assert.equal(one.full, "now");
  });

  it("removes the oldest segments beyond its size and its age, those of earlier lives first", async () => {
    const old = join(folder, "0000000001-000000.meshrec");
    const older = join(folder, "0000000002-000000.meshrec");
    for (const path of [old, older]) writeFileSync(path, bytes(1_000));
    const longAgo = Date.now() / 1000 - LIMITS.ageMs / 1000 - 10;
    utimesSync(old, longAgo, longAgo);
    const one = recorder();
    one.begin(0, bytes(100));
    await eventually("what is too old is gone", () => !existsSync(old));
    assert.equal(existsSync(older), true);
    for (let segment = 0; segment < 6; segment++) {
      one.append(bytes(10_000));
      one.begin(segment + 1, bytes(100));
    }
    one.close();
    const total = (): number =>
      names().reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0);
    await eventually("the oldest are gone", () => !existsSync(older) && total() <= LIMITS.sizeBytes);
    assert.deepEqual(names().at(-1), "0000000003-000006.meshrec");
  });

  it("drops what a slow disk does not take, says so, and begins anew once that has caught up", async () => {
    const waiting: (() => void)[] = [];
    const write: WriteBytes = (_file, parts, _position, done) =>
      waiting.push(() =>
        done(
          null,
          parts.reduce((sum, { length }) => sum + length, 0),
        ),
      );
    const one = recorder({ limits: { ...LIMITS, sizeBytes: 1024 * MIB }, write });
    one.begin(0, bytes(100));
    for (let block = 0; block < 40; block++) one.append(bytes(MIB));
    assert.equal(one.gap, true);
    assert.equal(one.metrics.droppedBytes, 9 * MIB);
    assert.equal(notes.length, 1);
    assert.match(notes[0] as string, /too slow/);
    assert.equal(one.full, "no", "another segment would only wait, too");
    while (waiting.length > 0) waiting.shift()?.();
    assert.equal(one.full, "now");
    one.begin(2, bytes(100));
    assert.equal(one.gap, false);
  });

  it("ends the recording, not the agent, when the disk fails", async () => {
    const write: WriteBytes = (_file, _given, _position, done) =>
      setImmediate(() => done(new Error("ENOSPC: no space left"), 0));
    const one = recorder({ write });
    one.begin(0, bytes(100));
    await eventually("the recording ends", () => !one.open);
    assert.deepEqual(notes, ["The agent is not recorded any more: ENOSPC: no space left."]);
    one.append(bytes(100));
    assert.equal(one.metrics.open, false);
  });

  it("goes on after a write that took only a part", async () => {
    const { writeSync } = await import("node:fs");
    const write: WriteBytes = (file, parts, position, done) => {
      const given = Buffer.concat(parts);
      const written = writeSync(file, given, 0, Math.ceil(given.length / 3), position);
      setImmediate(() => done(null, written));
    };
    const one = recorder({ write });
    one.begin(0, bytes(1_000, 1));
    one.append(bytes(1_000, 2));
    const path = join(folder, "0000000003-000000.meshrec");
    await eventually("all is written", () => statSync(path).size === 2_000);
    assert.deepEqual(readFileSync(path), Buffer.concat([bytes(1_000, 1), bytes(1_000, 2)]));
  });

  it("ends, and says why, when the state alone is too large for it", () => {
    const one = recorder();
    one.begin(0, bytes(LIMITS.sizeBytes));
    assert.equal(one.open, false);
    assert.match(notes[0] as string, /its state alone takes 40000 bytes, and the recording may have 40000/);
  });
});
