import { ByteReader, ByteWriter, compareBytes, joinBytes, MalformedBytes, sameBytes, writePieces } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import { DeadlineQueue } from "../deadlines.ts";
import { invariant } from "../invariant.ts";
import { compareText } from "../text.ts";
import { encodeSpec, readProposalSpec, readVote, writeProposalSpec, writeVote } from "./codec.ts";
import { checkProposalSpec, checkVote } from "./limits.ts";
import { approvalsAmong, approvalsNeeded, decisionOf } from "./quorum.ts";
import type {
  CountedVote,
  Proposal,
  ProposalCommand,
  ProposalObservation,
  ProposalRefusal,
  ProposalResult,
  ProposalSpec,
  ProposalTable,
  SignedVote,
  VoteVerifier,
} from "./types.ts";

/** Kept in all; beyond it the ones made first are forgotten, and their ids with them. */
export const MAX_EVENTUAL_PROPOSALS = 3000;
/** Proposals that were made under one id; more are refused. */
export const MAX_RIVALS = 16;

const SNAPSHOT_FORMAT = 1;

/** One that was made under an id: when it was first and last, and the votes that were signed for it, late ones too. Immutable once made. */
interface Rival {
  readonly spec: ProposalSpec;
  readonly firstMs: number;
  readonly lastMs: number;
  /** By time, one of each voter. */
  readonly votes: readonly CountedVote[];
}

/** All that is known under an id. Immutable once made. */
interface Known {
  /** The one that stands first. */
  readonly rivals: readonly Rival[];
  /** What that one stands at. */
  readonly proposal: Proposal;
  /** Of the first that was applied here: breaks ties between deadlines. */
  readonly order: number;
}

/**
 * Proposals where there is no order for all: agents that have applied the same commands, each vote after the proposal that its voter saw, hold the same, whichever came first.
 *
 * Instead of the place in an order the time counts that each command was given where it was made (its operation's stamp): a vote is in time if it was cast before the deadline, however late it comes, and the
 * deadline is counted from the last time that the proposal was made (a proposer that got no answer makes it again, elsewhere). So votes in time only ever become more, and a decision by them is final as it is
 * everywhere (more than half approve, or so many reject that they cannot: a voter has one vote); and what had expired may still be decided by a vote that was long on its way: `expired` says only that
 * here, until now, too few have come.
 *
 * Of two proposals with the same id the earlier stands, everywhere in the end; the other is kept with its votes, as it may turn out to have been made earlier still. Votes are signed for one of
 * them, and do not count for the other. Of two votes of one voter the earlier stands; an honest one casts one, as it hears of its own before anybody else.
 */
export class EventualProposals implements ProposalTable {
  readonly #verify: VoteVerifier;
  #all = new Map<string, Known>();
  #deadlines = new DeadlineQueue<string>();
  #timeMs = 0;
  #revision = 0;
  #observations: ProposalObservation[] = [];

  /** @param verify as for Proposals. */
  constructor(verify: VoteVerifier = () => true) {
    this.#verify = verify;
  }

  get revision(): number {
    return this.#revision;
  }

  /** @param timeMs the latest time of all entries applied. @param saidMs the command's own time. */
  apply(command: ProposalCommand, index: number, timeMs: number, saidMs: number): ProposalResult {
    this.clock(timeMs);
    return command.type === "propose"
      ? this.#propose(command.spec, index, saidMs)
      : this.#vote(command.id, command.vote, saidMs);
  }

  clock(timeMs: number): void {
    this.#timeMs = Math.max(this.#timeMs, timeMs);
    for (let id = this.#deadlines.takeDue(this.#timeMs); id !== undefined; id = this.#deadlines.takeDue(this.#timeMs)) {
      const known = this.#all.get(id);
      if (known !== undefined) this.#become(id, known.rivals, known);
    }
  }

  deadlineMs(): number {
    return this.#deadlines.earliestMs();
  }

  takeObservations(): ProposalObservation[] {
    const taken = this.#observations;
    this.#observations = [];
    return taken;
  }

  get(id: string): Proposal | undefined {
    return this.#all.get(id)?.proposal;
  }

  /** By the time at which they were made, then by id. */
  list(): Proposal[] {
    return Array.from(this.#all.values(), ({ proposal }) => proposal).sort(
      (a, b) => a.submittedAtMs - b.submittedAtMs || compareText(a.spec.id, b.spec.id),
    );
  }

  *open(): IterableIterator<Proposal> {
    for (const { proposal } of this.#all.values()) if (proposal.state === "open") yield proposal;
  }

  snapshot(): Uint8Array {
    return joinBytes([...this.snapshotPieces()]);
  }

  snapshotPieces(): Iterable<Uint8Array> {
    const proposals = this.list().map(({ spec }) => (this.#all.get(spec.id) as Known).rivals);
    const writer = new ByteWriter();
    writer.byte(SNAPSHOT_FORMAT);
    writer.varint(this.#timeMs);
    writer.varint(proposals.length);
    return writePieces(writer, proposals, (rivals) => {
      writer.varint(rivals.length);
      for (const rival of rivals) writeRival(writer, rival);
    });
  }

  /** @throws MalformedBytes unless it is what `snapshot` writes; nothing has changed then. */
  restore(snapshot: Uint8Array): void {
    const reader = new ByteReader(snapshot);
    if (reader.byte() !== SNAPSHOT_FORMAT) throw new MalformedBytes("not a snapshot of proposals of this format");
    const timeMs = reader.varint();
    const all = new Map<string, Known>();
    const deadlines = new DeadlineQueue<string>();
    for (let left = reader.count(MAX_EVENTUAL_PROPOSALS); left > 0; left--) {
      const rivals = readRivals(reader);
      const proposal = standing(rivals, timeMs);
      const { id } = proposal.spec;
      if (all.has(id)) throw new MalformedBytes("two proposals with the same id");
      const order = all.size + 1;
      all.set(id, { rivals, proposal, order });
      if (proposal.state === "open") deadlines.set(id, proposal.deadlineMs, order);
    }
    reader.end();
    this.#all = all;
    this.#deadlines = deadlines;
    this.#timeMs = timeMs;
    this.#observations = [];
    this.#revision++;
  }

  #propose(spec: ProposalSpec, index: number, saidMs: number): ProposalResult {
    const known = this.#all.get(spec.id);
    if (known === undefined) {
      const rivals = [{ spec, firstMs: saidMs, lastMs: saidMs, votes: [] }];
      const proposal = standing(rivals, this.#timeMs);
      this.#keep({ rivals, proposal, order: index });
      this.#observations.push({ type: "proposalSubmitted", id: spec.id, untilMs: proposal.deadlineMs });
      this.#forgetOldest();
      return { type: "proposed", created: true };
    }
    const bytes = encodeSpec(spec);
    const same = known.rivals.find((rival) => sameBytes(encodeSpec(rival.spec), bytes));
    if (same === undefined && known.rivals.length >= MAX_RIVALS) return { type: "refused", reason: "proposalIdTaken" };
    const firstMs = Math.min(saidMs, same?.firstMs ?? saidMs);
    const lastMs = Math.max(saidMs, same?.lastMs ?? saidMs);
    const others = known.rivals.filter((rival) => rival !== same);
    this.#become(spec.id, [...others, { spec, firstMs, lastMs, votes: same?.votes ?? [] }], known);
    const stands = sameBytes(encodeSpec(this.#known(spec.id).proposal.spec), bytes);
    return stands ? { type: "proposed", created: same === undefined } : { type: "refused", reason: "proposalIdTaken" };
  }

  #vote(id: string, vote: SignedVote, saidMs: number): ProposalResult {
    const known = this.#all.get(id);
    const { voter, choice, reason } = vote;
    const rival = known?.rivals.find(({ spec }) => spec.voters.includes(voter) && this.#verify(spec, vote));
    if (known === undefined || rival === undefined) return this.#notTaken(id, voter, refusalOf(known, voter));
    const counted: CountedVote = { ...vote, signature: vote.signature.slice(), atMs: saidMs };
    const before = rival.votes.find((one) => one.voter === voter);
    if (before !== undefined && !votedBefore(counted, before)) return { type: "refused", reason: "votedAlready" };
    const votes = [...rival.votes.filter((one) => one.voter !== voter), counted].sort(byTime);
    // Late ones are kept: the last making may be on its way.
    const late = saidMs >= deadlineOf(rival);
    const stands = rival === known.rivals[0];
    if (stands && !late) this.#observations.push({ type: "voteCast", id, voter, choice, reason });
    this.#become(
      id,
      known.rivals.map((one) => (one === rival ? { ...rival, votes } : one)),
      known,
    );
    // It was signed for another proposal than the one that stands.
    if (!stands) return this.#notTaken(id, voter, "badSignature");
    return late ? this.#notTaken(id, voter, "decided") : { type: "voted" };
  }

  #notTaken(id: string, voter: AgentId, reason: ProposalRefusal): ProposalResult {
    this.#observations.push({ type: "voteNotTaken", id, voter, reason });
    return { type: "refused", reason };
  }

  /** Its rivals or the present have changed. */
  #become(id: string, changed: readonly Rival[], { proposal: before, order }: Known): void {
    const rivals = changed.toSorted(byStanding);
    const proposal = standing(rivals, this.#timeMs);
    this.#keep({ rivals, proposal, order });
    const { state, spec, votes, deadlineMs } = proposal;
    const replaced = !sameBytes(encodeSpec(spec), encodeSpec(before.spec));
    if (replaced) this.#observations.push({ type: "proposalSubmitted", id, untilMs: deadlineMs });
    if ((state === before.state && !replaced) || state === "open") return;
    const approvals = approvalsAmong(votes);
    const rejections = votes.length - approvals;
    const needed = approvalsNeeded(spec.voters.length, spec.threshold);
    this.#observations.push({ type: "proposalDecided", id, state, approvals, rejections, needed });
  }

  #known(id: string): Known {
    const known = this.#all.get(id);
    invariant(known !== undefined, `proposals: what was made is kept (${id})`);
    return known;
  }

  #keep(known: Known): void {
    const { spec, state, deadlineMs } = known.proposal;
    this.#all.set(spec.id, known);
    this.#revision++;
    if (state === "open") this.#deadlines.set(spec.id, deadlineMs, known.order);
    else this.#deadlines.delete(spec.id);
  }

  #forgetOldest(): void {
    if (this.#all.size <= MAX_EVENTUAL_PROPOSALS) return;
    const decided = this.list().filter(({ state }) => state !== "open");
    const oldest = decided[0] ?? this.list()[0];
    if (oldest === undefined) return;
    this.#all.delete(oldest.spec.id);
    this.#deadlines.delete(oldest.spec.id);
  }
}

/** Of a vote that is of nothing that is known. */
function refusalOf(known: Known | undefined, voter: AgentId): ProposalRefusal {
  if (known === undefined) return "unknownProposal";
  return known.rivals.some(({ spec }) => spec.voters.includes(voter)) ? "badSignature" : "stranger";
}

function deadlineOf({ spec, lastMs }: Rival): number {
  return lastMs + spec.timeoutMs;
}

/** What the first of them stands at, by the votes that were cast in time and by the time that it is. */
function standing([first]: readonly Rival[], timeMs: number): Proposal {
  invariant(first !== undefined, "proposals: one stands");
  const { spec, firstMs: submittedAtMs } = first;
  const deadlineMs = deadlineOf(first);
  const votes = first.votes.filter(({ atMs }) => atMs < deadlineMs);
  const known = { spec, votes, submittedAtMs, deadlineMs };
  const state = decisionOf(spec, votes);
  if (state !== undefined) return { ...known, state, decidedAtMs: decidedAt(spec, votes) };
  return deadlineMs <= timeMs
    ? { ...known, state: "expired", decidedAtMs: deadlineMs }
    : { ...known, state: "open", decidedAtMs: 0 };
}

/** The time of the vote that decided, by the times at which they were cast. */
function decidedAt(spec: ProposalSpec, votes: readonly CountedVote[]): number {
  for (let count = 1; count <= votes.length; count++)
    if (decisionOf(spec, votes.slice(0, count)) !== undefined) return (votes[count - 1] as CountedVote).atMs;
  return 0;
}

/** Which of two stands. */
function byStanding(a: Rival, b: Rival): number {
  return a.firstMs - b.firstMs || compareBytes(encodeSpec(a.spec), encodeSpec(b.spec));
}

/** Of two votes of one voter: which stands. */
function votedBefore(one: CountedVote, other: CountedVote): boolean {
  if (one.atMs !== other.atMs) return one.atMs < other.atMs;
  return compareBytes(one.signature, other.signature) < 0;
}

function byTime(a: CountedVote, b: CountedVote): number {
  return a.atMs - b.atMs || compareText(a.voter, b.voter);
}

function writeRival(writer: ByteWriter, { spec, firstMs, lastMs, votes }: Rival): void {
  writer.varint(firstMs);
  writer.varint(lastMs);
  writeProposalSpec(writer, spec);
  writer.varint(votes.length);
  for (const vote of votes) {
    writer.varint(vote.atMs);
    writeVote(writer, vote);
  }
}

function readRivals(reader: ByteReader): Rival[] {
  const rivals: Rival[] = [];
  for (let left = reader.count(MAX_RIVALS); left > 0; left--) {
    const rival = readRival(reader);
    const before = rivals.at(-1);
    if (before !== undefined && (before.spec.id !== rival.spec.id || byStanding(before, rival) >= 0))
      throw new MalformedBytes("proposals that are not each other's rivals, in order");
    rivals.push(rival);
  }
  if (rivals.length === 0) throw new MalformedBytes("an id without a proposal");
  return rivals;
}

function readRival(reader: ByteReader): Rival {
  const firstMs = reader.varint();
  const lastMs = reader.varint();
  if (lastMs < firstMs) throw new MalformedBytes("a proposal that was last made before it was first");
  const spec = readProposalSpec(reader);
  const problem = checkProposalSpec(spec);
  if (problem !== undefined) throw new MalformedBytes(problem);
  const votes: CountedVote[] = [];
  for (let left = reader.count(spec.voters.length); left > 0; left--) {
    const atMs = reader.varint();
    const vote = readVote(reader);
    const voteProblem = checkVote(vote);
    if (voteProblem !== undefined) throw new MalformedBytes(voteProblem);
    if (!spec.voters.includes(vote.voter)) throw new MalformedBytes("a vote by a stranger");
    if (votes.some(({ voter }) => voter === vote.voter)) throw new MalformedBytes("a voter that voted twice");
    votes.push({ ...vote, atMs });
  }
  return { spec, firstMs, lastMs, votes: votes.sort(byTime) };
}
