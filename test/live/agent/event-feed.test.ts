import assert from "node:assert/strict";
import { decode } from "@msgpack/msgpack";
import { describe, it } from "mocha";
import type { AgentFrame } from "../../../server/contract/client.ts";
import type { TimelineEvent } from "../../../server/contract/timeline.ts";
import { eventFrames } from "../../../server/live/agent/client-frames.ts";
import { EventFeed } from "../../../server/live/agent/event-feed.ts";

function event(number: number): TimelineEvent {
  return { id: `a1.1:${number}`, agent: "a1", hlc: { wallMs: number + 0.5, counter: 0 }, kind: "linkUp", fields: {} };
}

/** The event numbers that frames bring, and how many they say were lost. */
function read(feed: EventFeed, place: number): { readonly numbers: number[]; readonly lost: number } {
  const numbers: number[] = [];
  let lost = 0;
  for (const frame of eventFrames(feed.readFrom(place)))
    for (const push of decode(frame) as AgentFrame) {
      assert.ok("push" in push && push.push === "events");
      lost += push.lost;
      for (const one of push.events) numbers.push(Number(one.id.split(":")[1]));
    }
  return { numbers, lost };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

describe("an agent's event feed", () => {
  it("gives every reader everything from its place on, in order, whatever the others read", () => {
    const feed = new EventFeed();
    for (const number of range(0, 700)) feed.add(event(number));
    assert.deepEqual(read(feed, 0), { numbers: range(0, 700), lost: 0 });
    for (const place of [1, 255, 256, 300, 699]) assert.deepEqual(read(feed, place).numbers, range(place, 700));
    assert.deepEqual(read(feed, feed.next), { numbers: [], lost: 0 });
    feed.add(event(700));
    assert.deepEqual(read(feed, 700).numbers, [700]);
  });

  it("gives events as they were added", () => {
    const feed = new EventFeed();
    feed.add({ ...event(1), cause: "a2.1:7", fields: { peer: "a2", up: true, list: ["x"] } });
    const [frame] = eventFrames(feed.readFrom(0));
    const [push] = decode(frame as Uint8Array) as AgentFrame;
    assert.deepEqual(push, {
      push: "events",
      lost: 0,
      events: [{ ...event(1), cause: "a2.1:7", fields: { peer: "a2", up: true, list: ["x"] } }],
    });
  });

  it("drops the oldest when it is full, and says how many a reader missed", () => {
    const feed = new EventFeed({ events: 1_000, bytes: 1_000_000, recent: 10 });
    for (const number of range(0, 5_000)) feed.add(event(number));
    const { numbers, lost } = read(feed, 100);
    assert.ok(numbers.length > 700 && numbers.length <= 1_000 + 256, String(numbers.length));
    assert.equal(numbers.at(-1), 4_999);
    assert.equal(lost, 5_000 - numbers.length - 100);
    const small = new EventFeed({ events: 1_000_000, bytes: 20_000, recent: 10 });
    for (const number of range(0, 5_000)) small.add(event(number));
    assert.ok(read(small, 0).numbers.length < 20_000 / 30);
  });

  it("keeps little of what all readers have read, and all that one has not", () => {
    const feed = new EventFeed({ events: 10_000, bytes: 10_000_000, recent: 300 });
    for (const number of range(0, 4_000)) feed.add(event(number));
    feed.readUpTo(1_000);
    assert.deepEqual(read(feed, 1_000), { numbers: range(1_000, 4_000), lost: 0 });
    feed.readUpTo(4_000);
    const kept = read(feed, feed.placeOf(4_000)).numbers;
    assert.ok(kept.length >= 300 && kept.length <= 300 + 256, String(kept.length));
  });
});
