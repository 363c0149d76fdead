import type { ActiveFault, ActivePreset, FaultSpec, PresetSpec } from "../../contract/faults.ts";
import type { JournaledFault } from "../fault-journal.ts";
import type { Mesh } from "../fault-rules.ts";
import { namesNobody } from "../leaderless.ts";
import { Refusal } from "../refusal.ts";
import type { ShownFaults } from "../shown-swarm.ts";
import type { WatchedFaultsNow } from "./protocol.ts";
import type { SimulationThread } from "./simulation-thread.ts";

/** Faults of a simulated swarm: the simulated world does them all, also those that no operating system could. */
export class SimulatedFaults implements ShownFaults {
  readonly #thread: Pick<SimulationThread, "ask">;
  readonly #mesh: Mesh;
  #now: WatchedFaultsNow = { active: [], presets: [], liars: [] };

  constructor(thread: Pick<SimulationThread, "ask">, mesh: Mesh) {
    this.#thread = thread;
    this.#mesh = mesh;
  }

  get active(): readonly JournaledFault[] {
    return this.#now.active;
  }

  get presets(): readonly ActivePreset[] {
    return this.#now.presets;
  }

  /** As the thread tells them. */
  now(now: WatchedFaultsNow): void {
    this.#now = now;
  }

  async inject(fault: FaultSpec): Promise<ActiveFault> {
    const nobody = namesNobody(fault, this.#mesh);
    if (nobody !== undefined) throw new Refusal("refused", nobody);
    return (await this.#thread.ask({ ask: "inject", fault }, "fault")).fault;
  }

  async injectPreset(preset: PresetSpec): Promise<ActivePreset> {
    return (await this.#thread.ask({ ask: "injectPreset", preset }, "preset")).preset;
  }

  async heal(fault: string): Promise<readonly string[]> {
    return (await this.#thread.ask({ ask: "heal", fault }, "healed")).healed;
  }

  async healAll(): Promise<readonly string[]> {
    return (await this.#thread.ask({ ask: "heal" }, "healed")).healed;
  }
}
