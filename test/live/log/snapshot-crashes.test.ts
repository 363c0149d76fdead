import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { realDisk } from "../../../server/live/log/file-log.ts";
import { eventually } from "../waiting.ts";
import { copied, LogSubject, reopened, watchedDisk } from "./log-subject.ts";

const SEGMENT_BYTES = 400;

/** The folder as a crash left it, and what must be there. */
interface Crash {
  readonly step: string;
  readonly folder: string;
  /** Had been said to be durable. */
  readonly acknowledged: readonly string[];
  /** Had been appended, before and after a snapshot of the leader took the log's place. */
  readonly appended: readonly (readonly string[])[];
  /** The last segment and its length before the record that was being written. */
  readonly segment: string | undefined;
  readonly settledBytes: number;
}

describe("the log after a crash at any step of a snapshot", function () {
  this.timeout(60_000);
  let root: string;
  const crashes: Crash[] = [];

  // One life in which everything happens once, with a copy of the folder before every step.
  before(async () => {
    root = mkdtempSync(join(tmpdir(), "agent-mesh-log-"));
    const folder = join(root, "log");
    mkdirSync(folder);
    let acknowledged: string[] = [];
    let earlier: string[] = [];
    let settled = new Map<string, number>();
    const sizes = (): Map<string, number> =>
      new Map(segmentsOf(folder).map((name) => [name, recordsEnd(readFileSync(join(folder, name)))]));
    const crash = (step: string): void => {
      const segment = segmentsOf(folder).at(-1);
      crashes.push({
        step,
        folder: copied(folder, "crash"),
        acknowledged: [...acknowledged],
        appended: [[...subject.texts], earlier],
        segment,
        settledBytes: segment === undefined ? 0 : (settled.get(segment) ?? 32),
      });
    };
    const subject = new LogSubject(folder, {
      segmentBytes: SEGMENT_BYTES,
      snapshotDisk: watchedDisk((step) => crash(`the snapshot's ${step}`)),
      disk: {
        ...realDisk,
        syncInPlace: (file) => {
          crash("a record's sync");
          realDisk.syncInPlace(file);
          settled = sizes();
        },
      },
    });
    const write = (count: number): void => {
      for (let more = 0; more < count; more++) {
        subject.append(`entry ${subject.texts.length + 1}`);
        acknowledged = subject.texts.slice(0, subject.acknowledged);
      }
    };
    const counts = (index: number): Promise<boolean> =>
      eventually(`snapshot ${index} counts`, () => reopened(copied(folder, "look")).snapshot?.index === index);
    write(20);
    subject.compact(18);
    write(2);
    await counts(18);
    write(10);
    subject.compact(30);
    await counts(30);
    write(3);
    earlier = [...subject.texts];
    subject.install(Array.from({ length: 60 }, (_, at) => `theirs ${at + 1}`));
    await counts(60);
    acknowledged = [...subject.texts];
    write(10);
    subject.log.close();
  });
  after(() => rmSync(root, { recursive: true }));

  const check = (crash: Crash, folder: string, how: string): void => {
    const { state } = reopened(folder);
    const what = `${crash.step}, ${how}`;
    assert.ok(
      crash.appended.some((texts) => isPrefix(state, texts)),
      `${what}: what is there was appended so: ${state.at(-1)}`,
    );
    const kept = crash.appended.some((texts) => isPrefix(state, texts) && isPrefix(crash.acknowledged, texts));
    assert.ok(!kept || state.length >= crash.acknowledged.length, `${what}: nothing that was acknowledged is lost`);
    // And it goes on from there.
    const subject = new LogSubject(folder, { segmentBytes: SEGMENT_BYTES });
    subject.append("afterwards");
    subject.log.close();
    assert.deepEqual(reopened(folder).state, [...state, "afterwards"], what);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith(".new")),
      [],
      what,
    );
  };

  it("meets every step", () => {
    const steps = new Set(crashes.map(({ step }) => step));
    assert.deepEqual([...steps].sort(), [
      "a record's sync",
      "the snapshot's close",
      "the snapshot's create",
      "the snapshot's rename",
      "the snapshot's sync",
      "the snapshot's syncFolder",
      "the snapshot's write",
    ]);
    assert.ok(crashes.length > 60, `${crashes.length} crashes`);
  });

  it("has all that was acknowledged, and goes on", () => {
    for (const crash of crashes) check(crash, copied(crash.folder, "as-is"), "as it is");
  });

  it("has it with a snapshot's file cut short at any of its bytes", () => {
    for (const crash of crashes) {
      const unfinished = readdirSync(crash.folder).find((name) => name.endsWith(".new"));
      if (unfinished === undefined) continue;
      const { length } = readFileSync(join(crash.folder, unfinished));
      for (let cut = 0; cut < length; cut += 37) {
        const folder = copied(crash.folder, "cut");
        truncateSync(join(folder, unfinished), cut);
        check(crash, folder, `${unfinished} cut at ${cut}`);
      }
    }
  });

  it("has it when a name that was not synced is lost", () => {
    let lost = 0;
    for (const crash of crashes) {
      if (crash.step !== "the snapshot's syncFolder") continue;
      const folder = copied(crash.folder, "renamed");
      const newest = readdirSync(folder)
        .filter((name) => name.endsWith(".snap"))
        .sort()
        .at(-1);
      assert.ok(newest !== undefined);
      renameSync(join(folder, newest), join(folder, `${newest}.new`));
      check(crash, folder, `${newest} not renamed`);
      lost++;
    }
    assert.equal(lost, 3);
  });

  it("has it with the record that was being written cut short at any of its bytes", () => {
    for (const crash of crashes) {
      if (crash.segment === undefined || crash.step !== "a record's sync") continue;
      const end = recordsEnd(readFileSync(join(crash.folder, crash.segment)));
      for (let cut = crash.settledBytes; cut < end; cut += 11) {
        const folder = copied(crash.folder, "torn");
        truncateSync(join(folder, crash.segment), cut);
        check(crash, folder, `${crash.segment} cut at ${cut}`);
      }
    }
  });
});

function isPrefix(part: readonly string[], whole: readonly string[]): boolean {
  return part.length <= whole.length && part.every((text, at) => text === whole[at]);
}

function segmentsOf(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".seg"))
    .sort();
}

/** Where the records of a segment end: zeros follow. */
function recordsEnd(segment: Buffer): number {
  let at = 32;
  while (at + 20 <= segment.length && segment.readUInt32LE(at) > 0) at += 20 + segment.readUInt32LE(at);
  return at;
}
