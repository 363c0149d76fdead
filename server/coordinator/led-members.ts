/** Members of a swarm that somebody leads: the leader changes them, one at a time, and newcomers learn before they vote (Ongaro's thesis, chapter 4). */
import { quorumAmong } from "../agent/consensus/quorum.ts";
import type { MembersChange } from "../contract/client.ts";
import type { MembersView } from "../contract/swarm.ts";
import type { AgentWatch } from "./agent-watch.ts";
import { leadershipOf, membersOf } from "./health.ts";
import {
  CATCH_UP_MS,
  CHANGE_MS,
  changing,
  isRunning,
  type MemberProtocol,
  membersIn,
  othersThatCount,
  type Removed,
} from "./member-protocol.ts";
import { askMembers, type MemberGround } from "./member-requests.ts";
import { Refusal } from "./refusal.ts";

/** For a leader that is to go to hand over. */
const HANDOVER_MS = 5_000;

export interface Leads {
  readonly leader: string;
  readonly term: number;
}

export class LedMembers implements MemberProtocol {
  readonly noLearners = undefined;
  readonly #swarm: MemberGround;

  constructor(swarm: MemberGround) {
    this.#swarm = swarm;
  }

  add(id: string, signal: AbortSignal): Promise<MembersView> {
    return this.#change({ add: id }, CHANGE_MS, signal);
  }

  promote(id: string, signal: AbortSignal): Promise<MembersView> {
    return this.#change({ promote: id }, CATCH_UP_MS, signal);
  }

  notPromoted(id: string, why: string): string {
    return `${id} is a learner, but could not be promoted: ${why} It stays one; promote it when it has caught up.`;
  }

  refuseRemoval(id: string): void {
    const others = othersThatCount(this.#swarm, id);
    const running = others.filter((voter) => isRunning(this.#swarm, voter));
    const quorum = quorumAmong(others.length, this.#swarm.file.consensus);
    if (running.length < quorum)
      throw new Refusal(
        "refused",
        `Without ${id} there are ${others.length} voters, which need ${quorum} of them to run; ${running.length} do. Heal the others or remove them first.`,
      );
  }

  async remove(id: string, signal: AbortSignal): Promise<Removed> {
    const leads = leadershipOf(this.#swarm.agents)?.leader === id;
    if (leads && (membersOf(this.#swarm.agents)?.voters.length ?? 0) > 1) {
      // Then no election is due. It can do without: a leader that is removed steps down (thesis, §4.2.2).
      await this.handOver(undefined, HANDOVER_MS, signal).catch(() => {});
    }
    return { members: await this.#change({ remove: id }, CHANGE_MS, signal) };
  }

  /** @param to absent: whoever is the most up to date. @throws Refusal */
  async handOver(to: string | undefined, withinMs: number, signal: AbortSignal): Promise<Leads> {
    const operation = { op: "transferLeader", ...(to === undefined ? {} : { to }) } as const;
    const { value } = await this.#ask({ operation, withinMs, signal, persistent: false });
    if (value.type !== "leader") throw new Refusal("failed", `An agent answered transferLeader with ${value.type}.`);
    return { leader: value.leader, term: value.term };
  }

  async #change(change: MembersChange, withinMs: number, signal: AbortSignal): Promise<MembersView> {
    const asked = await this.#ask({ operation: changing(change), withinMs, signal, persistent: true });
    const { voters, outgoing, learners } = membersIn(asked.value);
    return { voters, outgoing, learners };
  }

  #ask(asked: Omit<Parameters<typeof askMembers>[1], "whom" | "nobody">): ReturnType<typeof askMembers> {
    return askMembers(this.#swarm, { ...asked, whom: () => this.#leader(), nobody: "No leader was found." });
  }

  #leader(): readonly AgentWatch[] {
    const leader = leadershipOf(this.#swarm.agents)?.leader;
    return leader === undefined ? [] : [this.#swarm.agent(leader)];
  }
}
