import fc from "fast-check";
import { canonicalJson } from "../../../server/core/proposals/canonical-json.ts";
import {
  MAX_PROPOSAL_TIMEOUT_MS,
  MIN_PROPOSAL_TIMEOUT_MS,
  THRESHOLD_PARTS,
} from "../../../server/core/proposals/limits.ts";
import type { Choice, ProposalCommand, ProposalSpec, SignedVote } from "../../../server/core/proposals/types.ts";
import { textOf } from "../codec-properties.ts";

export const anyThreshold = fc.integer({ min: THRESHOLD_PARTS / 2 + 1, max: THRESHOLD_PARTS });
export const anyChoice: fc.Arbitrary<Choice> = fc.constantFrom("approve", "reject");

/** Any value that JSON has a form of. */
export const anyJson: fc.Arbitrary<unknown> = fc.jsonValue({ stringUnit: "grapheme" }).map((value) =>
  // Minus zero is written as zero.
  JSON.parse(JSON.stringify(value)),
);

export const anySpec: fc.Arbitrary<ProposalSpec> = fc.record({
  id: textOf(20, 1),
  subject: textOf(20, 1),
  body: anyJson.map(canonicalJson),
  voters: fc.uniqueArray(textOf(8, 1), { minLength: 1, maxLength: 8 }).map((voters) => voters.sort()),
  threshold: anyThreshold,
  timeoutMs: fc.integer({ min: MIN_PROPOSAL_TIMEOUT_MS, max: MAX_PROPOSAL_TIMEOUT_MS }),
});

export const anyVote: fc.Arbitrary<SignedVote> = fc.record({
  voter: textOf(8, 1),
  choice: anyChoice,
  reason: textOf(20),
  signature: fc.uint8Array({ maxLength: 64 }),
});

/** Any command within the limits. */
export const anyCommand: fc.Arbitrary<ProposalCommand> = fc.oneof(
  fc.record({ type: fc.constant("propose" as const), spec: anySpec }),
  fc.record({ type: fc.constant("vote" as const), id: textOf(20, 1), vote: anyVote }),
);

export function spec(fields: Partial<ProposalSpec> = {}): ProposalSpec {
  return {
    id: "p",
    subject: "deploy 1.4",
    body: '{"version":"1.4"}',
    voters: ["a1", "a2", "a3", "a4"],
    threshold: 6700,
    timeoutMs: 100,
    ...fields,
  };
}

/** A stand-in for a signature: of its voter exactly if it begins with 1. */
export function vote(voter: string, choice: Choice, fields: Partial<SignedVote> = {}): SignedVote {
  return { voter, choice, reason: "", signature: Uint8Array.of(1), ...fields };
}

export function bearsItsSignature(_spec: ProposalSpec, { signature }: SignedVote): boolean {
  return signature[0] === 1;
}

/** A step of a crowded life: few proposals, few voters, strangers, forgers and changes of mind among them. */
export interface Step {
  /** Before the step. */
  readonly laterMs: number;
  /** undefined: time alone. */
  readonly command: ProposalCommand | undefined;
}

const someId = fc.constantFrom("p1", "p2", "p3");

export const anyLife: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    laterMs: fc.nat(12),
    command: fc.oneof(
      fc
        .record({
          id: someId,
          voters: fc.constantFrom(["a1"], ["a1", "a2", "a3"], ["a1", "a2", "a3", "a4"]),
          threshold: fc.constantFrom(5001, 6700, 7500, 10_000),
          timeoutMs: fc.constantFrom(20, 60),
        })
        .map((fields) => ({ type: "propose" as const, spec: spec(fields) })),
      {
        weight: 6,
        arbitrary: fc.record({
          type: fc.constant("vote" as const),
          id: someId,
          vote: fc.record({
            voter: fc.constantFrom("a1", "a2", "a3", "a4"),
            choice: anyChoice,
            reason: fc.constantFrom("", "", "no"),
            signature: fc.constantFrom(Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(9)),
          }),
        }),
      },
      fc.constant(undefined),
    ),
  }),
  { maxLength: 80 },
);
