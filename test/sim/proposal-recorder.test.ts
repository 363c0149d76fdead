import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "mocha";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { patchedCall } from "./patched.ts";
import { fromLaterSegments, type LaterSegments, recorded, unrecorded } from "./proposal-recordings.ts";
import { replayed } from "./recorded-run.ts";

const SEEDS = [1, 2, 3, 4];

describe("recording of simulated agents that vote", function () {
  this.timeout(120_000);

  for (const consensus of ["raft", "pbft"] as const) {
    it(`changes nothing, and replays every vote and decision to the last bit (${consensus})`, () => {
      const met = new Map<string, number>();
      for (const seed of SEEDS) {
        const { traceHash, lives } = recorded(consensus, seed);
        equal(traceHash, unrecorded(consensus, seed));
        for (const { agent, segments, hash, events, forged } of lives) {
          if (forged) continue;
          const again: TimelineEvent[] = [];
          const then = replayed(segments, { onEvent: (event) => again.push(event) });
          deepEqual([then.stateHash, then.failure], [hash, ""], `${agent} of seed ${seed}`);
          ok(then.checks > 0);
          deepEqual(again, events);
          for (const { kind, fields } of events) {
            const what = kind === "voteNotTaken" ? `refused: ${fields.reason}` : kind;
            met.set(what, (met.get(what) ?? 0) + 1);
          }
        }
      }
      for (const kind of ["proposalSubmitted", "voteSigned", "voteCast", "proposalDecided"])
        ok((met.get(kind) ?? 0) > 20, `${kind}: ${met.get(kind)}`);
      if (consensus === "pbft") ok((met.get("refused: badSignature") ?? 0) > 20);
    });

    it(`tells who voted how from any segment on, when those before are gone (${consensus})`, () => {
      let [replays, withForgedVotes] = [0, 0];
      for (const seed of SEEDS) {
        const found = fromLaterSegments(consensus, seed);
        equal(found.problem, "", `seed ${seed}`);
        replays += found.replays;
        withForgedVotes += found.withForgedVotes;
      }
      ok(replays > 20, `only ${replays} began later`);
      if (consensus === "pbft") ok(withForgedVotes > 10, `only ${withForgedVotes} with votes that did not count`);
    });
  }

  it("could not tell so without leaving out the votes that did not count: keys are in no recording", async () => {
    const patches = [
      {
        file: "server/agent/recording/recording-agent.ts",
        find: "const entries = withoutUncounted(applied, this.#agent.machine.proposals);",
        replace: "const entries = applied;",
      },
    ];
    const problems: string[] = [];
    for (const seed of SEEDS) {
      const call = ["./proposal-recordings.ts", "fromLaterSegments", "pbft", seed] as const;
      const { problem } = await patchedCall<LaterSegments>(patches, ...call);
      if (problem !== "") problems.push(problem);
    }
    ok(problems.length > 0);
    for (const problem of problems) match(problem, /diverges: .* replicated state is/);
  });
});
