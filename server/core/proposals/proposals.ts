import { ByteReader, joinBytes, MalformedBytes, sameBytes } from "../bytes.ts";
import type { StateMachine } from "../consensus.ts";
import { DeadlineQueue } from "../deadlines.ts";
import { invariant } from "../invariant.ts";
import { MAX_REASON_BYTES } from "./limits.ts";
import { approvalsAmong, approvalsNeeded, decisionOf } from "./quorum.ts";
import { proposalsPieces, readProposals, type SubmittedProposal } from "./snapshot.ts";
import type {
  CountedVote,
  Proposal,
  ProposalCommand,
  ProposalObservation,
  ProposalRefusal,
  ProposalResult,
  ProposalSpec,
  SignedVote,
  VoteVerifier,
} from "./types.ts";

/** Open proposals; one more is refused with "tooManyProposals". */
export const MAX_OPEN_PROPOSALS = 1000;
/** Text (UTF-16 code units) that open proposals may come to hold together, every vote with the longest reason; one more is refused with "tooManyProposals". */
export const MAX_OPEN_PROPOSALS_TEXT = 128 * 1024 * 1024;
/** Decided proposals kept; beyond it the one that was decided first is forgotten, and its id with it. */
export const MAX_DECIDED_PROPOSALS = 2000;
/** Text that decided proposals may hold together; beyond it the one that was decided first is forgotten. */
export const MAX_DECIDED_TEXT = 32 * 1024 * 1024;

/** What a vote takes besides its voter's id and its reason, in code units' worth: its signature and its time. */
const VOTE_TEXT = 72;

/**
 * What is put to the vote, who voted how, and what came of it: a replicated state machine.
 *
 * Promises. A proposal is decided once and the same at every replica: approved by the vote with which ceil(threshold · voters) approve, rejected by the one with which so many reject that they
 * never can, expired if neither has come about when its time is up. A voter has one vote, its first that is signed by its key: nobody can vote for it, and a repeat changes nothing. So the
 * votes of an approved or rejected one prove its outcome to anyone with the voters' keys (`certificateProblem`), who need trust neither the replicas nor whoever made the certificate.
 *
 * Message flow. Somebody asks an agent; that one reads it (`readProposal`) and has `propose` ordered. When it is applied, each agent it names makes up its mind, signs
 * (`signVote`) and has `vote` ordered, again and again until its vote is applied: an entry may be lost on the way. The last vote that was needed decides; at `deadlineMs()` whoever carries the
 * log proposes an entry of time alone, which lets expire what is still open.
 *
 * Source. A quorum of signed votes as a certificate: Castro and Liskov, "Practical Byzantine Fault Tolerance" (OSDI '99), §4.2; that a third party can check it offline is what its signatures are for.
 * Knowingly differs: votes go through the log like everything else, and not from voter to voter, so that all replicas count the same ones in the same order; and the quorum is the
 * proposal's own, of the voters it names, and has nothing to do with the faults that the consensus below withstands.
 *
 * Its only clock is the time of the entries. A vote counts if it is applied before the clock has reached the deadline.
 */
export class Proposals implements StateMachine<ProposalCommand, ProposalResult> {
  readonly #verify: VoteVerifier;
  /** By id, in the order of submission. */
  #all = new Map<string, SubmittedProposal>();
  /** Ids of the open ones, in the order of submission. */
  #open = new Set<string>();
  /** Ids of the others, in the order in which they were decided. */
  #decided = new Set<string>();
  #deadlines = new DeadlineQueue<string>();
  #openText = 0;
  #decidedText = 0;
  #timeMs = 0;
  #lastIndex = 0;
  #revision = 0;
  #observations: ProposalObservation[] = [];

  /** @param verify every vote is held against it, and one that it does not hold for is refused. The same at every replica. Absent: all are taken to be their voters' own. */
  constructor(verify: VoteVerifier = () => true) {
    this.#verify = verify;
  }

  /** Time (ms) of the last entry applied. */
  get timeMs(): number {
    return this.#timeMs;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Rises whenever a proposal came, changed or went. Not part of the replicated state. */
  get revision(): number {
    return this.#revision;
  }

  /** @throws InvariantViolation when the index does not rise or the time runs backwards. */
  apply(command: ProposalCommand, index: number, timeMs: number): ProposalResult {
    invariant(
      index > this.#lastIndex,
      `proposals: entries are applied in rising order (${index} after ${this.#lastIndex})`,
    );
    // First what fell due: a vote that comes when the time is up is too late, however close it was.
    this.clock(timeMs);
    this.#lastIndex = index;
    return command.type === "propose" ? this.#propose(command.spec, index) : this.#vote(command.id, command.vote);
  }

  /**
   * Time passes without a command: what is open and has reached its deadline expires.
   * @throws InvariantViolation when it runs backwards.
   */
  clock(timeMs: number): void {
    // As for most entries: what fell due at that time has expired, and nothing that came since is due before the next ms.
    if (timeMs === this.#timeMs) return;
    invariant(timeMs >= this.#timeMs, `proposals: entry time never runs backwards (${timeMs} after ${this.#timeMs})`);
    this.#timeMs = timeMs;
    for (let id = this.#deadlines.takeDue(timeMs); id !== undefined; id = this.#deadlines.takeDue(timeMs)) {
      const { proposal, order } = this.#kept(id);
      this.#decide({ order, proposal: { ...proposal, state: "expired", decidedAtMs: proposal.deadlineMs } }, "expired");
    }
  }

  deadlineMs(): number {
    return this.#deadlines.earliestMs();
  }

  /** What changed since the last call, in order. Not part of the replicated state. */
  takeObservations(): readonly ProposalObservation[] {
    const taken = this.#observations;
    if (taken.length === 0) return taken;
    this.#observations = [];
    return taken;
  }

  get(id: string): Proposal | undefined {
    return this.#all.get(id)?.proposal;
  }

  /** All that are kept, in the order of submission. */
  list(): Proposal[] {
    return Array.from(this.#all.values(), ({ proposal }) => proposal);
  }

  /** In the order of submission. Decided ones are not looked at. Valid until the next apply. */
  *open(): IterableIterator<Proposal> {
    for (const id of this.#open) yield this.#kept(id).proposal;
  }

  snapshot(): Uint8Array {
    return joinBytes([...this.snapshotPieces()]);
  }

  /** What `snapshot` gives at this moment, in pieces that are made as they are asked for; the proposals may change meanwhile. */
  snapshotPieces(): Iterable<Uint8Array> {
    const decided = Array.from(this.#decided, (id) => this.#kept(id));
    const open = Array.from(this.#open, (id) => this.#kept(id));
    return proposalsPieces({ timeMs: this.#timeMs, decided, open });
  }

  /** Observations not yet taken are dropped. Signatures are not verified anew. @throws MalformedBytes unless it is exactly what `snapshot` writes; nothing has changed then. */
  restore(snapshot: Uint8Array): void {
    const state = readProposals(new ByteReader(snapshot), MAX_DECIDED_PROPOSALS, MAX_OPEN_PROPOSALS);
    const { timeMs, decided, open } = state;
    const decidedText = decided.reduce((text, { proposal }) => text + textOf(proposal), 0);
    const openText = open.reduce((text, { proposal }) => text + mostTextOf(proposal.spec), 0);
    if (decidedText > MAX_DECIDED_TEXT || openText > MAX_OPEN_PROPOSALS_TEXT)
      throw new MalformedBytes("more text than proposals may hold");
    const all = [...decided, ...open].sort((a, b) => a.order - b.order);
    this.#all = new Map(all.map((one) => [one.proposal.spec.id, one]));
    this.#open = new Set(open.map(({ proposal }) => proposal.spec.id));
    this.#decided = new Set(decided.map(({ proposal }) => proposal.spec.id));
    this.#deadlines = new DeadlineQueue();
    for (const { proposal, order } of open) this.#deadlines.set(proposal.spec.id, proposal.deadlineMs, order);
    this.#openText = openText;
    this.#decidedText = decidedText;
    this.#timeMs = timeMs;
    this.#lastIndex = all.at(-1)?.order ?? 0;
    this.#observations = [];
    this.#revision++;
  }

  #propose(spec: ProposalSpec, index: number): ProposalResult {
    const known = this.#all.get(spec.id);
    if (known !== undefined) {
      if (!sameSpec(known.proposal.spec, spec)) return { type: "refused", reason: "proposalIdTaken" };
      return { type: "proposed", created: false };
    }
    const text = mostTextOf(spec);
    if (this.#open.size >= MAX_OPEN_PROPOSALS || this.#openText + text > MAX_OPEN_PROPOSALS_TEXT)
      return { type: "refused", reason: "tooManyProposals" };
    const deadlineMs = this.#timeMs + spec.timeoutMs;
    const proposal: Proposal = {
      spec,
      state: "open",
      votes: [],
      submittedAtMs: this.#timeMs,
      deadlineMs,
      decidedAtMs: 0,
    };
    this.#all.set(spec.id, { proposal, order: index });
    this.#open.add(spec.id);
    this.#deadlines.set(spec.id, deadlineMs, index);
    this.#openText += text;
    this.#revision++;
    this.#observations.push({ type: "proposalSubmitted", id: spec.id, untilMs: deadlineMs });
    return { type: "proposed", created: true };
  }

  #vote(id: string, vote: SignedVote): ProposalResult {
    const kept = this.#all.get(id);
    const { voter, choice, reason } = vote;
    const before = kept?.proposal.votes.find((one) => one.voter === voter);
    // The very same again, from a voter that had not learned yet that its vote was applied: nothing that anybody need be told of.
    if (before !== undefined && sameVote(before, vote)) return { type: "refused", reason: "votedAlready" };
    const refusal = this.#refusalOf(kept?.proposal, vote, before);
    if (kept === undefined || refusal !== undefined) {
      const because = refusal ?? "unknownProposal";
      this.#observations.push({ type: "voteNotTaken", id, voter, reason: because });
      return { type: "refused", reason: because };
    }
    const { order, proposal } = kept;
    const counted: CountedVote = { ...vote, signature: vote.signature.slice(), atMs: this.#timeMs };
    const votes = [...proposal.votes, counted];
    const voted: SubmittedProposal = { order, proposal: { ...proposal, votes } };
    this.#all.set(id, voted);
    this.#revision++;
    this.#observations.push({ type: "voteCast", id, voter, choice, reason });
    const state = decisionOf(proposal.spec, votes);
    if (state === undefined) return { type: "voted" };
    this.#deadlines.delete(id);
    this.#decide({ order, proposal: { ...voted.proposal, state, decidedAtMs: this.#timeMs } }, state);
    return { type: "voted" };
  }

  /** The signature before what was voted before: nobody else's vote is to pass for a voter's second. */
  #refusalOf(
    proposal: Proposal | undefined,
    vote: SignedVote,
    before: CountedVote | undefined,
  ): ProposalRefusal | undefined {
    if (proposal === undefined) return "unknownProposal";
    if (!proposal.spec.voters.includes(vote.voter)) return "stranger";
    if (!this.#verify(proposal.spec, vote)) return "badSignature";
    if (before !== undefined) return "votedAlready";
    return proposal.state === "open" ? undefined : "decided";
  }

  #decide(decided: SubmittedProposal, state: "approved" | "rejected" | "expired"): void {
    const { spec, votes } = decided.proposal;
    invariant(this.#open.delete(spec.id), `proposals: each is decided once (${spec.id})`);
    this.#openText -= mostTextOf(spec);
    this.#decidedText += textOf(decided.proposal);
    this.#all.set(spec.id, decided);
    this.#decided.add(spec.id);
    this.#revision++;
    const approvals = approvalsAmong(votes);
    const rejections = votes.length - approvals;
    const needed = approvalsNeeded(spec.voters.length, spec.threshold);
    this.#observations.push({ type: "proposalDecided", id: spec.id, state, approvals, rejections, needed });
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const id of this.#decided) {
      if (this.#decided.size <= MAX_DECIDED_PROPOSALS && this.#decidedText <= MAX_DECIDED_TEXT) return;
      this.#decidedText -= textOf(this.#kept(id).proposal);
      this.#decided.delete(id);
      this.#all.delete(id);
    }
  }

  #kept(id: string): SubmittedProposal {
    const kept = this.#all.get(id);
    invariant(kept !== undefined, `proposals: what is open or decided is kept (${id})`);
    return kept;
  }
}

function sameVote(a: SignedVote, b: SignedVote): boolean {
  return a.choice === b.choice && a.reason === b.reason && sameBytes(a.signature, b.signature);
}

function sameSpec(a: ProposalSpec, b: ProposalSpec): boolean {
  return (
    a.subject === b.subject &&
    a.body === b.body &&
    a.threshold === b.threshold &&
    a.timeoutMs === b.timeoutMs &&
    a.voters.length === b.voters.length &&
    a.voters.every((voter, at) => voter === b.voters[at])
  );
}

/** What a proposal and its votes take, in code units. */
function textOf({ spec, votes }: Proposal): number {
  let text = textOfSpec(spec);
  for (const { voter, reason } of votes) text += voter.length + reason.length + VOTE_TEXT;
  return text;
}

/** What it may come to take, when everybody votes and gives the longest reason. */
function mostTextOf(spec: ProposalSpec): number {
  let text = textOfSpec(spec);
  for (const voter of spec.voters) text += voter.length + MAX_REASON_BYTES + VOTE_TEXT;
  return text;
}

function textOfSpec({ id, subject, body, voters }: ProposalSpec): number {
  let text = id.length + subject.length + body.length;
  for (const voter of voters) text += voter.length;
  return text;
}
