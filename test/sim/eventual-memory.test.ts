import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { simulate } from "../../server/sim/simulate.ts";
import type { Patch } from "../mutants/mutant.ts";
import { eventualMesh, searchEventual } from "./eventual-memory-trial.ts";
import { LITTLE_KEPT } from "./gossip-mutants.ts";
import { type Hunted, OPTIONS, type Searched, search } from "./gossip-trial.ts";
import { patchedCall } from "./patched.ts";
import {
  checkCutOff,
  checkEvents,
  checkLaterSegments,
  checkReplay,
  type RecordedAgent,
  recordRun,
} from "./recorded-run.ts";

const SEEDS = 8;

function whole({ broken }: Searched): void {
  equal(broken.join("\n"), "");
}

describe("a memory that is eventual, beside Raft", function () {
  this.timeout(180_000);

  it(`comes to the same everywhere, and each acknowledged write counts once, whatever happens: ${SEEDS} seeds under chaos`, () => {
    whole(searchEventual(SEEDS));
    const { expectations } = simulate(eventualMesh(), 1, OPTIONS);
    deepEqual(
      expectations.map(({ name }) => name).filter((name) => /Memory|convergence|logMatching/.test(name)),
      ["logMatching", "convergence"],
    );
    const { measured = "" } = expectations.find(({ name }) => name === "convergence") ?? {};
    ok(Number(/ (\d+) acknowledged/.exec(measured)?.[1]) > 100, measured);
  });

  for (const [what, agents, more] of [
    ["alone", 1, "timing: local"],
    ["where agents reach each other through others", 6, "topology: ring"],
    [
      "in partitions of all shapes",
      5,
      `faults: [${["halves", "majority", "bridge", "ring"].map((shape, at) => `{ at: ${at * 800}ms, partition: ${shape}, for: 700ms }`)}]`,
    ],
  ] as const)
    it(`does so ${what}`, () => whole(search(eventualMesh(agents, more), 3)));

  it("takes writes where nothing can be decided, and Raft goes on with the rest as always", () => {
    const mesh = eventualMesh(5, "faults: [{ at: 500ms, partition: [[a1, a2], [a3, a4, a5]], for: 3s }]");
    const readOnly = new Set<string>();
    const decided = new Set<string>();
    let [issued, elsewhere] = [0, 0];
    const onEvent = ({ agent, kind, fields }: TimelineEvent): void => {
      if (kind === "partitioned" && fields.readOnly === true) readOnly.add(agent);
      if (kind === "healed") readOnly.delete(agent);
      if (kind === "issued" && readOnly.has(agent)) issued++;
      if (kind === "committed" && readOnly.has(agent)) decided.add(agent);
      else if (kind === "committed" && readOnly.size > 0) elsewhere++;
    };
    const { violation } = simulate(mesh, 1, { ...OPTIONS, chaos: false, onEvent });
    equal(violation, null);
    ok(issued > 10, `${issued} writes were taken on a side that is read-only`);
    deepEqual([...decided], []);
    ok(elsewhere > 0, "the others decide");
  });

  it("is the same whenever the seed is the same", () => {
    const trace = (): string => simulate(eventualMesh(), 3, OPTIONS).traceHash;
    equal(trace(), trace());
  });

  describe("the simulator finds one that", () => {
    const MUTANTS: readonly (readonly [name: string, patches: readonly Patch[], found: RegExp])[] = [
      [
        "counts what a client repeats",
        [{ file: "server/core/memory/once.ts", find: "    return false;\n", replace: "    return true;\n" }],
        /which by what it was told is counter/,
      ],
      [
        "answers before its own disk has it",
        [
          {
            file: "server/agent/memory-replica.ts",
            find: "if (ready.persist !== undefined) this.#disk.add(ready.persist);",
            replace:
              "if (ready.persist !== undefined) { this.#disk.add(ready.persist); this.#gossip.persisted(ready.persist.id, now); this.#parts.wake(); }",
          },
        ],
        /which is not on its disk|its disk was given|has not on its disk|stopped itself/,
      ],
      [
        "forgets its log when it starts again",
        [
          {
            file: "server/agent/memory-replica.ts",
            find: "const { memory = NOTHING } = recovered;",
            replace: "const memory = recovered.memory === undefined ? NOTHING : NOTHING;",
          },
        ],
        /has forgotten|is given operation|on its disk|stopped itself/,
      ],
    ];
    for (const [name, patches, found] of MUTANTS)
      it(name, async () => {
        const hunted = await patchedCall<Hunted>(patches, "./eventual-memory-trial.ts", "huntEventual", SEEDS);
        ok(hunted !== null, `none of ${SEEDS} seeds found it`);
        match(hunted.violation.detail, found);
      });

    it("nothing is wrong with, although states travel", async () => {
      const searched = await patchedCall<Searched>(LITTLE_KEPT, "./eventual-memory-trial.ts", "searchEventual", 4);
      whole(searched);
    });
  });

  it("is recorded: every life is recomputed to the state it had, also from later segments on", () => {
    const run = { durationMs: 3000 };
    const record = (seed: number, bytes?: number) =>
      recordRun((recording) => simulate(eventualMesh(), seed, { ...run, ...recording }), bytes);
    equal(record(1, 20_000).traceHash, simulate(eventualMesh(), 1, run).traceHash);
    const { lives } = record(1, 10_000);
    checkReplay(lives);
    checkEvents(lives);
    ok(checkLaterSegments(lives).later > 5);
    checkCutOff(record(2, 5_000).lives[0] as RecordedAgent);
  });
});
