import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { Proposals } from "../../../server/core/proposals/proposals.ts";
import type {
  Choice,
  Proposal,
  ProposalCommand,
  ProposalObservation,
  ProposalResult,
} from "../../../server/core/proposals/types.ts";
import { anyLife, bearsItsSignature } from "./arbitraries.ts";
import { assertKeepsPromises, type Subject } from "./proposals-checker.ts";

function assertLives(make: () => Subject): void {
  fc.assert(
    fc.property(anyLife, (life) => assertKeepsPromises(make(), life)),
    { numRuns: 1500 },
  );
}

describe("proposals", () => {
  it("keep their promises under random lives of repeats, strangers, forgers, changes of mind and late votes", () =>
    assertLives(() => new Proposals(bearsItsSignature)));

  describe("the check of their promises notices", () => {
    class CountsLateVotes extends Proposals {
      override apply(command: ProposalCommand, index: number): ProposalResult {
        return super.apply(command, index, 1000);
      }
      override clock(): void {
        super.clock(1000);
      }
    }
    class ExpiresLate extends Proposals {
      override clock(timeMs: number): void {
        super.clock(timeMs - 1);
      }
    }
    class BelievesForgers extends Proposals {
      constructor() {
        super(() => true);
      }
    }
    class TellsDecisionsTwice extends Proposals {
      override takeObservations(): ProposalObservation[] {
        const times = (one: ProposalObservation) => (one.type === "proposalDecided" ? 2 : 1);
        return super.takeObservations().flatMap((one) => new Array<ProposalObservation>(times(one)).fill(one));
      }
    }
    class LetsVotersChangeTheirMind extends Proposals {
      readonly #latest = new Map<string, Choice>();
      override apply(command: ProposalCommand, index: number, timeMs: number): ProposalResult {
        const result = super.apply(command, index, timeMs);
        if (command.type === "vote" && command.vote.signature[0] === 1)
          this.#latest.set(`${command.id} ${command.vote.voter}`, command.vote.choice);
        return result;
      }
      override list(): Proposal[] {
        return super.list().map((one) => ({
          ...one,
          votes: one.votes.map((each) => ({
            ...each,
            choice: this.#latest.get(`${one.spec.id} ${each.voter}`) ?? each.choice,
          })),
        }));
      }
    }
    class TakesRepeatsForVotes extends Proposals {
      override apply(command: ProposalCommand, index: number, timeMs: number): ProposalResult {
        const result = super.apply(command, index, timeMs);
        return result.type === "refused" && result.reason === "votedAlready" ? { type: "voted" } : result;
      }
    }
    class DecidesByMajority extends Proposals {
      override apply(command: ProposalCommand, index: number, timeMs: number): ProposalResult {
        if (command.type === "vote") return super.apply(command, index, timeMs);
        return super.apply({ type: "propose", spec: { ...command.spec, threshold: 5001 } }, index, timeMs);
      }
    }
    class StandsStill extends Proposals {
      override get revision(): number {
        return 1;
      }
    }
    const subjects: [new (verify: typeof bearsItsSignature) => Subject, RegExp][] = [
      [CountsLateVotes, /the deadline|the answer|decided when it was decided/],
      [ExpiresLate, /the deadline|the answer|decided when it was decided|the revision/],
      [BelievesForgers, /the answer/],
      [TellsDecisionsTwice, /each decision is told once/],
      [LetsVotersChangeTheirMind, /a voter's first vote in time counts/],
      [TakesRepeatsForVotes, /the answer/],
      [DecidesByMajority, /the answer|what is told|at the threshold|the revision/],
      [StandsStill, /the revision rises/],
    ];
    for (const [Broken, promise] of subjects)
      it(`ones that ${Broken.name}`, () => {
        assert.throws(
          () => assertLives(() => new Broken(bearsItsSignature)),
          ({ cause }: Error) => {
            assert.match(String(cause), promise);
            return true;
          },
        );
      });
  });
});
