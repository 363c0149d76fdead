import type { ProposalRequest } from "../../contract/proposals.ts";
import type { Fields } from "../../contract/timeline.ts";
import { sameBytes } from "../../core/bytes.ts";
import type { CountedVote, Proposal, ProposalSpec, ProposalTable, VoteVerifier } from "../../core/proposals/types.ts";
import type { Broken } from "./broken.ts";
import { DecidedOnce, PROPOSALS } from "./decided-once.ts";

/** What an agent holds of what was put to the vote, at the time (ms) that its machine has. */
export interface HeldProposals {
  readonly table: Pick<ProposalTable, "list" | "get">;
  readonly timeMs: number;
}

/** All that a proposer says of it; the voters may be left to the swarm. */
export type AskedProposal = Required<Omit<ProposalRequest, "voters">> & Pick<ProposalRequest, "voters">;

const PARTS = 10_000;

/**
 * What the votes of a swarm come to, held against what was asked for and what each agent tells and holds: no proposal is decided differently by two agents; all count the same votes in the same
 * order, each of them signed by its voter, none of a stranger, nobody's twice; it is approved with exactly as many approvals as are needed, rejected once there cannot be so many any more,
 * and expired once its time is up and not before; and none that was acknowledged is lost, or is another than was asked for.
 *
 * Where there is no order for all, each counts all votes that were cast in time, in the order of their times, as far as they have come to it: what one counts may be another one's beginning or not, what had
 * expired may be decided later, and nothing else may change. That all hold the same in the end is another invariant's.
 */
export class ProposalDecisions {
  readonly #broken: Broken;
  readonly #agents: ReadonlySet<string>;
  readonly #verify: VoteVerifier;
  readonly #ordered: boolean;
  readonly #decided: DecidedOnce;
  readonly #asked = new Map<string, AskedProposal>();
  readonly #acknowledged = new Set<string>();
  /** Of each, the one with the most votes that anybody held, and who. */
  readonly #known = new Map<string, { readonly proposal: Proposal; readonly life: string }>();
  /** By life: what it held when it was looked at last. */
  readonly #held = new Map<string, Map<string, Proposal>>();
  /** What is held is never changed, only replaced: one look at each is enough. */
  readonly #seen = new WeakSet<Proposal>();

  /** @param agents all that there may ever be. @param verify with the keys of the run, whatever agents do. @param ordered all are given the same in the same order */
  constructor(agents: readonly string[], verify: VoteVerifier, broken: Broken, ordered = true) {
    this.#agents = new Set(agents);
    this.#verify = verify;
    this.#broken = broken;
    this.#ordered = ordered;
    this.#decided = new DecidedOnce(broken, ordered);
  }

  get acknowledgedProposals(): number {
    return this.#acknowledged.size;
  }

  /** That count. */
  get votes(): number {
    return [...this.#known.values()].reduce((votes, { proposal }) => votes + proposal.votes.length, 0);
  }

  get outcomes(): ReadonlyMap<string, number> {
    return this.#decided.outcomes;
  }

  /** What it has looked at, for people. */
  get judgedOn(): string {
    const { outcomes } = this;
    const came = ["approved", "rejected", "expired"].map((state) => `${outcomes.get(state) ?? 0} ${state}`);
    return `${this.#acknowledged.size} acknowledged proposals, ${this.votes} votes; ${came.join(", ")}`;
  }

  /** Before any agent hears of it. */
  asked(proposal: AskedProposal): void {
    this.#asked.set(proposal.id, proposal);
  }

  acknowledged(id: string): void {
    this.#acknowledged.add(id);
  }

  /** @param life the agent with its life, as `a1.2`. @param fields of its `proposalDecided`. @param held as it is then; undefined: it cannot be seen */
  told(life: string, fields: Fields, held: HeldProposals | undefined): void {
    this.#decided.told(life, fields);
    if (held === undefined) return;
    const id = String(fields.proposal);
    const proposal = held.table.get(id);
    if (proposal === undefined) this.#says(`${life} decides ${id}, and does not know it`);
    // Without an order more may have come in the same turn.
    else if (this.#ordered || proposal.state === fields.state) {
      const [approvals, rejections] = tally(proposal.votes);
      const counted = !this.#ordered || (approvals === fields.approvals && rejections === fields.rejections);
      if (proposal.state !== fields.state || !counted)
        this.#says(`${life} tells ${id} otherwise than it holds it: ${fields.state}, and ${proposal.state}`);
      if (needed(proposal.spec) !== fields.needed)
        this.#says(`${life} says that ${id} takes ${fields.needed} approvals, and it takes ${needed(proposal.spec)}`);
    }
    this.look(life, held);
  }

  /** At what that agent holds now. */
  look(life: string, { table, timeMs }: HeldProposals): void {
    const before = this.#held.get(life) ?? new Map<string, Proposal>();
    const now = new Map<string, Proposal>();
    for (const proposal of table.list()) {
      const { id } = proposal.spec;
      now.set(id, proposal);
      if (proposal.state === "open" && timeMs >= proposal.deadlineMs)
        this.#says(`${id} is open at ${life} at ${timeMs} ms, and its time was up at ${proposal.deadlineMs} ms`);
      if (proposal.state === "expired" && timeMs < proposal.deadlineMs)
        this.#says(`${id} has expired at ${life} at ${timeMs} ms, before ${proposal.deadlineMs} ms`);
      const held = before.get(id);
      if (held === proposal) continue;
      const final = this.#ordered ? held?.state !== "open" : held?.state === "approved" || held?.state === "rejected";
      if (held !== undefined && final && held.state !== proposal.state)
        this.#says(`${id} was ${held.state} at ${life}, and is ${proposal.state} now`);
      if (!this.#seen.has(proposal)) this.#judge(life, proposal);
      this.#seen.add(proposal);
    }
    for (const id of before.keys()) if (!now.has(id)) this.#says(`${life} has forgotten ${id}`);
    this.#held.set(life, now);
  }

  /** Once everything is quiet. */
  end(life: string, held: HeldProposals): void {
    this.look(life, held);
    for (const id of this.#acknowledged) {
      const proposal = held.table.get(id);
      if (proposal === undefined) this.#says(`${id} was acknowledged, and ${life} does not know it`);
      else if (proposal.state === "open")
        this.#says(`${id} was acknowledged and is still open at ${life} when all is quiet`);
    }
  }

  #says(detail: string): void {
    this.#broken(PROPOSALS, detail);
  }

  #judge(life: string, proposal: Proposal): void {
    const { spec, state, votes } = proposal;
    this.#judgeSpec(life, spec);
    this.#judgeVotes(life, proposal);
    this.#judgeState(life, proposal);
    const known = this.#known.get(spec.id);
    if (known !== undefined) this.#compare(known, life, proposal);
    if (known === undefined || known.proposal.votes.length < votes.length) this.#known.set(spec.id, { proposal, life });
    const [approvals, rejections] = tally(votes);
    if (state !== "open") this.#decided.holds(life, spec.id, { state, approvals, rejections });
  }

  #judgeSpec(life: string, spec: ProposalSpec): void {
    const asked = this.#asked.get(spec.id);
    if (asked === undefined) {
      this.#says(`${life} holds ${spec.id}, which nobody has asked for`);
      return;
    }
    const differs =
      spec.subject !== asked.subject ||
      spec.body !== canonical(JSON.parse(asked.body)) ||
      spec.threshold !== Math.round(asked.threshold * PARTS) ||
      spec.timeoutMs !== asked.timeoutMs ||
      (asked.voters !== undefined && `${spec.voters}` !== `${asked.voters.toSorted()}`);
    if (differs)
      this.#says(`${life} holds ${JSON.stringify(spec)}, and what was asked for is ${JSON.stringify(asked)}`);
    const strangers = spec.voters.filter((voter) => !this.#agents.has(voter));
    if (spec.voters.length === 0 || strangers.length > 0)
      this.#says(`${life} asks nobody, or strangers (${strangers}), to vote on ${spec.id}`);
  }

  #judgeVotes(life: string, { spec, votes, submittedAtMs, deadlineMs }: Proposal): void {
    const voted = new Set<string>();
    const leastMs = submittedAtMs + spec.timeoutMs;
    // Without an order it runs from the last time that it was made.
    if (this.#ordered ? deadlineMs !== leastMs : deadlineMs < leastMs)
      this.#says(`${life} gives ${spec.id} until ${deadlineMs} ms, ${spec.timeoutMs} ms after ${submittedAtMs} ms`);
    let lastMs = submittedAtMs;
    for (const vote of votes) {
      const { voter, atMs } = vote;
      const whose = `${voter}'s vote on ${spec.id}`;
      if (!spec.voters.includes(voter)) this.#says(`${life} counts ${whose}, which is not asked to vote`);
      if (voted.has(voter)) this.#says(`${life} counts ${whose} twice`);
      voted.add(voter);
      if (!this.#verify(spec, vote)) this.#says(`${life} counts ${whose}, which ${voter} has not signed`);
      if (atMs >= deadlineMs) this.#says(`${life} counts ${whose} of ${atMs} ms: its time was up at ${deadlineMs} ms`);
      if (atMs < lastMs) this.#says(`${life} counts ${whose} of ${atMs} ms after one of ${lastMs} ms`);
      lastMs = atMs;
    }
  }

  #judgeState(life: string, { spec, state, votes, deadlineMs, decidedAtMs }: Proposal): void {
    const standing = standingOf(spec, votes);
    if (standing !== (state === "expired" ? "open" : state))
      this.#says(`${spec.id} is ${state} at ${life}, and by its votes it is ${standing}: ${tallyText(spec, votes)}`);
    if (this.#ordered && votes.length > 0 && standingOf(spec, votes.slice(0, -1)) !== "open")
      this.#says(`${life} counts a vote on ${spec.id} after it was decided: ${tallyText(spec, votes)}`);
    const atMs = state === "open" ? 0 : state === "expired" ? deadlineMs : decidedAt(spec, votes);
    if (decidedAtMs !== atMs)
      this.#says(`${spec.id} is ${state} at ${life} since ${decidedAtMs} ms, and by its votes since ${atMs} ms`);
  }

  /** Everybody holds the beginning of the same votes; without an order, some of the same. */
  #compare(known: { readonly proposal: Proposal; readonly life: string }, life: string, proposal: Proposal): void {
    const { id } = proposal.spec;
    const sameTime = !this.#ordered || known.proposal.submittedAtMs === proposal.submittedAtMs;
    if (JSON.stringify(known.proposal.spec) !== JSON.stringify(proposal.spec) || !sameTime)
      this.#says(`${id} of ${known.life} is not the same proposal as ${id} of ${life}`);
    for (const [at, vote] of proposal.votes.entries()) {
      const { votes } = known.proposal;
      const other = this.#ordered ? votes[at] : votes.find(({ voter }) => voter === vote.voter);
      if (other === undefined) continue;
      if (!sameVote(vote, other))
        this.#says(`vote ${at + 1} on ${id} is ${voteText(other)} to ${known.life}, and ${voteText(vote)} to ${life}`);
    }
  }
}

/** What the votes alone make of it. Not by the code that is judged. */
function standingOf(spec: ProposalSpec, votes: readonly CountedVote[]): "open" | "approved" | "rejected" {
  const [approvals, rejections] = tally(votes);
  if (approvals * PARTS >= spec.voters.length * spec.threshold) return "approved";
  const possible = spec.voters.length - rejections;
  return possible * PARTS < spec.voters.length * spec.threshold ? "rejected" : "open";
}

/** The time of the vote that decided. */
function decidedAt(spec: ProposalSpec, votes: readonly CountedVote[]): number | undefined {
  return votes.find((_, at) => standingOf(spec, votes.slice(0, at + 1)) !== "open")?.atMs;
}

/** The least number that is the threshold's share of the voters. */
function needed({ voters, threshold }: ProposalSpec): number {
  let approvals = 0;
  while (approvals * PARTS < voters.length * threshold) approvals++;
  return approvals;
}

function tally(votes: readonly CountedVote[]): readonly [approvals: number, rejections: number] {
  const approvals = votes.filter(({ choice }) => choice === "approve").length;
  return [approvals, votes.length - approvals];
}

function tallyText(spec: ProposalSpec, votes: readonly CountedVote[]): string {
  const [approvals, rejections] = tally(votes);
  return `${approvals} for it and ${rejections} against it of ${spec.voters.length}, and ${needed(spec)} are needed`;
}

function sameVote(a: CountedVote, b: CountedVote): boolean {
  const same = a.voter === b.voter && a.choice === b.choice && a.reason === b.reason && a.atMs === b.atMs;
  return same && sameBytes(a.signature, b.signature);
}

function voteText({ voter, choice, reason, atMs }: CountedVote): string {
  return `${voter}'s to ${choice}${reason === "" ? "" : ` (${reason})`} at ${atMs} ms`;
}

/** As RFC 8785 has it, for keys in ASCII. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`;
}
