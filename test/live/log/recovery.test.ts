import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, it } from "mocha";
import type { LogBatch, RecoveredLog } from "../../../server/agent/world.ts";
import { EntryKind } from "../../../server/core/consensus.ts";
import { openLog } from "../../../server/live/log/open-folder.ts";
import { LogDamaged, segmentPath } from "../../../server/live/log/recovery.ts";

function batch(index: number, data: string, term = 1): LogBatch {
  return {
    hardState: { term, votedFor: "a1", commit: index - 1 },
    entries: [{ index, term, kind: EntryKind.command, timeMs: 1000 + index, data: Buffer.from(data) }],
  };
}

/** Appends batches one write each, as an agent does that waits for every one. */
function write(folder: string, batches: readonly LogBatch[], segmentBytes?: number): void {
  const { log } = openLog({
    folder,
    sync: "inPlace",
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
    onDurable: () => {},
    onFailure: (error) => {
      throw error;
    },
  });
  for (const one of batches) {
    log.append(one, () => {});
    log.flush();
  }
  log.close();
}

function read(folder: string): RecoveredLog & { readonly notes: readonly string[] } {
  const { log, recovered, notes } = openLog({ folder, onDurable: () => {}, onFailure: () => {} });
  log.close();
  return { ...recovered, notes };
}

function texts({ entries }: RecoveredLog): string[] {
  return entries.map((entry) => Buffer.from(entry.data).toString());
}

describe("the log's recovery", function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "agent-mesh-log-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const words = ["one", "two and a little more", "three", "four, the last"];
  const four = words.map((word, at) => batch(at + 1, word));

  it("gives back what was written, over several lives and segments", () => {
    for (let life = 0; life < 5; life++)
      write(folder, [batch(2 * life + 1, `first of ${life}`), batch(2 * life + 2, `second of ${life}`)], 120);
    assert.ok(statSync(segmentPath(folder, 4)).size > 0, "the log has several segments");
    const found = read(folder);
    assert.equal(found.entries.length, 10);
    assert.equal(texts(found)[9], "second of 4");
    assert.deepEqual(found.hardState, { term: 1, votedFor: "a1", commit: 9 });
    assert.deepEqual(found.notes, []);
  });

  it("replaces a conflicting entry and all behind it", () => {
    write(folder, [...four, batch(2, "another two", 2)]);
    assert.deepEqual(texts(read(folder)), ["one", "another two"]);
  });

  it("cut short at any byte, gives back every record that is whole, and goes on from there", () => {
    write(folder, four);
    const whole = readFileSync(segmentPath(folder, 1));
    const ends = recordEnds(whole);
    for (let length = 0; length < whole.length; length++) {
      const cut = join(folder, `cut-${length}`);
      mkdirSync(cut);
      writeFileSync(segmentPath(cut, 1), whole.subarray(0, length));
      const survivors = ends.filter((end) => end <= length).length;
      const found = read(cut);
      assert.deepEqual(texts(found), words.slice(0, survivors), `cut at ${length}`);
      assert.equal(found.notes.length, length === 32 || ends.includes(length) ? 0 : 1, `cut at ${length}`);
      write(cut, [batch(survivors + 1, "afterwards")]);
      assert.deepEqual(texts(read(cut)), [...words.slice(0, survivors), "afterwards"]);
    }
  });

  it("with any byte flipped, refuses, names file and offset, and changes nothing", () => {
    write(folder, four);
    const path = segmentPath(folder, 1);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
      writeFileSync(path, flipped);
      assert.throws(
        () => read(folder),
        (error: Error) =>
          error instanceof LogDamaged && error.message.includes(path) && /offset \d+/.test(error.message),
        `flipped at ${at}`,
      );
      assert.deepEqual(readFileSync(path), flipped, `flipped at ${at}`);
    }
  });

  describe("after a crash, with zeros behind the last record", () => {
    const zeros = Buffer.alloc(4096);
    const withZeros = (): { path: string; whole: Buffer; lastAt: number; end: number } => {
      write(folder, four);
      const path = segmentPath(folder, 1);
      const records = readFileSync(path);
      return {
        path,
        whole: Buffer.concat([records, zeros]),
        lastAt: recordEnds(records).at(-2) as number,
        end: records.length,
      };
    };

    it("gives back everything without a note, and goes on from there", () => {
      const { path, whole } = withZeros();
      writeFileSync(path, whole);
      const found = read(folder);
      assert.deepEqual([texts(found), found.notes], [words, []]);
      write(folder, [batch(5, "afterwards")]);
      assert.deepEqual(texts(read(folder)), [...words, "afterwards"]);
    });

    it("refuses with any byte of any record flipped, the last one too", () => {
      const { path, whole, end } = withZeros();
      for (let at = 0; at < end; at++) {
        const flipped = Buffer.from(whole);
        flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
        writeFileSync(path, flipped);
        assert.throws(() => read(folder), LogDamaged, `flipped at ${at}`);
      }
    });

    it("gives back what lies before a record of which some sectors were written", () => {
      const { lastAt, end } = withZeros();
      // The first record is as long as to let a sector end at every place inside of the second.
      for (let split = 1; split < end - lastAt; split++) {
        const here = join(folder, `split-${split}`);
        mkdirSync(here);
        write(here, [batch(1, "x".repeat(512))]);
        const padding = (512 - ((readFileSync(segmentPath(here, 1)).length + split) % 512)) % 512;
        rmSync(segmentPath(here, 1));
        write(here, [batch(1, "x".repeat(512 + padding))]);
        const first = readFileSync(segmentPath(here, 1));
        assert.equal((first.length + split) % 512, 0);
        write(here, [batch(2, "four, the last")]);
        const both = readFileSync(segmentPath(here, 1));
        for (const unwritten of ["front", "back"] as const) {
          const torn = Buffer.concat([both, zeros]);
          if (unwritten === "front") torn.fill(0, first.length, first.length + split);
          else torn.fill(0, first.length + split);
          writeFileSync(segmentPath(here, 1), torn);
          const found = read(here);
          assert.equal(found.entries.length, 1, `${unwritten} of ${split}`);
        }
      }
    });
  });

  it("with any byte of an earlier segment flipped or cut off, refuses", () => {
    write(folder, four, 80);
    const path = segmentPath(folder, 1);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] as number) ^ 0x10;
      writeFileSync(path, flipped);
      assert.throws(() => read(folder), LogDamaged, `flipped at ${at}`);
      writeFileSync(path, whole.subarray(0, at));
      assert.throws(() => read(folder), LogDamaged, `cut at ${at}`);
    }
    rmSync(path);
    assert.throws(() => read(folder), /is missing/);
  });

  it("takes a last record with a sector that was never written for torn, and one without for damaged", () => {
    const large = "x".repeat(3000);
    write(folder, [batch(1, "one"), batch(2, large)]);
    const path = segmentPath(folder, 1);
    const whole = readFileSync(path);
    const unwritten = Buffer.from(whole);
    unwritten.fill(0, 1024, 1536);
    writeFileSync(path, unwritten);
    const found = read(folder);
    assert.deepEqual(texts(found), ["one"]);
    assert.match(found.notes.join(), /being written when the agent ended/);

    const damaged = Buffer.from(whole);
    damaged.fill(0, 1100, 1500);
    writeFileSync(path, damaged);
    assert.throws(() => read(folder), LogDamaged);
  });

  it("gives back exactly what was appended, whatever it was", () => {
    const data = fc.array(fc.uint8Array({ maxLength: 2000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(data, fc.integer({ min: 64, max: 4000 }), (all, segmentBytes) => {
        const here = mkdtempSync(join(folder, "any-"));
        const batches = all.map((bytes, at) => ({ ...batch(at + 1, ""), entries: [entry(at + 1, bytes)] }));
        write(here, batches, segmentBytes);
        const { entries } = read(here);
        assert.deepEqual(
          entries.map((one) => Buffer.from(one.data)),
          all.map((bytes) => Buffer.from(bytes)),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("leaves other files of the folder alone", () => {
    write(folder, four);
    copyFileSync(segmentPath(folder, 1), join(folder, "copy.seg.bak"));
    assert.deepEqual(texts(read(folder)), words);
  });
});

function entry(index: number, data: Uint8Array): LogBatch["entries"][number] {
  return { index, term: 1, kind: EntryKind.command, timeMs: 1000 + index, data };
}

/** Where each record of a segment ends, told by the lengths alone. */
function recordEnds(segment: Buffer): number[] {
  const ends: number[] = [];
  for (let at = 32; at < segment.length; ) {
    at += 20 + segment.readUInt32LE(at);
    ends.push(at);
  }
  return ends;
}
