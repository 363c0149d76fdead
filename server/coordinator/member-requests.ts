/** Asks agents about members, again and again: the one that is to answer changes, and what is so already is answered at once. */
import { MeshError } from "../client/errors.ts";
import type { ClientOperation, ClientValue } from "../contract/client.ts";
import type { AgentWatch } from "./agent-watch.ts";
import type { Observer } from "./observer.ts";
import { Refusal } from "./refusal.ts";
import type { Swarm } from "./swarm.ts";

/** One attempt. */
const ASK_MS = 5_000;
const AGAIN_MS = 100;

/** What of a running swarm it takes to change its members. */
export interface MemberGround extends Pick<Swarm, "agents" | "agent" | "file" | "over"> {
  observer(agent: AgentWatch): Pick<Observer, "request"> | undefined;
}

export interface Asked {
  readonly operation: ClientOperation;
  readonly withinMs: number;
  readonly signal: AbortSignal;
  /** Also what was refused is asked again: an earlier change may be under way, somebody may not have heard of the newcomer, or a learner not have caught up. */
  readonly persistent: boolean;
  /** Whom to ask, one each time; empty: nobody for now. */
  readonly whom: () => readonly AgentWatch[];
  /** Why, where there was never anybody to ask. */
  readonly nobody: string;
}

export interface Answered {
  readonly by: AgentWatch;
  readonly value: ClientValue;
}

/** @throws Refusal */
export async function askMembers(swarm: MemberGround, asked: Asked): Promise<Answered> {
  const { operation, withinMs, signal, persistent, whom } = asked;
  const deadline = performance.now() + withinMs;
  let why = asked.nobody;
  const aborted = abortion(signal);
  aborted.catch(() => {
    // Whoever waits for an answer is told through the race below; nobody waits at other times.
  });
  for (let attempt = 0; ; attempt++) {
    const candidates = whom();
    const by = candidates[attempt % Math.max(1, candidates.length)];
    const observer = by === undefined ? undefined : swarm.observer(by);
    try {
      if (by !== undefined && observer !== undefined)
        return { by, value: await Promise.race([observer.request(operation, ASK_MS), aborted]) };
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      if (error.code === "invalid" || (error.code === "refused" && !persistent))
        throw new Refusal("refused", error.message);
      why = error.message;
    }
    await new Promise((wake) => setTimeout(wake, AGAIN_MS));
    if (signal.aborted) throw givenUp(signal);
    if (performance.now() >= deadline || swarm.over)
      throw new Refusal("unavailable", `Not within ${withinMs / 1000} s: ${why}`);
  }
}

export function givenUp(signal: AbortSignal): Refusal {
  return new Refusal("cancelled", `It was given up: ${String(signal.reason)}.`);
}

/** Rejects when the signal comes. */
function abortion(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(givenUp(signal));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
