import type { TimelineEvent } from "../../contract/timeline.ts";

/**
 * Which of the agents' events are news in a large swarm: that a member is alive is, where it was doubted. That each of a thousand agents hears of each other one for the
 * first time would be a million events.
 */
export class MemberNews {
  /** By agent: whom it doubts. */
  readonly #doubted = new Map<number, Set<unknown>>();

  isNews(agent: number, { kind, fields }: Pick<TimelineEvent, "kind" | "fields">): boolean {
    if (kind === "memberAlive") return this.#doubted.get(agent)?.delete(fields.member) === true;
    if (kind !== "memberSuspected" && kind !== "memberFailed") return true;
    const doubted = this.#doubted.get(agent) ?? new Set();
    this.#doubted.set(agent, doubted.add(fields.member));
    return true;
  }
}
