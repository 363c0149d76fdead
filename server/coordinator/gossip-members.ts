/**
 * Members of a swarm that decides by gossip, where nobody leads: a change is an operation like any other, which any agent takes and tells the others. Whoever is added counts at once and
 * catches up by anti-entropy. Whoever is removed says so itself, as the last thing that it does: who has heard of that has all that it ever acknowledged.
 */
import type { MembersChange } from "../contract/client.ts";
import type { MembersView } from "../contract/swarm.ts";
import type { AgentWatch } from "./agent-watch.ts";
import {
  CATCH_UP_MS,
  CHANGE_MS,
  changing,
  isRunning,
  type MemberProtocol,
  membersIn,
  othersThatCount,
  type Removed,
  seenWithin,
} from "./member-protocol.ts";
import { askMembers, givenUp, type MemberGround } from "./member-requests.ts";
import { Refusal } from "./refusal.ts";

/** How long a change is waited for, ms. */
export interface ChangeTimes {
  /** For somebody who is asked to say that one leaves; and for another one to have heard of that. */
  readonly changeMs: number;
  /** For all that run to have heard, of a newcomer for itself: then others are told, or it goes when one has. */
  readonly spreadMs: number;
}

const TELL_MS = 2_000;
const LOOK_EVERY_MS = 50;
const USUAL: ChangeTimes = { changeMs: CHANGE_MS, spreadMs: 3_000 };

export class GossipMembers implements MemberProtocol {
  readonly noLearners = "Nobody only learns in a gossip swarm: whoever is in it counts.";
  readonly #swarm: MemberGround;

  readonly #times: ChangeTimes;

  constructor(swarm: MemberGround, times = USUAL) {
    this.#swarm = swarm;
    this.#times = times;
  }

  async add(id: string, signal: AbortSignal): Promise<MembersView> {
    const { value } = await askMembers(this.#swarm, {
      operation: changing({ add: id }),
      withinMs: CHANGE_MS,
      signal,
      persistent: true,
      whom: () => this.#others(id),
      nobody: "No agent that counts answers.",
    });
    return viewOf(membersIn(value));
  }

  async promote(id: string, signal: AbortSignal): Promise<MembersView> {
    const agent = this.#swarm.agent(id);
    const counts = (): boolean => agent.members?.voters.includes(id) === true;
    const over = (): boolean => counts() || signal.aborted;
    if (!(await seenWithin(this.#swarm, this.#times.spreadMs, over))) await this.#tellRest(id, { add: id });
    await seenWithin(this.#swarm, CATCH_UP_MS, over);
    if (signal.aborted) throw givenUp(signal);
    const { members } = agent;
    if (members === null || !counts())
      throw new Refusal("unavailable", `it has not heard of that within ${CATCH_UP_MS / 1000} s.`);
    return viewOf(members);
  }

  notPromoted(id: string, why: string): string {
    return `${id} is a member, but ${why} It takes no writes before, and does by itself from then on.`;
  }

  refuseRemoval(id: string): void {
    const swarm = this.#swarm;
    const others = othersThatCount(swarm, id);
    const { alive, process } = swarm.agent(id);
    if (process === "paused")
      throw new Refusal(
        "refused",
        `${id} is paused, and cannot tell what it alone has. Heal it first; or crash it, and that is lost.`,
      );
    if (others.some((other) => isRunning(swarm, other))) return;
    const lost = alive ? `what ${id} alone has would be lost with it` : "nobody can be told";
    throw new Refusal("refused", `None of the others runs: ${lost}. Heal them first.`);
  }

  async remove(id: string, signal: AbortSignal): Promise<Removed> {
    const swarm = this.#swarm;
    const { changeMs, spreadMs } = this.#times;
    const leaver = swarm.agent(id);
    const { by, value } = await askMembers(swarm, {
      operation: changing({ remove: id }),
      withinMs: changeMs,
      signal,
      persistent: true,
      whom: () => this.#tellers(leaver),
      nobody: leaver.alive ? `${id} does not answer.` : "No agent that stays answers.",
    });
    const answer = membersIn(value);
    // It has ended meanwhile, and took along what it had not told: others say that it leaves.
    if (by === leaver && !(await this.#handedOver(leaver, signal))) return this.remove(id, signal);
    const knows = ({ members }: AgentWatch): boolean => members !== null && !members.voters.includes(id);
    const spread = await seenWithin(swarm, spreadMs, () => this.#others(id).every(knows) || signal.aborted);
    if (!spread && by !== leaver) await this.#tellRest(id, { remove: id });
    if (signal.aborted) throw givenUp(signal);
    const lost = !leaver.alive && by !== leaver && answer.changed;
    return { members: viewOf(answer), ...(lost && { warning: lostWith(id) }) };
  }

  /** Waits until somebody else has all that the leaver ever took, its last words among it. @returns false: it has ended before. @throws Refusal when nobody has in time */
  async #handedOver(leaver: AgentWatch, signal: AbortSignal): Promise<boolean> {
    const deadline = performance.now() + this.#times.changeMs;
    do {
      if (!leaver.alive) return false;
      const value = await this.#swarm
        .observer(leaver)
        ?.request({ op: "report" }, TELL_MS)
        .catch(() => undefined);
      const gossip = value?.type === "report" ? value.report.gossip : undefined;
      if (gossip !== undefined && !gossip.counted && gossip.unshared === 0) return true;
      await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
      if (signal.aborted) throw givenUp(signal);
    } while (performance.now() < deadline && !this.#swarm.over);
    throw new Refusal(
      "unavailable",
      `No other agent has said yet that it has all that ${leaver.id} has, which would be lost with it. It takes no more writes; heal its links and remove it again.`,
    );
  }

  /** Who was asked may be cut off. What an agent that has not heard of the change is asked for besides comes to the same. */
  async #tellRest(id: string, change: MembersChange): Promise<void> {
    const knows = ({ members }: AgentWatch): boolean => members?.voters.includes(id) === "add" in change;
    const told = this.#others(id).map((agent) =>
      knows(agent) ? undefined : this.#swarm.observer(agent)?.request(changing(change), TELL_MS),
    );
    // Who cannot be told hears of it from the others.
    await Promise.allSettled(told);
  }

  /** Who is to say that somebody leaves: itself, where it may have what nobody else has. */
  #tellers(leaver: AgentWatch): readonly AgentWatch[] {
    if (!leaver.alive) return this.#others(leaver.id);
    const { connected, report } = leaver;
    if (!connected || report === null) return [];
    // One that has not heard that it counts has taken nothing; one that has said that it leaves tells the others yet.
    const owns = report.gossip?.counted !== false || report.gossip.unshared > 0;
    return owns ? [leaver] : this.#others(leaver.id);
  }

  /** Who counts and can be asked; before anybody tells who does, whoever can be asked. */
  #others(id: string): readonly AgentWatch[] {
    const asked = this.#swarm.agents.filter((agent) => agent.id !== id && agent.alive && agent.connected);
    const counted = asked.filter((agent) => agent.members?.voters.includes(agent.id) === true);
    return counted.length > 0 ? counted : asked;
  }
}

function lostWith(id: string): string {
  return `${id} was down when it was removed: what it had acknowledged and told nobody is lost with it.`;
}

function viewOf({ voters, learners }: Pick<MembersView, "voters" | "learners">): MembersView {
  return { voters, outgoing: [], learners };
}
