import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { RecordingDamaged, sealBlock, signature } from "../../../server/agent/recording/blocks.ts";
import { encodeHeader, type RecordingHeader } from "../../../server/agent/recording/header.ts";
import { RecordWriter } from "../../../server/agent/recording/records.ts";
import { RecordedSegment } from "../../../server/agent/recording/segment.ts";
import { TIMING as timing } from "../cluster.ts";

const HEADER: RecordingHeader = {
  config: {
    swarm: "s",
    id: "a1",
    incarnation: 3,
    roster: ["a1", "a2"],
    voters: ["a1", "a2"],
    links: [{ a: "a1", b: "a2" }],
    timing,
    slots: 1,
    taskLeaseMs: 1000,
    snapshotEveryEntries: 1000,
    snapshotEveryBytes: 1000,
    seed: "s/a1.3",
  },
  segment: 0,
  now: 1_735_689_600_000,
  base: {
    type: "life",
    recovered: {
      hardState: { term: 2, votedFor: "a2", commit: 1 },
      entries: [{ index: 1, term: 1, kind: 1, timeMs: 7, data: Uint8Array.of(1, 2, 3) }],
    },
  },
};

function segment(blocks: number): Uint8Array {
  const parts = [signature(), sealBlock(encodeHeader(HEADER))];
  for (let block = 0; block < blocks; block++) {
    const writer = new RecordWriter();
    for (let count = 0; count < 5; count++) writer.write({ type: "turn", now: HEADER.now + block * 10 + count });
    parts.push(writer.take());
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function inputs(bytes: Uint8Array): number {
  const read = RecordedSegment.read(bytes);
  return read === undefined ? -1 : [...read.records()].length;
}

describe("a recording's segment", () => {
  it("gives back its header and its records", () => {
    const read = RecordedSegment.read(segment(3)) as RecordedSegment;
    deepEqual(read.header, HEADER);
    equal([...read.records()].length, 15);
    equal(read.tornBytes, 0);
  });

  it("keeps every whole block, and says how much is torn, wherever its writer was killed", () => {
    const whole = segment(3);
    let most = -1;
    for (let length = 0; length <= whole.length; length++) {
      const read = RecordedSegment.read(whole.subarray(0, length));
      const found = read === undefined ? -1 : [...read.records()].length;
      ok(found >= most, "more bytes never tell less");
      most = found;
      if (read !== undefined && length < whole.length) ok(read.tornBytes < length);
    }
    equal(most, 15);
  });

  it("takes zeros at the end for what a disk had not got when the power went", () => {
    const torn = new Uint8Array(segment(2).length + 3000);
    torn.set(segment(2));
    equal(inputs(torn), 10);
    equal(RecordedSegment.read(torn)?.tornBytes, 3000);
  });

  it("refuses a flipped bit, wherever it is, and names the offset of what it damaged", () => {
    const whole = segment(3);
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const flipped = whole.slice();
        flipped[at] = (flipped[at] as number) ^ (1 << bit);
        throws(
          () => inputs(flipped),
          (error: unknown) =>
            error instanceof RecordingDamaged && error.offset <= at && /^offset \d+: /.test(error.message),
        );
      }),
      { numRuns: 400 },
    );
  });

  it("refuses another version and says which", () => {
    const other = segment(1);
    other[8] = 9;
    throws(() => RecordedSegment.read(other), /version 9; this program reads version 1/);
  });

  it("refuses a file of another kind", () => {
    throws(
      () => RecordedSegment.read(Uint8Array.from("agents: 5\n", (letter) => letter.charCodeAt(0))),
      /no recording/,
    );
  });

  it("refuses a block whose checksum holds and that makes no sense", () => {
    const bytes = [...signature(), ...sealBlock(Uint8Array.of(0)), ...sealBlock(Uint8Array.of(250))];
    throws(() => RecordedSegment.read(Uint8Array.from(bytes)), RecordingDamaged);
  });
});
