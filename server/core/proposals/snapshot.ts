import { type ByteReader, ByteWriter, MalformedBytes, writePieces } from "../bytes.ts";
import { compareText } from "../text.ts";
import { readProposalSpec, readVote, writeProposalSpec, writeVote } from "./codec.ts";
import { checkProposalSpec, checkVote } from "./limits.ts";
import { decisionOf } from "./quorum.ts";
import type { CountedVote, Proposal, ProposalSpec } from "./types.ts";

const SNAPSHOT_FORMAT = 1;

/** A proposal and the index of the entry that submitted it. */
export interface SubmittedProposal {
  readonly proposal: Proposal;
  readonly order: number;
}

export interface ProposalsState {
  readonly timeMs: number;
  /** In the order in which they were decided. */
  readonly decided: readonly SubmittedProposal[];
  /** In the order of submission. */
  readonly open: readonly SubmittedProposal[];
}

/**
 * The state's binary form. It holds what cannot be told from the rest: a proposal's state, its deadline and when it was decided follow from its votes and the time, so that no snapshot can
 * contradict itself in them.
 */
export function proposalsPieces({ timeMs, decided, open }: ProposalsState): Iterable<Uint8Array> {
  const writer = new ByteWriter();
  writer.byte(SNAPSHOT_FORMAT);
  writer.varint(timeMs);
  writer.varint(decided.length);
  writer.varint(open.length);
  return writePieces(writer, [...decided, ...open], ({ proposal, order }) => {
    writer.varint(order);
    writer.varint(proposal.submittedAtMs);
    writeProposalSpec(writer, proposal.spec);
    writer.varint(proposal.votes.length);
    for (const vote of proposal.votes) {
      writer.varint(vote.atMs);
      writeVote(writer, vote);
    }
  });
}

/** @throws MalformedBytes also when the proposals contradict themselves or each other. */
export function readProposals(reader: ByteReader, maxDecided: number, maxOpen: number): ProposalsState {
  if (reader.byte() !== SNAPSHOT_FORMAT) throw new MalformedBytes("not a snapshot of proposals of this format");
  const timeMs = reader.varint();
  const decidedCount = reader.count(maxDecided);
  const openCount = reader.count(maxOpen);
  const decided: SubmittedProposal[] = [];
  const open: SubmittedProposal[] = [];
  for (let left = decidedCount; left > 0; left--) {
    const one = readSubmitted(reader, timeMs);
    if (one.proposal.state === "open") throw new MalformedBytes("an open proposal among those that are decided");
    if (one.proposal.decidedAtMs < (decided.at(-1)?.proposal.decidedAtMs ?? 0))
      throw new MalformedBytes("proposals not in the order in which they were decided");
    decided.push(one);
  }
  for (let left = openCount; left > 0; left--) {
    const one = readSubmitted(reader, timeMs);
    if (one.proposal.state !== "open") throw new MalformedBytes("a decided proposal among those that are open");
    if (one.order <= (open.at(-1)?.order ?? 0)) throw new MalformedBytes("proposals not in the order of submission");
    open.push(one);
  }
  reader.end();
  requireConsistent([...decided, ...open]);
  return { timeMs, decided, open };
}

function readSubmitted(reader: ByteReader, timeMs: number): SubmittedProposal {
  const order = reader.varint();
  if (order === 0) throw new MalformedBytes("a proposal that no entry submitted");
  const submittedAtMs = reader.varint();
  if (submittedAtMs > timeMs) throw new MalformedBytes("a proposal of the future");
  const spec = readProposalSpec(reader);
  const problem = checkProposalSpec(spec);
  if (problem !== undefined) throw new MalformedBytes(problem);
  const deadlineMs = submittedAtMs + spec.timeoutMs;
  const votes: CountedVote[] = [];
  const voted = new Set<string>();
  let lastMs = submittedAtMs;
  for (let left = reader.count(spec.voters.length); left > 0; left--) {
    if (decisionOf(spec, votes) !== undefined) throw new MalformedBytes("a vote on what was decided");
    const atMs = reader.varint();
    if (atMs < lastMs || atMs > timeMs || atMs >= deadlineMs) throw new MalformedBytes("a vote that was not in time");
    lastMs = atMs;
    const vote = readVote(reader);
    const voteProblem = checkVote(vote);
    if (voteProblem !== undefined) throw new MalformedBytes(voteProblem);
    if (!spec.voters.includes(vote.voter)) throw new MalformedBytes("a vote by a stranger");
    if (voted.has(vote.voter)) throw new MalformedBytes("a voter that voted twice");
    voted.add(vote.voter);
    votes.push({ ...vote, atMs });
  }
  return { order, proposal: standing(spec, votes, submittedAtMs, timeMs) };
}

/** What a proposal stands at, from its votes and the time. */
function standing(spec: ProposalSpec, votes: readonly CountedVote[], submittedAtMs: number, timeMs: number): Proposal {
  const deadlineMs = submittedAtMs + spec.timeoutMs;
  const known = { spec, votes, submittedAtMs, deadlineMs };
  const decision = decisionOf(spec, votes);
  if (decision !== undefined) return { ...known, state: decision, decidedAtMs: votes.at(-1)?.atMs ?? 0 };
  if (deadlineMs <= timeMs) return { ...known, state: "expired", decidedAtMs: deadlineMs };
  return { ...known, state: "open", decidedAtMs: 0 };
}

function requireConsistent(all: SubmittedProposal[]): void {
  const ids = all.map(({ proposal }) => proposal.spec.id).sort(compareText);
  if (ids.some((id, at) => id === ids[at - 1])) throw new MalformedBytes("two proposals with the same id");
  all.sort((a, b) => a.order - b.order);
  for (const [at, { order, proposal }] of all.entries()) {
    const before = all[at - 1];
    if (before === undefined) continue;
    if (before.order === order) throw new MalformedBytes("two proposals that one entry submitted");
    if (before.proposal.submittedAtMs > proposal.submittedAtMs)
      throw new MalformedBytes("a proposal submitted before one that an earlier entry submitted");
  }
}
