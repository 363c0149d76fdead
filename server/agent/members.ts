import type { ClientRequest, ClientResult, MembersChange } from "../contract/client.ts";
import type { AgentId, ChangeRefusal, Configuration, ConsensusStatus, TransferRefusal } from "../core/consensus.ts";
import { unreachable } from "../core/invariant.ts";
import { shownValue } from "../core/text.ts";
import { failure } from "./answers.ts";
import type { AgentObservation } from "./consensus/kind.ts";
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS } from "./requests.ts";
import { type WaitingRequest, WaitingRequests } from "./waiting-requests.ts";
import type { ClientReply } from "./world.ts";

/** Requests waiting at a time; there is one change at a time. */
const MAX_WAITING = 64;
/** Agents that one change names. */
const MAX_NAMED = 1000;

const FIXED =
  "the members of a swarm with memory: eventual are fixed: each keeps for the others what they have not heard of; start another swarm";

export type MemberRequest = ClientRequest & { readonly op: "changeMembers" | "transferLeader" };

export function isMemberRequest(request: ClientRequest): request is MemberRequest {
  return request.op === "changeMembers" || request.op === "transferLeader";
}

/** What of the consensus this needs. */
export interface MemberCore {
  status(): ConsensusStatus;
  changeMembers(
    change: MembersChange,
    now: number,
  ): { readonly ok: true } | { readonly ok: false; readonly reason: ChangeRefusal };
  transferLeadership(
    to: AgentId | undefined,
    now: number,
  ): { readonly ok: true } | { readonly ok: false; readonly reason: TransferRefusal };
}

export interface MemberKind {
  /** There is one order for all, and a leader who gives it. */
  readonly ordered: boolean;
  readonly memory: "eventual" | undefined;
}

interface Waiting extends WaitingRequest {
  /** Absent: it waits for another leader. */
  readonly change: MembersChange | undefined;
}

/**
 * What clients asked about members and leadership, until it is answered. Only the leader takes it; any other agent says who that is, as a client then
 * asks there. Where nobody leads any member takes it, and answers once it is durable there. A request repeated after an answer was lost finds that it is so already.
 */
export class MemberOperations {
  readonly #self: AgentId;
  readonly #knows: (id: AgentId) => boolean;
  readonly #core: MemberCore;
  readonly #leads: () => boolean;
  readonly #ordered: boolean;
  /** Each member keeps for the others what they have not heard of the memory. */
  readonly #fixed: boolean;
  readonly #waiting = new WaitingRequests<Waiting>();
  #stopping = false;

  /** @param knows whether an agent is in the roster. @param leads this agent leads and has applied an entry of its term. */
  constructor(
    self: AgentId,
    knows: (id: AgentId) => boolean,
    core: MemberCore,
    leads: () => boolean,
    { ordered, memory }: MemberKind,
  ) {
    this.#self = self;
    this.#knows = knows;
    this.#core = core;
    this.#leads = leads;
    this.#ordered = ordered;
    this.#fixed = memory === "eventual";
  }

  request(connection: number, request: MemberRequest, now: number): void {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = request;
    const waiting = { connection, id: request.id, deadlineMs: now + timeoutMs };
    const fixed = this.#fixed && request.op === "changeMembers";
    const answer = fixed ? failure("refused", FIXED) : this.#answerAtOnce(request, timeoutMs, waiting, now);
    if (answer !== undefined) this.#waiting.reply(connection, request.id, answer);
  }

  /** In the order in which they were made; before `leaderChanged` of the same turn. */
  observed(observation: AgentObservation): void {
    if (observation.type === "configurationChanged") {
      const { configurationIndex, commit, configuration } = this.#core.status();
      // A joint phase is left by an entry of its own; and one change may have followed another.
      if (configuration.outgoing.length > 0 || configurationIndex > commit) return;
      this.#waiting.settle(({ change }) => change && members(change, configuration, true));
    } else if (observation.type === "leadershipTransferEnded" && !observation.ok) {
      const message = `${observation.to} did not take over in time; ${this.#self} leads on`;
      this.#waiting.settle(({ change }) => (change === undefined ? failure("refused", message) : undefined));
    }
  }

  /** Another leader, or none. */
  leaderChanged(leader: AgentId, term: number): void {
    if (leader === this.#self) return;
    const lost = "the leader changed before the change was known to be decided, and it may be still; ask again";
    this.#waiting.settle(({ change }) => {
      if (change !== undefined) return failure("unavailable", lost);
      return leader === "" ? undefined : { ok: true, value: { type: "leader", leader, term } };
    });
  }

  gone(connection: number): void {
    this.#waiting.gone(connection);
  }

  stop(): void {
    this.#stopping = true;
    this.#waiting.settle(() => failure("stopping", "the agent stopped before the outcome was known; ask another one"));
  }

  /** Gives up what has waited long enough. */
  expire(now: number): void {
    if (now < this.expiryMs()) return;
    this.#waiting.settle(({ change, deadlineMs }) => {
      if (now < deadlineMs) return undefined;
      return change === undefined
        ? failure("timeout", "no other leader is known yet; a report tells who leads")
        : failure(
            "timeout",
            "not decided in time; it may be still: ask again, or look at a report's voters and learners",
          );
    });
  }

  /** When something is to be given up, ms. */
  expiryMs(): number {
    return this.#waiting.expiryMs();
  }

  takeReplies(): ClientReply[] {
    return this.#waiting.takeReplies();
  }

  /** undefined: it waits. */
  #answerAtOnce(
    request: MemberRequest,
    timeoutMs: unknown,
    waiting: Omit<Waiting, "change">,
    now: number,
  ): ClientResult | undefined {
    if (this.#stopping) return failure("stopping", "the agent is stopping; ask another one");
    if (!(Number.isSafeInteger(timeoutMs) && (timeoutMs as number) > 0 && (timeoutMs as number) <= MAX_TIMEOUT_MS))
      return failure("invalid", `timeoutMs is ${shownValue(timeoutMs)}; give whole ms from 1 to ${MAX_TIMEOUT_MS}`);
    const { leader } = this.#core.status();
    if (!this.#ordered && request.op === "transferLeader")
      return failure("refused", "nobody leads a gossip swarm, so that there is nothing to hand over");
    if (this.#ordered && leader === "")
      return failure("unavailable", "no leader is known, so that nothing can be decided; try again");
    if (this.#ordered && leader !== this.#self) return failure("unavailable", `${leader} leads; ask it`);
    if (this.#waiting.all.length >= MAX_WAITING)
      return failure("overloaded", `${MAX_WAITING} requests about members wait here; try again later`);
    return request.op === "changeMembers"
      ? this.#change(request.change, waiting, now)
      : this.#transfer(request.to, waiting, now);
  }

  #change(asked: unknown, waiting: Omit<Waiting, "change">, now: number): ClientResult | undefined {
    const change = readChange(asked);
    if (typeof change === "string") return failure("invalid", change);
    const stranger = named(change).find((id) => !this.#knows(id));
    if (stranger !== undefined && !("remove" in change))
      return failure(
        "refused",
        `${shownValue(stranger)} is not in the swarm's roster; make it known to its agents first`,
      );
    const { configuration, configurationIndex, commit } = this.#core.status();
    const there = isSo(change, configuration);
    if (there && configurationIndex <= commit) return members(change, configuration, false);
    if (!there && !this.#waiting.all.some((one) => one.change !== undefined && same(one.change, change))) {
      const proposed = this.#core.changeMembers(change, now);
      if (!proposed.ok && proposed.reason === "changePending" && !this.#leads())
        return failure("unavailable", "this leader is new and does not know yet what was decided before; try again");
      if (!proposed.ok) return changeRefusal(proposed.reason, change);
    }
    this.#waiting.add({ ...waiting, change });
    return undefined;
  }

  #transfer(to: unknown, waiting: Omit<Waiting, "change">, now: number): ClientResult | undefined {
    if (to !== undefined && typeof to !== "string") return failure("invalid", `${shownValue(to)} is no agent's id`);
    const { term, configuration } = this.#core.status();
    if (to === this.#self) return { ok: true, value: { type: "leader", leader: to, term } };
    const begun = this.#core.transferLeadership(to, now);
    if (!begun.ok) return transferRefusal(begun.reason, to, configuration);
    this.#waiting.add({ ...waiting, change: undefined });
    return undefined;
  }
}

/** A change from outside, or what is wrong with it. */
function readChange(asked: unknown): MembersChange | string {
  const hint = 'give { add: "a6" }, { promote: "a6" }, { remove: "a6" }, or all voters and learners';
  if (typeof asked !== "object" || asked === null) return `the change of members is ${shownValue(asked)}; ${hint}`;
  const { voters, learners, ...others } = asked as Record<string, unknown>;
  const entries = Object.entries(others);
  if (voters !== undefined || learners !== undefined) {
    if (!isIds(voters) || !isIds(learners) || entries.length > 0)
      return `voters and learners are two lists of agents' ids; ${hint}`;
    return { voters, learners };
  }
  const [kind, id] = entries[0] ?? [];
  if (entries.length !== 1 || (kind !== "add" && kind !== "promote" && kind !== "remove"))
    return `this is no change of members; ${hint}`;
  if (typeof id !== "string" || id === "") return `${shownValue(id)} is no agent's id; ${hint}`;
  return { [kind]: id } as MembersChange;
}

function isIds(value: unknown): value is readonly AgentId[] {
  return Array.isArray(value) && value.length <= MAX_NAMED && value.every((id) => typeof id === "string" && id !== "");
}

/** Whom it names. */
function named(change: MembersChange): readonly AgentId[] {
  return "voters" in change ? [...change.voters, ...change.learners] : [Object.values(change)[0] as AgentId];
}

function same(a: MembersChange, b: MembersChange): boolean {
  return Object.keys(a).join() === Object.keys(b).join() && Object.values(a).join(";") === Object.values(b).join(";");
}

/** The members are already as the change wants them. */
function isSo(change: MembersChange, { voters, outgoing, learners }: Configuration): boolean {
  if (outgoing.length > 0) return false;
  if ("add" in change) return voters.includes(change.add) || learners.includes(change.add);
  if ("promote" in change) return voters.includes(change.promote);
  if ("remove" in change) return !voters.includes(change.remove) && !learners.includes(change.remove);
  return sameIds(change.voters, voters) && sameIds(change.learners, learners);
}

function sameIds(a: readonly AgentId[], b: readonly AgentId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

/** @param changed whether this change made them so. */
function members(change: MembersChange, configuration: Configuration, changed: boolean): ClientResult {
  const { voters, learners } = configuration;
  if (isSo(change, configuration)) return { ok: true, value: { type: "members", changed, voters, learners } };
  return failure("refused", "another change followed at once; look at the members, and ask again");
}

function changeRefusal(reason: ChangeRefusal, change: MembersChange): ClientResult {
  const who = named(change).join(", ");
  switch (reason) {
    case "notLeader":
      return failure("unavailable", "this agent does not lead any more; ask again");
    case "changePending":
      return failure("refused", "another change of the members is under way; try again when it is done");
    case "unknownMember":
      return failure("refused", `${who} is no member; add it first`);
    case "alreadyMember":
    case "alreadyVoter":
      return failure("refused", `${who} is a ${reason === "alreadyVoter" ? "voter" : "member"} already`);
    case "noVoterLeft":
      return failure("refused", "no voter would be left, and nothing could be decided any more");
    case "notCaughtUp":
      return failure("refused", `${who} has not caught up with the log yet; try again when it has`);
    case "badMembers":
      return failure("invalid", "an agent is named twice, or its id is too long, or they are too many");
    case "notMember":
      return failure("unavailable", "this agent is no member, not yet or not any more; ask another one");
    case "gone":
      return failure("refused", `${who} was removed, and ids do not come back; add an agent with another one`);
    case "noLearners":
      return failure("refused", `${who} is no member; add it: it counts at once, and need not be promoted`);
    case "oneByOne":
      return failure("refused", "the members of a gossip swarm are added and removed one by one; name one of them");
    case "catchingUp":
      return failure("unavailable", "this agent lacks what others have and is getting it; try again in a moment");
    case "fixedMembers":
      return failure(
        "refused",
        "the members of a pbft swarm are fixed: it survives a number of liars among those it began with; start another swarm",
      );
    default:
      return unreachable(reason, "refusal");
  }
}

function transferRefusal(reason: TransferRefusal, to: AgentId | undefined, { voters }: Configuration): ClientResult {
  switch (reason) {
    case "notLeader":
      return failure("unavailable", "this agent does not lead any more; ask again");
    case "notVoter":
      return failure("refused", `${shownValue(to)} is no voter and cannot lead; the voters are ${voters.join(", ")}`);
    case "alreadyLeader":
      return failure("refused", `${to ?? "it"} leads already`);
    case "transferPending":
      return failure("refused", "leadership is being handed over already; ask again in a moment");
    case "nobodyElse":
      return failure("refused", "there is no other voter that could lead");
    case "notNext":
      return failure("refused", "primaries take turns, and another one is next; leave the name out to hand over to it");
    default:
      return unreachable(reason, "refusal");
  }
}
