import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { CONSENSUS, CONSENSUS_KINDS } from "../../../server/contract/consensus.ts";
import type { Chaos, FaultSpec, FaultTrigger, PresetSpec } from "../../../server/contract/faults.ts";
import { TRIGGER_EVENTS } from "../../../server/meshfile/fault-syntax/keys.ts";
import { parseMesh } from "../../../server/meshfile/mesh-file.ts";

/** Of a mesh of five, all linked, unless the head says otherwise. */
function parsed(faults: string, head = "agents: 5") {
  return parseMesh(`${head}\nfaults:\n  - ${faults}\n`, "x.mesh.yaml");
}

function one(faults: string, head?: string) {
  const { mesh, diagnostics } = parsed(faults, head);
  assert.deepEqual(diagnostics, []);
  return mesh?.faults[0];
}

/** "code line:column message". */
const problems = (faults: string, head?: string) =>
  parsed(faults, head).diagnostics.map(({ code, line, column, message }) => `${code} ${line}:${column} ${message}`);

describe("faults in a mesh file", () => {
  for (const [text, expected] of [
    ["crash: leader", { kind: "crash", agent: "leader" }],
    ["pause: minority, for: 2s", { kind: "pause", agent: "minority", forMs: 2000 }],
    ["isolate: one", { kind: "isolate", agent: "one" }],
    ["partition: halves", { kind: "partition", sides: [], shape: "halves" }],
    ["partition: { shape: bridge }", { kind: "partition", sides: [], shape: "bridge" }],
    ["partition: [[a1, a2], [a3]]", { kind: "partition", sides: [["a1", "a2"], ["a3"]] }],
    ["partition: { sides: [[leader]] }", { kind: "partition", sides: [["leader"]] }],
    ["slow: { a: a1, delay: 20ms }", { kind: "slow", a: "a1", delayMs: 20, jitterMs: 0 }],
    ["lossy: { a: leader, b: minority, loss: 1 }", { kind: "lossy", a: "leader", b: "minority", loss: 1 }],
    [
      "link: { a: a1, b: a2, direction: out, toxics: [{ latency: { ms: 50, shape: normal, spread: 10 } }, { loss: 0.1 }] }",
      {
        kind: "link",
        a: "a1",
        b: "a2",
        direction: "out",
        toxics: [
          { toxic: "latency", delay: { shape: "normal", ms: 50, spread: 10 } },
          { toxic: "loss", share: 0.1 },
        ],
      },
    ],
    [
      "link: { a: everyone, toxics: [{ latency: 20ms }, { latency: { ms: 5, shape: pareto, spread: 1.5 } }, { bandwidth: 1000 }, { duplicate: 0.2 }, { reorder: { share: 0.1, by: 30ms } }, { corrupt: 0.01 }, { slicing: { bytes: 100, every: 2ms } }, { timeout: 0 }, { reset: 1s }, { slowClose: 200ms }, { dataLimit: 5000 }, { flap: { up: 1s, down: 200ms } }] }",
      {
        kind: "link",
        a: "everyone",
        toxics: [
          { toxic: "latency", delay: { shape: "constant", ms: 20 } },
          { toxic: "latency", delay: { shape: "pareto", ms: 5, spread: 1.5 } },
          { toxic: "bandwidth", bytesPerSecond: 1000 },
          { toxic: "duplicate", share: 0.2 },
          { toxic: "reorder", share: 0.1, byMs: 30 },
          { toxic: "corrupt", share: 0.01 },
          { toxic: "slicing", bytes: 100, everyMs: 2 },
          { toxic: "timeout", afterMs: 0 },
          { toxic: "reset", afterMs: 1000 },
          { toxic: "slowClose", delayMs: 200 },
          { toxic: "dataLimit", bytes: 5000 },
          { toxic: "flap", upMs: 1000, downMs: 200 },
        ],
      },
    ],
    [
      "message: { types: [append], to: a3, drop: true, count: 2 }",
      { kind: "message", match: { types: ["append"], to: "a3" }, action: { action: "drop" }, count: 2 },
    ],
    [
      "message: { types: vote, delay: 200ms, jitter: 50ms }",
      { kind: "message", match: { types: ["vote"] }, action: { action: "delay", delayMs: 200, jitterMs: 50 } },
    ],
    [
      "message: { from: leader, fields: { term: 3, granted: true, index: { min: 5 } }, duplicate: 2, probability: 0.5 }",
      {
        kind: "message",
        match: { from: "leader", fields: { term: 3, granted: true, index: { min: 5 } } },
        action: { action: "duplicate", copies: 2 },
        probability: 0.5,
      },
    ],
    ["message: { corrupt: true }", { kind: "message", match: {}, action: { action: "corrupt" } }],
    [
      "disk: { agent: a1, trouble: slow, delay: 30ms }",
      { kind: "disk", agent: "a1", disk: { trouble: "slow", delayMs: 30 } },
    ],
    ["disk: { agent: leader, trouble: tornTail }", { kind: "disk", agent: "leader", disk: { trouble: "tornTail" } }],
    ["clock: { agent: a1, skew: -1.5s }", { kind: "clock", agent: "a1", skewMs: -1500 }],
    ["clock: { agent: a1, drift: -200 }", { kind: "clock", agent: "a1", skewMs: 0, driftPpm: -200 }],
    ["cpu: { agent: a1, slowdown: 4 }", { kind: "cpu", agent: "a1", slowdown: 4 }],
    [
      "byzantine: { agent: minorityThird, behaviour: equivocate }",
      { kind: "byzantine", agent: "minorityThird", behaviour: "equivocate" },
    ],
  ] as [string, FaultSpec][])
    it(`says ${text}`, () => assert.deepEqual(one(`{ at: 1s, ${text} }`)?.fault, expected));

  for (const [text, expected] of [
    ["at: 5s", { on: "time", atMs: 5000 }],
    ["on: becameLeader", { on: "event", event: "becameLeader", afterMs: 0 }],
    ["on: memberFailed, nth: 2, after: 100ms", { on: "event", event: "memberFailed", nth: 2, afterMs: 100 }],
    ["every: 10s", { on: "interval", atMs: 0, everyMs: 10_000 }],
    ["at: 2s, every: 10s, times: 3", { on: "interval", atMs: 2000, everyMs: 10_000, times: 3 }],
  ] as [string, FaultTrigger][])
    it(`waits as ${text} says`, () => assert.deepEqual(one(`{ ${text}, crash: a1 }`)?.trigger, expected));

  for (const [text, expected] of [
    ["at: 0s, preset: rollingRestart, every: 5s", { preset: "rollingRestart", everyMs: 5000 }],
    [
      "at: 0s, preset: rollingRestart, whom: minority, times: 2",
      { preset: "rollingRestart", whom: "minority", times: 2 },
    ],
    [
      "at: 1s, preset: leaderHunt, hit: isolate, for: 1s, times: 5",
      { preset: "leaderHunt", hit: "isolate", forMs: 1000, times: 5 },
    ],
    ["on: memberFailed, preset: swizzleClog, for: 4s", { preset: "swizzleClog", forMs: 4000 }],
    [
      "at: 0s, preset: flappingLink, a: a1, b: a2, every: 500ms",
      { preset: "flappingLink", link: { a: "a1", b: "a2" }, everyMs: 500 },
    ],
    ["at: 0s, preset: greyFailure, whom: leader", { preset: "greyFailure", whom: "leader" }],
    ["at: 0s, preset: rollingPartition", { preset: "rollingPartition" }],
  ] as [string, PresetSpec][])
    it(`has the preset of ${text}`, () => assert.deepEqual(one(`{ ${text} }`)?.fault, expected));

  it("reads in blocks what it reads in braces", () => {
    const block = `on: becameLeader
    after: 100ms
    link:
      a: leader
      toxics:
        - latency:
            ms: 50ms
            shape: uniform
            spread: 10ms
        - flap: { up: 1s, down: 1s }
    for: 1s`;
    const braces =
      "{ on: becameLeader, after: 100ms, for: 1s, link: { a: leader, toxics: [{ latency: { ms: 50, shape: uniform, spread: 10 } }, { flap: { up: 1s, down: 1s } }] } }";
    assert.deepEqual(one(block), one(braces));
  });

  it("waits for any event but single messages", () => {
    for (const event of TRIGGER_EVENTS) {
      const kind = CONSENSUS_KINDS.find((one) => CONSENSUS[one].events.includes(event)) ?? "raft";
      const head = `agents: 5\nconsensus: ${kind}`;
      assert.ok(one(`{ on: ${event}, crash: a1 }`, head));
    }
    assert.match(problems("{ on: send, crash: a1 }")[0] ?? "", /^unknownValue 3:11 on must be one of started, /);
  });

  for (const [why, text, expected, head] of [
    ["no time", "crash: a1", "missingKey 3:5 A fault needs `at:`, `on:` or `every:`"],
    ["no kind", "at: 1s", "faultKind 3:5 A fault needs exactly one of crash, pause,"],
    ["two kinds", "{ at: 1s, crash: a1, pause: a2 }", "faultKind 3:5 .* not crash and pause"],
    ["both a time and an event", "{ at: 1s, on: becameLeader, crash: a1 }", "misplacedKey 3:7 `at` and `on` exclude"],
    ["an event again and again", "{ on: becameLeader, every: 1s, crash: a1 }", "misplacedKey 3:25 `every` and `on`"],
    ["nth of no event", "{ at: 1s, nth: 2, crash: a1 }", "misplacedKey 3:15 `nth` belongs to `on`"],
    ["times of no interval", "{ at: 1s, times: 2, crash: a1 }", "misplacedKey 3:15 `times` belongs to `every`"],
    ["an unknown event", "{ on: leaderElected, crash: a1 }", "unknownValue 3:11 on must be one of"],
    ["a pace without pause", "{ every: 1ms, crash: a1 }", "outOfRange 3:14 every must be from 10 ms"],
    [
      "an unknown agent",
      "{ at: 1s, crash: a9 }",
      'unknownAgent 3:22 crash: there is no agent "a9". Agents: a1, a2, a3, a4, a5. Groups: leader, one,',
    ],
    [
      "a minority of two",
      "{ at: 1s, crash: minority }",
      "tooFew 3:22 crash: of 2 agents there is no minority; it takes at least 3",
      "agents: 2",
    ],
    [
      "a third of three",
      "{ at: 1s, byzantine: { agent: minorityThird, behaviour: silent } }",
      "tooFew 3:35 .* at least 4",
      "agents: 3",
    ],
    [
      "a ring of three",
      "{ at: 1s, partition: ring }",
      "tooFew 3:26 .* ring needs at least 4 agents, and there are 3",
      "agents: 3",
    ],
    ["an unknown shape", "{ at: 1s, partition: thirds }", "unknownValue 3:26 partition must be one of halves,"],
    ["shape and sides", "{ at: 1s, partition: { shape: ring, sides: [[a1]] } }", "partitionShape 3:26 "],
    ["a partition of nothing", "{ at: 1s, partition: }", "wrongType 3:\\d+ partition must be a mapping"],
    ["overlapping sides", "{ at: 1s, partition: [[a1], [a2, a1]] }", "sidesOverlap 3:38 a1 stands on two sides"],
    ["everybody on one side", "{ at: 1s, partition: [[a1, a2, a3, a4, a5]] }", "oneSide 3:26 "],
    [
      "a link that is not there",
      "{ at: 1s, slow: { a: a1, b: a3, delay: 1ms } }",
      "noLink 3:33 slow: there is no link between a1 and a3",
      "agents: 5\ntopology: ring",
    ],
    ["a link with itself", "{ at: 1s, lossy: { a: a1, b: a1, loss: 1 } }", "sameEnds 3:22 "],
    ["no delay", "{ at: 1s, slow: { a: a1 } }", "missingKey 3:21 slow.delay is missing: a time"],
    [
      "a share of nothing",
      "{ at: 1s, lossy: { a: a1, loss: 0 } }",
      "outOfRange 3:37 lossy.loss must be above 0 and at most 1, not 0",
    ],
    ["no toxics", "{ at: 1s, link: { a: a1 } }", "missingKey 3:21 link.toxics is missing"],
    [
      "an empty list of toxics",
      "{ at: 1s, link: { a: a1, toxics: [] } }",
      "outOfRange 3:38 A link takes 1 to 20 toxics, not 0",
    ],
    [
      "two toxics in one",
      "{ at: 1s, link: { a: a1, toxics: [{ loss: 1, corrupt: 1 }] } }",
      "toxicKind 3:39 .* loss and corrupt, not both",
    ],
    [
      "an unknown toxic",
      "{ at: 1s, link: { a: a1, toxics: [{ jittr: 1 }] } }",
      'unknownKey 3:41 A toxic has no key "jittr"',
    ],
    [
      "a spread of no shape",
      "{ at: 1s, link: { a: a1, toxics: [{ latency: { ms: 5, spread: 2 } }] } }",
      "misplacedKey 3:59 A constant latency has no `spread`",
    ],
    [
      "a shape without spread",
      "{ at: 1s, link: { a: a1, toxics: [{ latency: { ms: 5, shape: normal } }] } }",
      "missingKey 3:50 A normal latency needs",
    ],
    [
      "a message rule that does nothing",
      "{ at: 1s, message: { types: [append] } }",
      "messageAction 3:24 A message rule needs exactly one of drop, delay,",
    ],
    [
      "a message rule of two minds",
      "{ at: 1s, message: { drop: true, delay: 1s } }",
      "messageAction 3:24 .* not drop and delay",
    ],
    [
      "a message type that is none",
      "{ at: 1s, message: { types: [appendEntries], drop: true } }",
      "unknownValue 3:34 message.types must be one of preVote,",
    ],
    [
      "a drop that is none",
      "{ at: 1s, message: { drop: false } }",
      "outOfRange 3:32 message.drop is true, or not there",
    ],
    [
      "jitter of no delay",
      "{ at: 1s, message: { drop: true, jitter: 1s } }",
      "misplacedKey 3:38 message.jitter belongs to `delay`",
    ],
    [
      "a field that is a list",
      "{ at: 1s, message: { drop: true, fields: { term: [1] } } }",
      "wrongType 3:54 message.fields.term must be",
    ],
    [
      "a disk with nothing wrong",
      "{ at: 1s, disk: { agent: a1 } }",
      "missingKey 3:21 disk.trouble is missing: one of slow,",
    ],
    [
      "a slow disk without delay",
      "{ at: 1s, disk: { agent: a1, trouble: slow } }",
      "missingKey 3:21 disk.delay is missing",
    ],
    [
      "a full disk with delay",
      "{ at: 1s, disk: { agent: a1, trouble: full, delay: 1s } }",
      "misplacedKey 3:49 disk.delay belongs to the trouble `slow`",
    ],
    ["a clock with nothing wrong", "{ at: 1s, clock: { agent: a1 } }", "missingKey 3:22 clock needs `skew:`"],
    [
      "a skew that is no time",
      "{ at: 1s, clock: { agent: a1, skew: late } }",
      "wrongType 3:41 clock.skew must be a time",
    ],
    [
      "a clock that stands still",
      "{ at: 1s, clock: { agent: a1, drift: -1000000 } }",
      "outOfRange 3:42 clock.drift must be from -500000",
    ],
    [
      "a faster processor",
      "{ at: 1s, cpu: { agent: a1, slowdown: 0.5 } }",
      "outOfRange 3:43 cpu.slowdown must be from 1 to 1000",
    ],
    [
      "an unknown lie",
      "{ at: 1s, byzantine: { agent: a1, behaviour: fib } }",
      "unknownValue 3:50 byzantine.behaviour must be one of equivocate,",
    ],
    ["an unknown preset", "{ at: 0s, preset: chaosMonkey }", "unknownValue 3:23 preset must be one of rollingRestart,"],
    ["a preset without time", "{ preset: swizzleClog, every: 1s }", "missingKey 3:5 A fault needs `at:` or `on:`"],
    [
      "another preset's key",
      "{ at: 0s, preset: leaderHunt, whom: a1 }",
      "misplacedKey 3:35 `whom` belongs to rollingRestart, swizzleClog, greyFailure, not to leaderHunt",
    ],
    ["half a link", "{ at: 0s, preset: flappingLink, a: a1 }", "missingKey 3:37 flappingLink needs both"],
    [
      "a preset with a fault",
      "{ at: 0s, preset: leaderHunt, crash: a1 }",
      "faultKind 3:35 A preset brings its own faults; write `crash` as an item of its own",
    ],
    ["a preset's key without one", "{ at: 0s, crash: a1, hit: pause }", "misplacedKey 3:26 `hit` belongs to a preset"],
    ["a time that is none", "{ at: 0s, crash: a1, for: ever }", "wrongType 3:31 for must be a time such as"],
  ] as [string, string, string, string?][])
    it(`refuses ${why}, and says where`, () => {
      const found = problems(text, head);
      const offset = (head?.split("\n").length ?? 1) - 1;
      const [code = "", at = "", ...message] = expected.split(" ");
      const line = Number(at.split(":")[0]) + offset;
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] as string, new RegExp(`^${code} ${line}:${at.split(":")[1]} ${message.join(" ")}`));
    });
});

describe("chaos in a mesh file", () => {
  const chaos = (text: string) => parseMesh(`agents: 5\nchaos: ${text}\n`, "x.mesh.yaml");

  for (const [text, expected] of [
    [
      "{ every: 2s, for: 1s, kinds: { crash: 2, partition: 1 } }",
      { everyMs: 2000, forMs: 1000, kinds: { crash: 2, partition: 1 } },
    ],
    [
      "{ every: 1s, until: 1m, kinds: [disk, clock] }",
      { everyMs: 1000, forMs: 1000, untilMs: 60_000, kinds: { disk: 1, clock: 1 } },
    ],
    ["{}", { everyMs: 1200, forMs: 1200, kinds: { crash: 1, pause: 1, partition: 1, isolate: 1, slow: 1, lossy: 1 } }],
  ] as [string, Chaos][])
    it(`says ${text}`, () => {
      const { mesh, diagnostics } = chaos(text);
      assert.deepEqual(diagnostics, []);
      assert.deepEqual(mesh?.chaos, expected);
    });

  it("is none where the file has none", () => assert.equal(parseMesh("agents: 3\n", "x").mesh?.chaos, null));

  for (const [why, text, expected] of [
    ["no kinds", "{ kinds: {} }", /^outOfRange 2:17 chaos.kinds needs at least one kind/],
    ["no weight", "{ kinds: { crash: 0 } }", /^outOfRange 2:17 chaos.kinds needs/],
    ["an unknown kind", "{ kinds: [crash, flood] }", /^unknownValue 2:25 chaos.kinds must be one of crash,/],
    ["an unknown weight", "{ kinds: { flood: 1 } }", /^unknownKey 2:19 chaos.kinds has no key "flood"/],
    ["a plain word", "wild", /^wrongType 2:8 chaos must be a mapping/],
  ] as [string, string, RegExp][])
    it(`refuses ${why}, and says where`, () => {
      const [first] = chaos(text).diagnostics.map(
        ({ code, line, column, message }) => `${code} ${line}:${column} ${message}`,
      );
      assert.match(first ?? "", expected);
    });
});
