import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { LITTLE_KEPT, MEMBER_MUTANTS } from "./gossip-mutants.ts";
import { changingMesh, gossipMesh, type Hunted, OPTIONS, type Searched, search } from "./gossip-trial.ts";
import { patchedCall } from "./patched.ts";

const SEEDS = 8;
const HUNTED_SEEDS = 30;

function whole({ broken }: Searched): void {
  equal(broken.join("\n"), "");
}

/** What the agents of some runs tell of who counts. */
function told(seeds: number): readonly TimelineEvent[] {
  const events: TimelineEvent[] = [];
  for (let seed = 1; seed <= seeds; seed++)
    simulate(changingMesh(), seed, {
      ...OPTIONS,
      onEvent: (event) => {
        if (event.kind === "configurationChanged") events.push(event);
      },
    });
  return events;
}

describe("simulated gossip whose members come and go", function () {
  this.timeout(300_000);

  it(`comes to the same everywhere, and loses nothing but with who was removed while down: ${SEEDS} seeds under chaos`, () =>
    whole(search(changingMesh(), SEEDS)));

  for (const [what, agents, more, simulated, seeds] of [
    ["among so many that checksums are compared", 18, "", "", 1],
    ["with counters and sets", 5, "", ", counters: true", 4],
    ["where agents look for their links themselves", 6, "topology: hyparview", "", 2],
    ["where nobody may go, as nobody would plan links for it", 5, "topology: ring", "", 1],
  ] as const)
    it(`does so ${what}`, () => whole(search(changingMesh(agents, more, simulated), seeds)));

  it("has agents that join and agents that leave, and does the same for the same seed", () => {
    const events = told(3);
    const founders = ["a1", "a2", "a3", "a4", "a5"];
    const voters = events.map(({ fields }) => fields.voters as readonly string[]);
    ok(
      voters.some((all) => all.some((id) => !founders.includes(id))),
      "nobody joined",
    );
    ok(
      voters.some((all) => founders.some((id) => !all.includes(id))),
      "nobody left",
    );
    deepEqual(told(1), told(1));
  });

  it("leaves the members alone where a file does not ask for it: runs of meshes that there are stay what they were", () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 2; seed++)
      simulate(gossipMesh(), seed, { ...OPTIONS, onEvent: ({ kind }) => kinds.add(kind) });
    ok(kinds.has("committed") && !kinds.has("configurationChanged"));
  });

  for (const { name, patches, found } of MEMBER_MUTANTS)
    it(`is judged: an agent that ${name} is found`, async () => {
      const hunted = await patchedCall<Hunted>(
        [...LITTLE_KEPT, ...patches],
        "./gossip-trial.ts",
        "huntChanging",
        SEEDS,
      );
      ok(hunted !== null, `none of ${HUNTED_SEEDS} seeds found it`);
      match(hunted.violation.invariant, /^(convergence|liveness|agents do not fail)$/);
      match(hunted.violation.detail, found);
    });

  it("and nothing where little is kept, so that newcomers get states", async () => {
    const { broken, coverage } = await patchedCall<Searched>(LITTLE_KEPT, "./gossip-trial.ts", "searchChanging", 6);
    equal(broken.join("\n"), "");
    ok((coverage.transitions["snapshot installed"] ?? 0) > 6, JSON.stringify(coverage.transitions));
  });
});
