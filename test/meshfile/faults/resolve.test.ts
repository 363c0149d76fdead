import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Effect, FaultSpec } from "../../../server/contract/faults.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { resolveFault } from "../../../server/meshfile/faults/resolve.ts";

const AGENTS = ["a1", "a2", "a3", "a4"];
/** A line: a1 – a2 – a3 – a4. */
const LINE = [
  { a: "a1", b: "a2" },
  { a: "a2", b: "a3" },
  { a: "a3", b: "a4" },
];
const resolve = (spec: FaultSpec, leader: string | null = "a2") =>
  resolveFault(spec, { agents: AGENTS, links: LINE, leader }, seededRandom(1));
const brief = (effect: Effect) =>
  effect.on === "link" ? `${effect.from}>${effect.to} ${JSON.stringify(effect.toxic)}` : JSON.stringify(effect);
const LOSS = '{"toxic":"loss","share":1}';

describe("what a fault comes to", () => {
  for (const [spec, title, agents, ...effects] of [
    [{ kind: "crash", agent: "leader" }, "a2 crashed", "a2", '{"on":"process","agent":"a2","process":"down"}'],
    [
      { kind: "pause", agent: "everyone" },
      "a1, a2, a3, a4 paused",
      "a1,a2,a3,a4",
      ...AGENTS.map((agent) => `{"on":"process","agent":"${agent}","process":"paused"}`),
    ],
    [
      { kind: "isolate", agent: "a4" },
      "a4 isolated",
      "a4",
      ...["a1>a4", "a2>a4", "a3>a4", "a4>a1", "a4>a2", "a4>a3"].map((way) => `${way} ${LOSS}`),
    ],
    [
      { kind: "partition", sides: [["a1", "leader", "a3"]] },
      "a1, a2, a3 | a4 partitioned",
      "a1,a2,a3,a4",
      ...["a1>a4", "a2>a4", "a3>a4", "a4>a1", "a4>a2", "a4>a3"].map((way) => `${way} ${LOSS}`),
    ],
    [
      { kind: "slow", a: "a1", b: "leader", delayMs: 40, jitterMs: 5 },
      "a1 – a2 slow by 40 ± 5 ms",
      "a1,a2",
      ...["a1>a2", "a2>a1"].map((w) => `${w} {"toxic":"latency","delay":{"shape":"uniform","ms":40,"spread":5}}`),
    ],
    [
      { kind: "lossy", a: "a3", loss: 0.305 },
      "All links of a3 losing 30.5 % of frames",
      "a3",
      ...["a3>a2", "a2>a3", "a3>a4", "a4>a3"].map((way) => `${way} {"toxic":"loss","share":0.305}`),
    ],
    [
      { kind: "link", a: "a1", b: "a2", direction: "in", toxics: [{ toxic: "timeout", afterMs: 2000 }] },
      "a2 → a1: nothing passes, closed after 2s",
      "a1,a2",
      'a2>a1 {"toxic":"timeout","afterMs":2000}',
    ],
    [
      {
        kind: "message",
        match: { types: ["append"], to: "a3", fields: { term: { min: 2 } } },
        action: { action: "drop" },
        count: 2,
      },
      "The first 2 append messages to a3 with term 2.. dropped",
      "a3",
      '{"on":"message","rule":{"types":["append"],"to":["a3"],"fields":{"term":{"min":2}},"action":{"action":"drop"},"count":2,"probability":1}}',
    ],
    [
      { kind: "message", match: {}, action: { action: "corrupt" }, probability: 0.01 },
      "Every message damaged with 1 % probability",
      "a1,a2,a3,a4",
      '{"on":"message","rule":{"action":{"action":"corrupt"},"probability":0.01}}',
    ],
    [
      { kind: "disk", agent: "a1", disk: { trouble: "slow", delayMs: 30 } },
      "a1: disk slow by 30 ms",
      "a1",
      '{"on":"disk","agent":"a1","disk":{"trouble":"slow","delayMs":30}}',
    ],
    [
      { kind: "clock", agent: "a1", skewMs: -1500, driftPpm: 200 },
      "a1: clock 1.5s behind, 200 ppm too fast",
      "a1",
      '{"on":"clock","agent":"a1","skewMs":-1500,"driftPpm":200}',
    ],
    [{ kind: "cpu", agent: "a1", slowdown: 4 }, "a1: 4 times as slow", "a1", '{"on":"cpu","agent":"a1","slowdown":4}'],
    [
      { kind: "byzantine", agent: "a1", behaviour: "doubleVote" },
      "a1 lies: doubleVote",
      "a1",
      '{"on":"byzantine","agent":"a1","behaviour":"doubleVote"}',
    ],
  ] as [FaultSpec, string, string, ...string[]][])
    it(title, () => {
      const resolved = resolve(spec);
      assert.equal(resolved.title, title);
      assert.equal(resolved.spec, spec);
      assert.equal(resolved.agents.join(), agents);
      assert.deepEqual(resolved.effects.map(brief), effects);
    });

  it("a link between groups is every link between them, each direction once", () => {
    const { effects } = resolve({ kind: "lossy", a: "everyone", b: "everyone", loss: 1 });
    assert.deepEqual(
      effects.map(brief).sort(),
      LINE.flatMap(({ a, b }) => [`${a}>${b} ${LOSS}`, `${b}>${a} ${LOSS}`]).sort(),
    );
  });

  it("the same toxic twice adds up", () => {
    const toxic = { toxic: "bandwidth", bytesPerSecond: 9 } as const;
    assert.equal(resolve({ kind: "link", a: "a1", direction: "out", toxics: [toxic, toxic] }).effects.length, 2);
  });

  for (const [why, reason, sentence, spec, leader] of [
    ["no leader", "noLeader", /There is no leader now/, { kind: "isolate", agent: "leader" }, null],
    ["an unknown agent", "unknownAgent", /no agent a9/, { kind: "lossy", a: "a1", b: "a9", loss: 1 }],
    ["no such link", "noLink", /no link between a1 and a3/, { kind: "slow", a: "a1", b: "a3", delayMs: 1 }],
    ["a link with itself", "sameEnds", /not a2 twice/, { kind: "slow", a: "leader", b: "a2", delayMs: 1 }],
    ["one on two sides", "sides", /a2 is named on two sides/, { kind: "partition", sides: [["leader"], ["a2"]] }],
    ["one side", "sides", /at least two sides/, { kind: "partition", sides: [AGENTS] }],
    ["a time of nothing", "outOfRange", /How long/, { kind: "crash", agent: "a1", forMs: 0 }],
    ["a share above 1", "outOfRange", /above 0 and at most 1, not 1.5/, { kind: "lossy", a: "a1", loss: 1.5 }],
    ["a delay that is no number", "outOfRange", /The delay/, { kind: "slow", a: "a1", delayMs: Number.NaN }],
    ["no toxics", "outOfRange", /1 to 20 toxics/, { kind: "link", a: "a1", toxics: [] }],
    [
      "a toxic out of range",
      "outOfRange",
      /bandwidth/,
      { kind: "link", a: "a1", toxics: [{ toxic: "bandwidth", bytesPerSecond: 0 }] },
    ],
    ["a count of nothing", "outOfRange", /count/, { kind: "message", match: {}, action: { action: "drop" }, count: 0 }],
    [
      "a clock that stands still",
      "outOfRange",
      /drift/,
      { kind: "clock", agent: "a1", skewMs: 0, driftPpm: -1_000_000 },
    ],
    ["a faster processor", "outOfRange", /slowdown/, { kind: "cpu", agent: "a1", slowdown: 0.5 }],
  ] as [string, string, RegExp, FaultSpec, null?][])
    it(`refuses ${why} with a sentence`, () => {
      assert.throws(
        () => resolve(spec, leader === null ? null : "a2"),
        (error: { reason: string; message: string }) => error.reason === reason && sentence.test(error.message),
      );
    });
});
