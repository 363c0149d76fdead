import assert from "node:assert/strict";
import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MAX_REQUESTS, readRequests } from "../../../server/live/agent/client-requests.ts";

const cut = { on: "link", from: "a1", to: "a2", toxic: { toxic: "loss", share: 1 } };
const held = { id: "f1/0", effect: cut, untilMs: null };

describe("what clients ask", () => {
  it("is split into what the agent answers and what its world answers", () => {
    const put = { id: 1, op: "put", namespace: "n", key: "k", value: Uint8Array.of(1) };
    const observe = { id: 2, op: "observe", recent: 5, reportEveryMs: 100, owner: true };
    const rules = { id: 3, op: "setEffects", effects: [held] };
    const entry = { id: "a1", port: 4001, publicKey: "key" };
    const roster = { id: 4, op: "setRoster", roster: [entry], links: [{ a: "a1", b: "a2" }] };
    const reports = [
      { id: 5, op: "report" },
      { id: 6, op: "report", state: true },
      { id: 7, op: "report", state: null },
    ];
    assert.deepEqual(
      readRequests(encode(reports)).map((read) => read.kind === "world" && read.request),
      [false, true, false].map((state, at) => ({ id: 5 + at, op: "report", state })),
    );
    assert.deepEqual(readRequests(encode([put, observe, rules, roster])), [
      { kind: "agent", request: put },
      { kind: "world", request: observe },
      { kind: "world", request: rules },
      { kind: "world", request: roster },
    ]);
  });

  it("may leave fields of a proposal out as nil", () => {
    const nil = { id: 1, op: "propose", proposal: { subject: "s", body: "1", voters: null, threshold: null } };
    assert.deepEqual(readRequests(encode([nil])), [
      { kind: "agent", request: { id: 1, op: "propose", proposal: { subject: "s", body: "1" } } },
    ]);
  });

  it("may leave fields out as nil", () => {
    const nil = { id: 1, op: "submitTask", session: null, task: { command: "x", cwd: null } };
    assert.deepEqual(readRequests(encode([nil])), [
      { kind: "agent", request: { id: 1, op: "submitTask", task: { command: "x" } } },
    ]);
  });

  it("is answered as invalid, naming the field, where it is wrong", () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ op: 7 }, /request\.op must be a text/],
      [{ op: "report", state: 1 }, /request\.state must be true or false/],
      [{ op: "observe", recent: 0, reportEveryMs: 0, owner: true }, /reportEveryMs must be a number from 10/],
      [{ op: "observe", recent: 0, reportEveryMs: 50 }, /owner must be true or false, but is missing/],
      [
        { op: "setEffects", effects: [{ ...held, effect: { ...cut, toxic: { toxic: "loss", share: 1.5 } } }] },
        /effects\[0\]\.effect\.toxic\.share/,
      ],
      [{ op: "setEffects", effects: [{ ...held, effect: { ...cut, on: "weather" } }] }, /effect\.on must be one of/],
      [{ op: "setEffects", effects: [{ ...held, untilMs: -1 }] }, /effects\[0\]\.untilMs/],
      [{ op: "setRoster", roster: [{ id: "a1", port: 0, publicKey: "" }], links: [] }, /roster\[0\]\.port/],
      [{ op: "setRoster", roster: [], links: [{ a: 1, b: "a2" }] }, /links\[0\]\.a must be a text/],
      [{ op: "setRoster", roster: Array(1_001).fill({}), links: [] }, /roster/],
      [{ op: "stop", reason: "x".repeat(1_000) }, /longer than 200/],
    ];
    for (const [fields, message] of wrong) {
      const [read] = readRequests(encode([{ id: 9, ...fields }]));
      assert.ok(read?.kind === "bad" && read.id === 9 && message.test(read.message), JSON.stringify(read));
    }
  });

  it("is refused as a whole when it is no list of numbered requests", () => {
    for (const frame of [{}, [1], [{ op: "report" }], [{ id: 1.5, op: "report" }], "text", null])
      assert.throws(() => readRequests(encode(frame)));
    assert.throws(() => readRequests(encode(Array(MAX_REQUESTS + 1).fill({ id: 1, op: "report" }))));
  });

  it("is judged without going into it: values nested without end do no harm", () => {
    // [{id: 1, op: "submitTask", task: {task: {task: ... 1}}}], and a list in the place of a number.
    const tasks = Buffer.alloc(6 * 200_000, Uint8Array.of(0x81, 0xa4, 0x74, 0x61, 0x73, 0x6b));
    const frame = Buffer.concat([
      encode([{ id: 1, op: "submitTask", task: 0 }]).subarray(0, -1),
      tasks,
      Uint8Array.of(1),
    ]);
    assert.equal(readRequests(frame)[0]?.kind, "agent");
    const lists = Buffer.alloc(200_000, 0x91);
    const observe = encode([{ id: 1, op: "observe", recent: 0 }]).subarray(0, -1);
    const [read] = readRequests(Buffer.concat([observe, lists, Uint8Array.of(1)]));
    assert.ok(read?.kind === "bad" && /recent must be .*, but is a list/.test(read.message), JSON.stringify(read));
  });

  it("never does more than throw, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          readRequests(bytes);
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
