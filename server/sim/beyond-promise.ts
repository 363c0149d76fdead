import type { Effect } from "../contract/faults.ts";
import type { Mesh } from "../contract/mesh.ts";
import { withDefaults } from "../core/gossip/config.ts";
import { faultsToleratedBy } from "../core/pbft/replicas.ts";
import { CLOCK_DRIFT_BOUND } from "../core/raft/state.ts";
import { compareText } from "../core/text.ts";

const LEASES_MAY_FAIL = `reads by lease while clocks run more than ${CLOCK_DRIFT_BOUND} times as fast as others`;

/** Gossip, of a swarm or of its memory, believes no clock that is further ahead. */
const { maxAheadMs: MAX_AHEAD_MS } = withDefaults({ id: "", members: [], fanout: 1, antiEntropyMs: 1 });

/** What befell a mesh that its consensus does not promise to survive: what breaks then is no fault of the agents. */
export class BeyondPromise {
  readonly #mesh: Pick<Mesh, "consensus" | "memory" | "agents" | "reads">;
  readonly #liars = new Set<string>();
  readonly #reasons = new Set<string>();

  constructor(mesh: Pick<Mesh, "consensus" | "memory" | "agents" | "reads">) {
    this.#mesh = mesh;
  }

  /** A fault began. @param clockRatio how many times as fast as the slowest clock the fastest runs now */
  fault(title: string, effects: readonly Effect[], clockRatio: number): void {
    const { consensus, memory, reads } = this.#mesh;
    for (const effect of effects) {
      if (effect.on === "byzantine") this.#liars.add(effect.agent);
      if (effect.on === "byzantine" && consensus !== "pbft") this.#reasons.add(title);
      // What is written there is held back by the others until their clocks are as far.
      if (effect.on === "clock" && memory === "eventual" && effect.skewMs > MAX_AHEAD_MS) this.#reasons.add(title);
      // It loses what it said was safe.
      if (effect.on === "disk" && effect.disk.trouble === "lostSyncs") this.#reasons.add(title);
    }
    if (reads === "lease" && clockRatio > CLOCK_DRIFT_BOUND) this.#reasons.add(LEASES_MAY_FAIL);
  }

  /** Whether this agent may lie, now that others have, and the consensus still promises all. */
  mayLie(agent: string): boolean {
    const { consensus, agents } = this.#mesh;
    if (consensus !== "pbft") return false;
    return this.#liars.has(agent) || this.#liars.size < faultsToleratedBy(agents.length);
  }

  /** Each once. */
  get reasons(): readonly string[] {
    const { consensus, agents } = this.#mesh;
    const survived = faultsToleratedBy(agents.length);
    if (consensus !== "pbft" || this.#liars.size <= survived) return [...this.#reasons];
    const liars = [...this.#liars].sort(compareText).join(", ");
    return [...this.#reasons, `${this.#liars.size} agents lie (${liars}), and no more than ${survived} are survived`];
  }
}
