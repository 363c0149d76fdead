import { deepEqual, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { CONSENSUS_KINDS } from "../../server/contract/consensus.ts";
import type { PartitionShape } from "../../server/contract/faults.ts";
import { DETECTOR_KINDS } from "../../server/contract/mesh.ts";
import type { Patch } from "../mutants/mutant.ts";
import { falseAlarms, type Parted, type PartedRun, runParted } from "./partition-hunt.ts";
import { patchedCall } from "./patched.ts";

const SEEDS = 1;
const CORE = "server/core/membership/partition.ts";
const SIDE = "server/agent/side.ts";

function parted(options: Partial<Parted>, shape: PartitionShape = "majority"): Parted {
  const fault = { kind: "partition", sides: [], shape } as const;
  return { agents: 5, consensus: "raft", detector: "heartbeat", fault, ...options };
}

/** The problems of the first seed that has some. */
function problemsOf(one: Parted, seeds = SEEDS): readonly string[] {
  for (let seed = 1; seed <= seeds; seed++) {
    const { problems } = runParted(one, seed);
    if (problems.length > 0) return [`seed ${seed}`, ...problems];
  }
  return [];
}

describe("when a simulated swarm falls apart", function () {
  this.timeout(600_000);

  for (const consensus of CONSENSUS_KINDS)
    for (const detector of DETECTOR_KINDS)
      it(`whoever is cut off says so in time, nobody else does, and all catch up: ${consensus}, by ${detector}`, () => {
        for (const shape of ["halves", "isolateOne"] as const)
          deepEqual(problemsOf(parted({ consensus, detector }, shape)), [], shape);
      });

  it("nobody says so while all can still reach one another through others", () => {
    for (const detector of DETECTOR_KINDS)
      for (const shape of ["bridge", "ring"] as const)
        deepEqual(problemsOf(parted({ detector }, shape)), [], `${detector}, ${shape}`);
  });

  it("also of twelve agents, and into three sides of which none can decide", () => {
    deepEqual(problemsOf(parted({ agents: 12 }, "halves"), 1), []);
    const fault = {
      kind: "partition",
      sides: [
        ["a1", "a2"],
        ["a3", "a4"],
      ],
    } as const;
    deepEqual(problemsOf(parted({ agents: 6, fault }), 1), []);
  });

  it("by PBFT a side of more than half says that it is read-only where it is no quorum", () => {
    const fault = { kind: "partition", sides: [["a1", "a2", "a3", "a4"]] } as const;
    const { problems, noticedMs, readOnlyMs } = runParted(parted({ agents: 7, consensus: "pbft", fault }), 1);
    deepEqual(problems, []);
    ok(noticedMs.length === 7 && readOnlyMs.length === 7, `${noticedMs.length}, ${readOnlyMs.length}`);
  });

  it("an agent that never takes silence for an answer is found", () => {
    const [, problem = ""] = problemsOf(parted({ told: { failAfterMs: 60_000 } }), 1);
    match(problem, /a\d does not say within \d+ ms that it is cut off/);
  });

  const mutants: readonly { readonly name: string; readonly patch: Patch; readonly finds: RegExp }[] = [
    {
      name: "has never caught up",
      patch: { file: SIDE, find: "applied() >= this.#goal) partition", replace: "applied() < 0) partition" },
      finds: /catching up|has not caught up/,
    },
    {
      name: "says that it has caught up as soon as it is healed",
      patch: {
        file: SIDE,
        find: "    const partition = this.#partition;\n    if (!kind",
        replace: "    const partition = this.#partition;\n    this.#goal = 0;\n    if (!kind",
      },
      finds: /says that it has caught up, and has \d+ of \d+ entries/,
    },
    {
      name: "takes itself for cut off where one peer is",
      patch: { file: CORE, find: "2 * (answering.size - 1) < known - 1", replace: "answering.size < known" },
      finds: /can decide and hears \d of 5, and says partitioned/,
    },
  ];
  for (const { name, patch, finds } of mutants)
    it(`so is one that ${name}`, async () => {
      for (let seed = 1; seed <= 3; seed++) {
        const { problems } = await patchedCall<PartedRun>(
          [patch],
          "./partition-hunt.ts",
          "runParted",
          parted({}),
          seed,
        );
        if (problems.some((problem) => finds.test(problem))) return;
      }
      throw new Error("no seed found it");
    });
});

describe("while a simulated swarm is whole", function () {
  this.timeout(600_000);

  for (const consensus of CONSENSUS_KINDS)
    for (const detector of DETECTOR_KINDS)
      it(`nobody says that it is cut off, also where messages are lost: ${consensus}, by ${detector}`, () => {
        for (const loss of [0.1, 0.3]) deepEqual(falseAlarms(consensus, detector, 5, loss, 1), [], `${loss} lost`);
      });

  it("an agent that takes a suspicion for silence is found", async () => {
    const patch = { file: CORE, find: "sinceMs + this.#config.silentAfterMs;", replace: "sinceMs - 1;" };
    const alarms = await patchedCall<string[]>(
      [patch],
      "./partition-hunt.ts",
      "falseAlarms",
      "gossip",
      "heartbeat",
      5,
      0.9,
      20,
    );
    ok(alarms.length > 0, "no seed found it");
  });
});
