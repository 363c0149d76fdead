import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { BLOCK_HEAD_BYTES } from "../../../server/agent/recording/blocks.ts";
import { type RecordingRecord, RecordWriter, readRecords } from "../../../server/agent/recording/records.ts";
import { MalformedBytes } from "../../../server/core/bytes.ts";

/** Of plain objects, as decoding gives them. */
function record<T extends Readonly<Record<string, unknown>>>(
  model: { [K in keyof T]: fc.Arbitrary<T[K]> },
): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as unknown as fc.Arbitrary<T>;
}

const id = fc.string({ minLength: 1, maxLength: 8 });
const bytes = fc.uint8Array({ maxLength: 64 });
const hash = fc.stringMatching(/^[0-9a-f]{16}$/);
const now = fc.oneof(
  // As the live and the simulated clock show it, and any other number that is a time.
  fc.integer({ min: 0, max: 4096 * 3_600_000 }).map((steps) => 1_735_689_600_000 + steps / 4096),
  fc.double({ min: 0, max: 1e15, noNaN: true }).map(Math.abs),
);
const plain = fc.anything({
  key: fc.string(),
  values: [fc.string(), fc.double(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant(undefined), bytes],
  maxDepth: 4,
});
const fields = fc.dictionary(id, plain, { noNullPrototype: true });
const entry = record({
  index: fc.nat(),
  term: fc.nat(),
  kind: fc.constant(1 as const),
  timeMs: fc.nat(),
  data: bytes,
});
/** As clients send them, and with anything else in their fields. */
const request = fc.oneof(
  record({
    op: fc.constantFrom("put", "compareAndSet"),
    namespace: id,
    key: id,
    value: bytes,
    id: fc.nat(),
    session: id,
  }),
  record({
    op: fc.constant("put"),
    key: fc.oneof(id, fc.double(), fc.constant(null)),
    sequence: fc.double(),
    id: fc.nat(),
  }),
  record({
    op: fc.constant("outcome"),
    of: fc.constantFrom("put", "cancelTask"),
    taskId: id,
    id: fc.nat(),
    session: id,
    sequence: fc.nat(),
  }),
  fields,
);
const anyRecord = fc.oneof(
  record({ type: fc.constantFrom("start", "alarm", "turn", "leave", "report"), now }),
  record({ type: fc.constantFrom("linkUp", "linkDown"), peer: id, now }),
  record({ type: fc.constant("receive" as const), peer: id, frame: bytes, now }),
  record({ type: fc.constant("requests" as const), connection: fc.nat(), requests: fc.array(request), now }),
  record({ type: fc.constant("clientGone" as const), connection: fc.nat() }),
  record({ type: fc.constant("durable" as const), place: fc.nat() }),
  record({
    type: fc.constant("taskEnded" as const),
    end: record({ taskId: id, token: fc.nat(), outcome: fields }),
    now,
  }),
  record({ type: fc.constant("measured" as const), measurement: fields, now }),
  record({
    type: fc.constant("rosterChanged" as const),
    roster: fc.array(id),
    links: fc.array(record({ a: id, b: id })),
    now,
  }),
  record({ type: fc.constant("check" as const), now, applied: fc.nat(), machine: hash, raft: hash, outputs: hash }),
  record({
    type: fc.constantFrom("appended" as const, "remembered" as const),
    batch: record({ entries: fc.array(entry) }),
  }),
  record({ type: fc.constant("stood" as const), applied: fc.nat(), raft: fields }),
  record({
    type: fc.constant("answers" as const),
    answers: fc.array(fc.oneof({ weight: 3, arbitrary: fc.boolean() }, bytes), { maxLength: 40 }),
  }),
) as fc.Arbitrary<RecordingRecord>;

function contentOf(block: Uint8Array): Uint8Array {
  return block.subarray(BLOCK_HEAD_BYTES);
}

function written(records: readonly RecordingRecord[]): Uint8Array {
  const writer = new RecordWriter();
  for (const one of records) writer.write(one);
  return contentOf(writer.take());
}

describe("records of a recording", () => {
  it("come back as they were written, whatever they hold", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 12 }), (records) =>
        deepEqual(readRecords(written(records)), records),
      ),
    );
  });

  it("come back from every block by itself", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 6 }), fc.array(anyRecord, { maxLength: 6 }), (first, second) => {
        const writer = new RecordWriter();
        for (const one of first) writer.write(one);
        writer.take();
        for (const one of second) writer.write(one);
        deepEqual(readRecords(contentOf(writer.take())), second);
      }),
    );
  });

  it("are malformed at worst, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        try {
          readRecords(noise);
        } catch (error) {
          ok(error instanceof MalformedBytes, String(error));
        }
      }),
    );
  });

  it("refuse values nested without end", () => {
    throws(
      () => readRecords(Uint8Array.of(7, 1, 1, ...Array.from({ length: 100 }, () => [8, 1]).flat())),
      MalformedBytes,
    );
  });

  it("take four bytes for a verdict, and a bit for each further one", () => {
    const sizeOf = (count: number): number =>
      written([{ type: "answers", answers: Array.from({ length: count }, (_, at) => at % 3 === 0) }]).length;
    deepEqual([1, 8, 9, 80].map(sizeOf), [4, 4, 5, 13]);
  });

  it("write what is no plain value as null", () => {
    const requests = [{ op: "put", id: 1, value: new Date(0), key: () => 1, namespace: 5n }] as never;
    const [back] = readRecords(written([{ type: "requests", connection: 1, requests, now: 1 }]));
    deepEqual(back, {
      type: "requests",
      connection: 1,
      requests: [{ op: "put", id: 1, value: null, key: null, namespace: null }],
      now: 1,
    });
  });

  it("take a byte for an input of the same moment, and few for one a little later", () => {
    const at = 1_735_689_600_000.25;
    const one = written([{ type: "turn", now: at }]).length;
    equal(
      written([
        { type: "turn", now: at },
        { type: "alarm", now: at },
      ]).length,
      one + 1,
    );
    const later = written([
      { type: "turn", now: at },
      { type: "turn", now: at + 0.5 },
    ]);
    ok(later.length <= one + 3, `${later.length - one} bytes`);
  });
});
