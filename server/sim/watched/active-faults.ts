import type { ActiveFault, Effect } from "../../contract/faults.ts";
import type { Fields } from "../../contract/timeline.ts";
import type { Link } from "../../core/overlay/types.ts";
import { EPOCH_MS } from "../clock.ts";

/** For the timeline. agent: the only one it concerns; undefined: it concerns several. */
export type TellFault = (kind: "faultInjected" | "faultHealed", agent: string | undefined, fields: Fields) => void;

/** One that is active, with what it does; of links only what is done to those that are there. Times are of the swarm's clocks, ms since the epoch. */
export interface WatchedFault extends ActiveFault {
  readonly effects: readonly Effect[];
}

/** Who injects what is being injected. */
export interface Origin {
  readonly source: ActiveFault["source"];
  readonly preset?: string;
}

/** The faults of a simulated swarm as they are shown: what the fault board holds, and who was made to lie. */
export class ActiveFaults {
  readonly #faults = new Map<string, WatchedFault>();
  readonly #linked: ReadonlySet<string>;
  readonly #tell: TellFault;
  /** Who was made to lie at any time: its word proves nothing. */
  readonly liars = new Set<string>();

  constructor(links: readonly Link[], tell: TellFault) {
    this.#linked = new Set(links.flatMap(({ a, b }) => [`${a}>${b}`, `${b}>${a}`]));
    this.#tell = tell;
  }

  get all(): readonly WatchedFault[] {
    return [...this.#faults.values()];
  }

  get(id: string): WatchedFault | undefined {
    return this.#faults.get(id);
  }

  /** A fault has begun on the board. @param fault its times in virtual ms */
  began(fault: ActiveFault, effects: readonly Effect[], { source, preset }: Origin): void {
    const shown = effects.filter((effect) => effect.on !== "link" || this.#linked.has(`${effect.from}>${effect.to}`));
    for (const effect of effects) if (effect.on === "byzantine") this.liars.add(effect.agent);
    const sinceMs = EPOCH_MS + fault.sinceMs;
    const untilMs = fault.untilMs === null ? null : EPOCH_MS + fault.untilMs;
    const title = source === "itself" ? `${fault.agents.join(", ")} crashed by itself` : fault.title;
    const of = preset === undefined ? {} : { preset };
    const active: WatchedFault = { ...fault, title, sinceMs, untilMs, source, ...of, effects: shown };
    this.#faults.set(fault.id, active);
    const { agents, spec } = active;
    this.#tell("faultInjected", laneOf(active), { fault: fault.id, kind: spec.kind, agents, title, source });
  }

  /** Something on the board began or ended. @param held what is on it now */
  changed(held: readonly { readonly id: string }[]): void {
    const ids = new Set(held.map(({ id }) => id));
    for (const fault of this.all) {
      if (ids.has(fault.id)) continue;
      this.#faults.delete(fault.id);
      const { id, agents, title, spec } = fault;
      this.#tell("faultHealed", laneOf(fault), { fault: id, kind: spec.kind, agents, title });
    }
  }
}

function laneOf({ spec, agents }: ActiveFault): string | undefined {
  return agents.length === 1 && spec.kind !== "partition" ? agents[0] : undefined;
}
