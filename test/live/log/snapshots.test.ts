import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, it } from "mocha";
import { LogDamaged } from "../../../server/live/log/recovery.ts";
import { realSnapshotDisk, snapshotPath } from "../../../server/live/log/snapshot-file.ts";
import { eventually } from "../waiting.ts";
import { CONFIGURATION, copied, LogSubject, reopened, watchedDisk } from "./log-subject.ts";

const SEGMENT_BYTES = 400;

describe("the log's snapshots", function () {
  this.timeout(60_000);
  let root: string;
  let folder: string;
  let subject: LogSubject;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "agent-mesh-log-"));
    folder = join(root, "log");
    mkdirSync(folder);
  });
  afterEach(() => {
    subject?.log.close();
    rmSync(root, { recursive: true });
  });

  const names = (): string[] => readdirSync(folder).sort();
  const snapshots = (): string[] => names().filter((name) => name.endsWith(".snap"));
  const write = (count: number): void => {
    for (let more = 0; more < count; more++) subject.append(`entry ${subject.texts.length + 1}`);
  };
  const counts = (index: number): Promise<boolean> =>
    eventually(`snapshot ${index} counts`, () => reopened(copied(folder, "counts")).snapshot?.index === index);
  const compactTo = async (index: number): Promise<void> => {
    subject.compact(index);
    await counts(index);
  };
  const again = (): LogSubject => {
    subject.log.close();
    subject = new LogSubject(folder, { segmentBytes: SEGMENT_BYTES });
    return subject;
  };

  it("stands for the entries before it: they go, and a start gives back the snapshot and the entries behind it", async () => {
    subject = new LogSubject(folder, { segmentBytes: SEGMENT_BYTES });
    write(60);
    const bytes = subject.log.bytes;
    await compactTo(50);
    assert.ok(subject.log.bytes < bytes, `${subject.log.bytes} after ${bytes}`);
    assert.ok(!names().includes("00000001.seg"));
    write(5);
    const { texts } = subject;
    const { recovered, notes } = again();
    assert.equal(recovered.snapshot?.index, 50);
    assert.deepEqual(recovered.snapshot?.configuration, CONFIGURATION);
    assert.equal(recovered.entries[0]?.index, 51);
    assert.deepEqual(subject.texts, texts);
    assert.deepEqual(recovered.hardState, { term: 1, votedFor: "a1", commit: 64 });
    assert.deepEqual(notes, []);
    write(30);
    await compactTo(90);
    assert.deepEqual(again().texts, [...texts, ...subject.texts.slice(65)]);
    assert.equal(subject.recovered.snapshot?.index, 90);
  });

  it("keeps the last vote when the segment that it was written to goes", async () => {
    subject = new LogSubject(folder, { segmentBytes: SEGMENT_BYTES });
    write(30);
    const last = subject.texts.length;
    subject.log.append({ hardState: { term: 7, votedFor: "a3", commit: last }, entries: [] }, () => {});
    subject.log.flush();
    for (let at = 0; at < 30; at++) subject.log.append({ entries: [] }, () => {});
    for (let at = 0; at < 30; at++) {
      subject.log.append({ entries: [] }, () => {});
      subject.log.flush();
    }
    await compactTo(last);
    assert.deepEqual(again().recovered.hardState, { term: 7, votedFor: "a3", commit: last });
  });

  it("does not hold up what is appended while it is written", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    subject = new LogSubject(folder, { snapshotDisk: watchedDisk((step) => (step === "sync" ? held : undefined)) });
    write(10);
    subject.compact(10);
    write(10);
    assert.equal(subject.acknowledged, 20);
    assert.deepEqual(reopened(copied(folder, "meanwhile")).state, subject.texts);
    release();
    await counts(10);
    assert.equal(again().recovered.snapshot?.index, 10);
  });

  it("writes only the newest of those that wait", async () => {
    const steps: string[] = [];
    subject = new LogSubject(folder, { snapshotDisk: watchedDisk((step) => void steps.push(step)) });
    write(40);
    for (let index = 1; index <= 40; index++) subject.compact(index);
    await counts(40);
    assert.equal(steps.filter((step) => step === "create").length, 2);
    assert.equal(again().recovered.snapshot?.index, 40);
  });

  describe("of the leader, in place of the log", () => {
    const theirs = Array.from({ length: 100 }, (_, at) => `theirs ${at + 1}`);

    it("holds up what follows until it is durable, and nothing from before stays", async () => {
      let release = (): void => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      subject = new LogSubject(folder, {
        segmentBytes: SEGMENT_BYTES,
        snapshotDisk: watchedDisk((step) => (step === "rename" ? held : undefined)),
      });
      write(30);
      subject.install(theirs);
      write(2);
      subject.log.flush();
      assert.equal(subject.acknowledged, 30);
      assert.equal(reopened(copied(folder, "before")).state.length, 30);
      assert.ok(!subject.log.idle);
      release();
      await eventually("all is durable", () => subject.acknowledged === 102);
      const { recovered } = again();
      assert.deepEqual(recovered.hardState, { term: 1, votedFor: "a1", commit: 101 });
      assert.equal(recovered.snapshot?.index, 100);
      assert.deepEqual(subject.texts, [...theirs, "entry 101", "entry 102"]);
    });

    it("takes the place of an own one that is being written", async () => {
      subject = new LogSubject(folder, { segmentBytes: SEGMENT_BYTES });
      write(30);
      subject.compact(20);
      subject.install(theirs);
      await eventually("it counts", () => subject.acknowledged === 100);
      assert.deepEqual(snapshots(), ["00000002.snap"]);
      write(50);
      await compactTo(140);
      assert.deepEqual(again().texts.length, 150);
      assert.equal(subject.recovered.snapshot?.index, 140);
    });

    it("that cannot be written ends the log: nothing after it was durable", async () => {
      const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      subject = new LogSubject(folder, {
        snapshotDisk: watchedDisk((step) => (step === "sync" ? Promise.reject(full) : undefined)),
      });
      write(30);
      subject.install(theirs);
      write(1);
      await eventually("it failed", () => subject.failures.length > 0);
      assert.deepEqual(subject.failures, [full]);
      assert.equal(subject.acknowledged, 30);
      assert.equal(reopened(folder).state.length, 30);
    });
  });

  for (const step of ["create", "write", "sync", "close", "rename", "syncFolder"]) {
    it(`loses nothing when the disk is full at its ${step}, says so, and tries again with the next`, async () => {
      let full = true;
      const fail = (at: string): void => {
        if (full && at === step) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      };
      subject = new LogSubject(folder, { segmentBytes: SEGMENT_BYTES, snapshotDisk: watchedDisk(fail) });
      write(40);
      subject.compact(40);
      await eventually("it is told", () => subject.notes.length > 0);
      assert.match(subject.notes.join(), /no space left on device\. The log is kept whole/);
      assert.deepEqual(
        names().filter((name) => !name.endsWith(".seg")),
        [],
      );
      write(10);
      assert.equal(subject.acknowledged, 50);
      assert.deepEqual(subject.failures, []);
      assert.deepEqual(reopened(copied(folder, "full")).state, subject.texts);
      full = false;
      await compactTo(50);
      assert.equal(again().recovered.snapshot?.index, 50);
      assert.equal(subject.texts.length, 50);
    });
  }

  describe("damaged", () => {
    const flipAt = (path: string, at: number): void => {
      const bytes = readFileSync(path);
      bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
      writeFileSync(path, bytes);
    };

    it("at any byte, refuses and names the file when a part of the log is only in it", async () => {
      subject = new LogSubject(folder, { segmentBytes: SEGMENT_BYTES });
      write(40);
      await compactTo(40);
      subject.log.close();
      const path = snapshotPath(folder, 1);
      const whole = readFileSync(path);
      const segments = names().filter((name) => name.endsWith(".seg"));
      const before = segments.map((name) => readFileSync(join(folder, name)));
      for (let at = 0; at < whole.length; at++) {
        flipAt(path, at);
        assert.throws(
          () => reopened(folder),
          (error: Error) => error instanceof LogDamaged && error.message.includes(path),
          `flipped at ${at}`,
        );
        writeFileSync(path, whole.subarray(0, at));
        assert.throws(() => reopened(folder), LogDamaged, `cut at ${at}`);
        writeFileSync(path, whole);
      }
      rmSync(path);
      assert.throws(() => reopened(folder), /00000001\.snap: it is missing, and there is no older snapshot/);
      assert.deepEqual(
        segments.map((name) => readFileSync(join(folder, name))),
        before,
      );
    });

    it("is done without, with a note, while the whole log is there", async () => {
      subject = new LogSubject(folder);
      write(40);
      await compactTo(40);
      write(3);
      subject.log.close();
      flipAt(snapshotPath(folder, 1), 60);
      const found = reopened(folder);
      assert.equal(found.snapshot, undefined);
      assert.deepEqual(found.state, subject.texts);
      assert.match(found.notes.join(), /00000001\.snap is damaged .* was not used/);
      subject = new LogSubject(folder);
      write(10);
      await compactTo(50);
      assert.deepEqual(again().texts.length, 53);
      assert.equal(subject.recovered.snapshot?.index, 50);
    });

    it("is done without while an older one and all of the log behind that are there", async () => {
      let copy = "";
      let copies = 0;
      // As it is when the second one counts and nothing is removed yet.
      const before = (step: string): void => {
        if (step === "syncFolder" && ++copies === 2) copy = copied(folder, "both");
      };
      subject = new LogSubject(folder, { segmentBytes: SEGMENT_BYTES, snapshotDisk: watchedDisk(before) });
      write(40);
      await compactTo(40);
      write(40);
      await compactTo(70);
      subject.log.close();
      for (const name of names()) {
        if (name.endsWith(".seg")) writeFileSync(join(copy, name), readFileSync(join(folder, name)));
      }
      assert.equal(reopened(copied(copy, "whole")).snapshot?.index, 70);
      flipAt(snapshotPath(copy, 2), 60);
      const found = reopened(copy);
      assert.equal(found.snapshot?.index, 40);
      assert.deepEqual(found.state, subject.texts);
      assert.match(found.notes.join(), /00000002\.snap is damaged/);
    });

    it("refuses when a segment behind it is missing, and names that", async () => {
      subject = new LogSubject(folder, { segmentBytes: SEGMENT_BYTES });
      write(40);
      await compactTo(20);
      write(20);
      subject.log.close();
      const segments = names().filter((name) => name.endsWith(".seg"));
      for (const missing of segments.slice(0, -1)) {
        const copy = copied(folder, "missing");
        rmSync(join(copy, missing));
        assert.throws(() => reopened(copy), LogDamaged, missing);
      }
    });

    it("or not: any bit flipped anywhere either refuses or changes nothing of what is given back", async () => {
      subject = new LogSubject(folder, { segmentBytes: SEGMENT_BYTES });
      write(40);
      await compactTo(30);
      write(10);
      subject.log.close();
      const state = [...subject.texts];
      const files = names().map((name) => ({ path: join(folder, name), whole: readFileSync(join(folder, name)) }));
      const outcomes = { refused: 0, same: 0 };
      fc.assert(
        fc.property(fc.nat(files.length - 1), fc.nat(), fc.nat(7), (which, at, bit) => {
          const { path, whole } = files[which] as (typeof files)[number];
          const flipped = Buffer.from(whole);
          flipped[at % whole.length] = (flipped[at % whole.length] as number) ^ (1 << bit);
          writeFileSync(path, flipped);
          try {
            assert.deepEqual(reopened(folder).state, state);
            outcomes.same++;
          } catch (error) {
            if (!(error instanceof LogDamaged)) throw error;
            outcomes.refused++;
          } finally {
            for (const name of names()) rmSync(join(folder, name));
            for (const file of files) writeFileSync(file.path, file.whole);
          }
        }),
        { numRuns: 300 },
      );
      assert.ok(outcomes.refused > 0, JSON.stringify(outcomes));
    });

    it("or made of nonsense never gives back another state", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          const here = copied(folder, "nonsense");
          const writer = new LogSubject(here, { segmentBytes: SEGMENT_BYTES });
          for (let index = 1; index <= 10; index++) writer.append(`entry ${index}`);
          writer.log.close();
          // Not referred to: it does not count, whatever it holds.
          writeFileSync(snapshotPath(here, 1), bytes);
          writeFileSync(`${snapshotPath(here, 2)}.new`, bytes);
          const found = reopened(here);
          assert.deepEqual(found.state, writer.texts);
          assert.deepEqual(
            readdirSync(here).filter((name) => !name.endsWith(".seg")),
            [],
          );
        }),
        { numRuns: 40 },
      );
    });
  });

  it("gives back what is durable after any script of writes, replacements, snapshots and starts", async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant("write" as const), count: fc.integer({ min: 1, max: 9 }) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("compact" as const), back: fc.nat(12) }) },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant("install" as const), more: fc.integer({ min: 1, max: 20 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant("replace" as const), back: fc.integer({ min: 1, max: 6 }) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("start" as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (script) => {
        folder = mkdtempSync(join(root, "any-"));
        let writing = 0;
        const snapshotDisk = {
          ...realSnapshotDisk,
          create: (path: string) => {
            writing++;
            return realSnapshotDisk.create(path);
          },
          syncFolder: (path: string) => realSnapshotDisk.syncFolder(path).finally(() => writing--),
        };
        const open = (): LogSubject => new LogSubject(folder, { segmentBytes: SEGMENT_BYTES, snapshotDisk });
        const startAgain = async (): Promise<void> => {
          // Not `acknowledged`: what was replaced before it was durable counts there, too.
          await eventually("all is durable", () => subject.waiting === 0);
          const { texts } = subject;
          subject.log.close();
          // A process that has ended writes nothing any more.
          await eventually("nothing is written", () => writing === 0);
          subject = open();
          assert.deepEqual(subject.texts, texts);
        };
        subject = open();
        let compacted = 0;
        for (const one of script) {
          const last = subject.texts.length;
          if (one.do === "write") write(one.count);
          else if (one.do === "compact" && last - one.back > compacted) {
            compacted = last - one.back;
            subject.compact(compacted);
          } else if (one.do === "install") {
            compacted = last + one.more;
            subject.install(Array.from({ length: compacted }, (_, at) => `theirs ${at + 1}`));
          } else if (one.do === "replace" && last - one.back >= compacted && last > compacted) {
            subject.texts.length = last - one.back;
            subject.acknowledged = subject.texts.length;
            subject.append(`instead ${last}`);
          } else if (one.do === "start") {
            await startAgain();
          }
        }
        await startAgain();
        subject.log.close();
      }),
      {
        numRuns: 60,
        // What is replaced while it waits for the leader's snapshot.
        examples: [
          [
            [
              { do: "install", more: 1 },
              { do: "write", count: 2 },
              { do: "replace", back: 2 },
              { do: "compact", back: 0 },
            ],
          ],
        ],
      },
    );
  });

  it("of a state that is written in many pieces is given back whole", async () => {
    subject = new LogSubject(folder);
    const large = [...Array(50)].map((_, at) => `${at} `.repeat(30_000));
    subject.install(large);
    await eventually("it counts", () => subject.acknowledged === large.length);
    assert.ok(subject.log.bytes > 3_000_000);
    assert.deepEqual(again().texts, large);
  });
});
