/** Whether the agents of a running swarm have come to the same: what gossip promises once nothing is broken any more and nothing is written. */
import type { AgentReport } from "../../contract/swarm.ts";
import type { Judged } from "./live-invariants.ts";

export interface ConvergenceGround {
  /** Of all that run, with the hashes of what they hold. */
  readonly reports: () => Promise<readonly AgentReport[]>;
  /** Titles of active faults. */
  readonly activeFaults: () => readonly string[];
  /** How many agents there should be: they come and go. */
  readonly agents: () => number;
  /** So long it may take. */
  readonly boundMs: number;
  /** ms, from any start. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

const LOOK_EVERY_MS = 100;
/** What nobody has written to for so long is not about to change. */
const STILL_MS = 2_000;

/** @returns a sentence where it cannot be judged. brokenAtMs is for the caller to say. */
export async function judgeConvergence(ground: ConvergenceGround): Promise<Judged | string> {
  const beganMs = ground.now();
  let places = "";
  let changedMs = beganMs;
  for (;;) {
    const active = ground.activeFaults();
    if (active.length > 0) return `still active: ${active.join("; ")}`;
    const told = (await ground.reports()).flatMap(({ agent, convergedHash, stateHashIndex }) =>
      convergedHash === undefined || stateHashIndex === undefined ? [] : [{ agent, convergedHash, stateHashIndex }],
    );
    const sides = new Map<string, string[]>();
    for (const { agent, convergedHash } of told) sides.set(convergedHash, [...(sides.get(convergedHash) ?? []), agent]);
    const nowMs = ground.now();
    const agents = ground.agents();
    if (told.length === agents && sides.size === 1)
      return {
        held: true,
        measured: `${told.length} agents with one memory and the same proposals`,
        detail: "",
        brokenAtMs: null,
      };
    const placesNow = told.map(({ agent, stateHashIndex }) => `${agent} ${stateHashIndex}`).join();
    if (placesNow !== places) changedMs = nowMs;
    places = placesNow;
    if (nowMs - beganMs > Math.max(ground.boundMs, STILL_MS)) {
      if (told.length < agents) return `only ${told.length} of ${agents} agents could be asked`;
      if (nowMs - changedMs < STILL_MS)
        return "agents are still being written to, so nobody can say what all should have";
      const groups = [...sides.values()].map((same) => same.join(", "));
      return {
        held: false,
        measured: `${groups.length} different states`,
        detail: `What ${groups.join(" and ")} hold differs, ${Math.round(nowMs - beganMs)} ms after nothing was broken, and ${Math.round(nowMs - changedMs)} ms after anything came to any of them.`,
        brokenAtMs: null,
      };
    }
    await ground.sleep(LOOK_EVERY_MS);
  }
}
