/**
 * Members of a swarm that decides by gossip, where nobody leads: a change is an operation like any other, which any agent takes and tells the others. Whoever is added counts at once and
 * catches up by anti-entropy. Whoever is removed says so itself, as the last thing that it does: who has heard of that has all that it ever acknowledged.
 */
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

/** How long a removal is waited for, ms. */
export interface RemovalTimes {
  /** For somebody who is asked to say that it leaves; and for one to have heard of that. */
  readonly changeMs: number;
  /** For all that run to have heard: it goes when one has. */
  readonly spreadMs: number;
}

const USUAL: RemovalTimes = { changeMs: CHANGE_MS, spreadMs: 5_000 };

export class GossipMembers implements MemberProtocol {
  readonly noLearners = "Nobody only learns in a gossip swarm: whoever is in it counts.";
  readonly #swarm: MemberGround;

  readonly #times: RemovalTimes;

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
    await seenWithin(this.#swarm, CATCH_UP_MS, () => counts() || signal.aborted);
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
    const knows = ({ members }: AgentWatch): boolean => members !== null && !members.voters.includes(id);
    const others = (): readonly AgentWatch[] => this.#others(id);
    const allKnow = (): boolean => others().length > 0 && others().every(knows);
    if (!(await seenWithin(swarm, spreadMs, () => allKnow() || signal.aborted)) && by === leaver) {
      await seenWithin(swarm, changeMs, () => others().some(knows) || !leaver.alive || signal.aborted);
      if (signal.aborted) throw givenUp(signal);
      if (!others().some(knows)) {
        // It has ended meanwhile, and took it along.
        if (!leaver.alive) return this.remove(id, signal);
        throw new Refusal(
          "unavailable",
          `None of the others has heard yet that ${id} leaves, and what it alone has would be lost with it. It takes no more writes; heal its links and remove it again.`,
        );
      }
    }
    if (signal.aborted) throw givenUp(signal);
    const lost = !leaver.alive && by !== leaver && answer.changed;
    return { members: viewOf(answer), ...(lost && { warning: lostWith(id) }) };
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
