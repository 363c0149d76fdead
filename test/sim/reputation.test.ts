import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import { Agent } from "../../server/agent/agent.ts";
import type { Mesh } from "../../server/contract/mesh.ts";
import type { AgentReport } from "../../server/contract/swarm.ts";
import { simulate } from "../../server/sim/simulate.ts";
import type { Patch } from "../mutants/mutant.ts";
import { meshOf } from "./meshes.ts";
import { patchedCall } from "./patched.ts";
import { opinionProblems, type ReputationTrial, reputationTrial } from "./reputation-trial.ts";

const SEEDS = 6;

const MUTANTS: readonly { readonly name: string; readonly patch: Patch; readonly found: RegExp }[] = [
  {
    name: "takes what is not believed for proof",
    patch: {
      file: "server/agent/neighbours.ts",
      find: `if (observation.type !== "equivocation") return;`,
      replace: `if (observation.type === "disbelieved") this.reputation.lied(observation.from, observation.reason);
        if (observation.type !== "equivocation") return;`,
    },
    found: /holds 0 proofs against a1, counts \d+/,
  },
  {
    name: "counts lies, and trusts as before",
    patch: {
      file: "server/core/overlay/reputation.ts",
      find: "known.honesty *= HONESTY_AFTER_A_LIE;",
      replace: "",
    },
    found: /against a2, counts \d+, and gives it 1 instead of 0\./,
  },
  {
    name: "takes all lies of a kind for one",
    patch: {
      file: "server/agent/neighbours.ts",
      find: "const { culprit, kind, view, seq } = observation;",
      replace: "const { culprit, kind, view, seq } = { ...observation, view: 0, seq: 0 };",
    },
    found: /holds \d+ proofs against a2, counts [123],/,
  },
];

describe("reputations among simulated PBFT agents", function () {
  this.timeout(120_000);

  it("fall, as far as honesty goes, for the liar at whoever holds proof, and for nobody else whatever is not believed of them", () => {
    const { problems, convinced, doubted } = reputationTrial(SEEDS);
    deepEqual(problems, []);
    ok(convinced >= 2 * SEEDS, `${convinced} agents held proof`);
    ok(doubted >= SEEDS, `${doubted} times honest agents were not believed`);
  });

  for (const { name, patch, found } of MUTANTS)
    it(`are found to be wrong where an agent ${name}`, async () => {
      const { problems } = await patchedCall<ReputationTrial>([patch], "./reputation-trial.ts", "reputationTrial", 2);
      match(problems.join("\n"), found);
    });

  it("are compared with the evidence, one agent at a time", () => {
    const evidence = new Map([["a2", new Set(["prepare 1 2", "commit 1 2"])]]);
    const opinion = (peer: string, honesty: number, proofs: number) => [{ peer, honesty, proofs }];
    deepEqual(opinionProblems("a1", [...opinion("a2", 0.25, 2), ...opinion("a3", 1, 0)], evidence), []);
    for (const wrong of [opinion("a2", 0.5, 1), opinion("a2", 0.5, 2), opinion("a3", 0.5, 1), opinion("a3", 0.9, 0)])
      equal(opinionProblems("a1", wrong, evidence).length, 1);
  });
});

/** Asks itself for its report in every turn. */
class Asked extends Agent {
  override turn(now: number): void {
    this.report(now);
    super.turn(now);
  }
}

interface Outcome {
  readonly traceHash: string;
  readonly reputations: readonly AgentReport["reputations"][];
}

/** What all that live at the end think of each other then. */
function runOf(mesh: Mesh, Kind: typeof Agent = Agent): Outcome {
  const agents = new Map<string, Agent>();
  let atMs = 0;
  const { traceHash } = simulate(mesh, 7, {
    durationMs: 4000,
    createAgent: (config, world, recovered, now) => {
      const agent = new Kind(config, world, recovered, now);
      agents.set(config.id, agent);
      return agent;
    },
    onEvent: ({ hlc }) => {
      atMs = Math.max(atMs, hlc.wallMs);
    },
  });
  return { traceHash, reputations: [...agents.values()].map((agent) => agent.report(atMs).reputations) };
}

describe("reputations in a simulation", function () {
  this.timeout(60_000);

  it("are the same whenever the seed is the same, to the last bit, however often they are asked for; and asking changes nothing", () => {
    const plain = runOf(meshOf(5, "ring"));
    deepEqual(runOf(meshOf(5, "ring"), Asked), plain);
    const scores = plain.reputations.flat().map(({ score }) => score);
    equal(scores.length, 20);
    ok(
      scores.some((score) => score < 0.99),
      "chaos was not felt",
    );
    for (const { honesty, proofs } of plain.reputations.flat()) deepEqual([honesty, proofs], [1, 0]);
  });
});
