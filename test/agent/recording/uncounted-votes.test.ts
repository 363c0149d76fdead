import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "mocha";
import { CommandEncoder, encodeClockCommand, encodeOwnProposalCommand } from "../../../server/agent/command.ts";
import { Machine } from "../../../server/agent/machine.ts";
import { withoutUncounted } from "../../../server/agent/recording/uncounted-votes.ts";
import { type Entry, EntryKind } from "../../../server/core/consensus.ts";
import type { ProposalCommand, ProposalSpec, SignedVote } from "../../../server/core/proposals/types.ts";
import { signVote, verifyVote } from "../../../server/core/proposals/votes.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { SimKeys } from "../../../server/sim/crypto.ts";

const KEYS = new SimKeys(["a1", "a2", "a3", "a4"], seededRandom("keys"));
const SPEC: ProposalSpec = {
  id: "p",
  subject: "s",
  body: "{}",
  voters: ["a1", "a2", "a3"],
  threshold: 6667,
  timeoutMs: 1000,
};

const signed = (voter: string, choice: "approve" | "reject", signer = voter): SignedVote =>
  signVote(KEYS.of(signer), SPEC, voter, choice, "");
const vote = (one: SignedVote): ProposalCommand => ({ type: "vote", id: "p", vote: one });

/** One entry a command, a hundred ms from one to the next. */
function entriesOf(...all: readonly Uint8Array[]): readonly Entry[] {
  return all.map((data, at) => ({ index: at + 1, term: 1, kind: EntryKind.command, timeMs: 100 * (at + 1), data }));
}

function applied(machine: Machine, entries: readonly Entry[]): Machine {
  for (const entry of entries) machine.apply(entry);
  return machine;
}

/** As an agent applies them that has the keys. */
const verifying = (entries: readonly Entry[]): Machine =>
  applied(new Machine({ verifyVote: (spec, one) => verifyVote(KEYS.of("a1"), spec, one) }), entries);

describe("votes that did not count", () => {
  const forged = signed("a2", "approve", "a4");
  const entries = entriesOf(
    ...[
      { type: "propose", spec: SPEC } as const,
      vote(signed("a1", "approve")),
      vote(forged),
      vote(signed("a4", "approve")),
      vote(signed("a1", "reject")),
      vote(signed("a1", "approve")),
      vote(signed("a2", "reject")),
      vote(signed("a3", "approve")),
    ].map(encodeOwnProposalCommand),
  );

  it("are left out of what is recorded as applied, in time's name; all that counted stays", () => {
    const { proposals } = verifying(entries);
    const kept = withoutUncounted(entries, proposals);
    const clock = encodeClockCommand();
    // A repetition of what counted does no harm.
    deepEqual(
      kept.map(({ data }, at) => (data === entries[at]?.data ? "as it was" : deepEqual(data, clock))),
      ["as it was", "as it was", undefined, undefined, undefined, "as it was", "as it was", undefined],
    );
    deepEqual(
      kept.map(({ data: _, ...rest }) => rest),
      entries.map(({ data: _, ...rest }) => rest),
    );
  });

  it("so lead to the same state without a key; as they were they do not", () => {
    const machine = verifying(entries);
    equal(machine.proposals.get("p")?.state, "rejected");
    const without = applied(new Machine(), withoutUncounted(entries, machine.proposals));
    deepEqual(without.snapshot(), machine.snapshot());
    const misled = applied(new Machine(), entries);
    equal(misled.proposals.get("p")?.state, "approved");
  });

  it("are nothing where a client's write brings them, with and without keys: what it came to would be part of the client's session", () => {
    const writer = new CommandEncoder();
    const [propose] = entries;
    const write = (sequence: number, one: SignedVote): Uint8Array =>
      writer.encode({ session: "s", sequence, firstUnanswered: 1, command: { on: "proposal", proposal: vote(one) } });
    const brought = entriesOf(propose?.data as Uint8Array, write(1, forged), write(2, signed("a1", "approve")));
    const machine = verifying(brought);
    deepEqual(machine.proposals.get("p")?.votes, []);
    equal(machine.outcomeOf("s", 1), undefined);
    deepEqual(applied(new Machine(), brought).snapshot(), machine.snapshot());
  });
});
