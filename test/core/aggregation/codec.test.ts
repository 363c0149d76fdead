import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { AggregateCodec } from "../../../server/core/aggregation/codec.ts";
import { MAX_PARTICIPANTS } from "../../../server/core/aggregation/limits.ts";
import { noPlaces, type PlaceSet, withPlace } from "../../../server/core/aggregation/place-set.ts";
import { type AggregateMessage, EMPTY, type Interval } from "../../../server/core/aggregation/types.ts";
import { MalformedBytes } from "../../../server/core/bytes.ts";
import { assertOnlyMalformed, assertRoundTrips } from "../codec-properties.ts";

const codec = new AggregateCodec();

const interval: fc.Arbitrary<Interval> = fc.oneof(
  fc.constant(EMPTY),
  fc
    .tuple(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.double({ min: 0, max: 1e9, noNaN: true }))
    .map(([lo, width]) => ({ lo, hi: lo + width })),
);
const count = fc.integer({ min: 1, max: 2 ** 48 });
const phase = fc.integer({ min: 0, max: 2 ** 16 });

const messages: fc.Arbitrary<AggregateMessage> = fc
  .uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 20 })
  .chain((places) => {
    const participants = places.sort((a, b) => a - b).map((place) => ({ place, incarnation: place + 1 }));
    const set: fc.Arbitrary<PlaceSet> = fc
      .subarray(participants.map((_, at) => at))
      .map((held) => held.reduce(withPlace, noPlaces(places.length)));
    const initiator = participants[0] as { place: number; incarnation: number };
    const weight = fc.double({ min: 1e-9, max: places.length, noNaN: true });
    return fc.record(
      {
        start: count.map((number) => ({
          id: { initiator: initiator.place, incarnation: initiator.incarnation, number },
          metric: "rssBytes",
          participants,
        })),
        incarnation: count,
        asks: fc.boolean(),
        done: fc.boolean(),
        gone: set,
        phase,
        heard: set,
        hull: interval,
        valued: set,
        extremes: interval,
        bound: interval,
        parcel: fc.record({ seq: count, sum: fc.double({ min: -1e3, max: 1e3, noNaN: true }), weight }),
        ack: fc.record({ seq: count, phase }),
      },
      {
        requiredKeys: [
          "start",
          "incarnation",
          "asks",
          "done",
          "gone",
          "phase",
          "heard",
          "hull",
          "valued",
          "extremes",
          "bound",
        ],
      },
    );
  });

const one: AggregateMessage = {
  start: {
    id: { initiator: 2, incarnation: 1, number: 1 },
    metric: "slots",
    participants: [
      { place: 0, incarnation: 1 },
      { place: 2, incarnation: 1 },
    ],
  },
  incarnation: 1,
  asks: true,
  done: false,
  gone: noPlaces(2),
  phase: 0,
  heard: withPlace(noPlaces(2), 1),
  hull: { lo: 4, hi: 4 },
  valued: withPlace(noPlaces(2), 1),
  extremes: { lo: 4, hi: 4 },
  bound: EMPTY,
  parcel: { seq: 1, sum: 2, weight: 0.5 },
};

describe("messages of aggregates as bytes", () => {
  it("are read as they were written", () => {
    assertRoundTrips<AggregateMessage | undefined>(
      { encode: (message) => codec.encode(message as AggregateMessage), decode: (bytes) => codec.decode(bytes) },
      messages,
    );
  });

  it("are messages, or malformed, whatever they hold", () => {
    assertOnlyMalformed<AggregateMessage | undefined>(
      { encode: (message) => codec.encode(message as AggregateMessage), decode: (bytes) => codec.decode(bytes) },
      messages,
    );
  });

  it("of a later version are passed over", () => {
    const bytes = codec.encode(one);
    bytes[0] = 2;
    equal(codec.decode(bytes), undefined);
    deepEqual(codec.decode(codec.encode(one)), one);
  });

  const refused: readonly (readonly [why: string, message: AggregateMessage])[] = [
    ["a mass without weight", { ...one, parcel: { seq: 1, sum: 2, weight: 0 } }],
    ["a mass of more than all", { ...one, parcel: { seq: 1, sum: 2, weight: 3 } }],
    ["a mass that is no number", { ...one, parcel: { seq: 1, sum: Number.NaN, weight: 1 } }],
    ["an interval that ends before it begins", { ...one, hull: { lo: 2, hi: 1 } }],
    ["an interval without an end", { ...one, hull: { lo: 2, hi: Number.POSITIVE_INFINITY } }],
    ["a set of more than take part", { ...one, gone: Uint8Array.of(4) }],
    ["an aggregate of nothing", { ...one, start: { ...one.start, metric: "" } }],
    ["an aggregate without its initiator", { ...one, start: { ...one.start, id: { ...one.start.id, initiator: 1 } } }],
    ["a number 0", { ...one, start: { ...one.start, id: { ...one.start.id, number: 0 } } }],
    ["a life 0", { ...one, incarnation: 0 }],
  ];
  for (const [why, message] of refused)
    it(`refuse ${why}`, () => {
      throws(() => codec.decode(codec.encode(message)), MalformedBytes);
    });

  it("have at most so many participants", () => {
    const over = (many: number): AggregateMessage => {
      const participants = Array.from({ length: many }, (_, place) => ({ place, incarnation: 1 }));
      const [gone, heard, valued] = [noPlaces(many), noPlaces(many), noPlaces(many)];
      return { ...one, start: { ...one.start, participants }, gone, heard, valued };
    };
    equal(codec.decode(codec.encode(over(MAX_PARTICIPANTS)))?.start.participants.length, MAX_PARTICIPANTS);
    throws(() => codec.decode(codec.encode(over(MAX_PARTICIPANTS + 1))), MalformedBytes);
  });
});
