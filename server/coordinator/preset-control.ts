/** Presets that a person asked for: each unfolds as a plan of its own, is listed while it runs, and is stopped by healing it. */
import type { ActivePreset, FaultSpec } from "../contract/faults.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import type { PlanMesh } from "../meshfile/faults/presets.ts";
import { PlanRunner } from "./fault-plan.ts";
import type { JournaledPlan } from "./plan-checks.ts";

/** As the journal keeps it. */
export interface JournaledPreset extends ActivePreset {
  /** What has not happened yet; null: nothing, but what happened may be active. */
  readonly plan: JournaledPlan | null;
}

export interface PresetGround {
  readonly mesh: PlanMesh;
  /** Those of the journal, in the order in which they began. */
  readonly journaled: () => readonly JournaledPreset[];
  /** Replaces them. @throws Refusal when they cannot be written */
  readonly write: (presets: readonly JournaledPreset[]) => void;
  /** A step of the preset. @throws FaultRefusal when it makes no sense now, Refusal */
  readonly inject: (fault: FaultSpec, preset: string) => Promise<unknown>;
  /** Whether something that the preset did is active. */
  readonly holds: (preset: string) => boolean;
  readonly changed: () => void;
  readonly notice: (level: "warning" | "error", message: string) => void;
}

export class PresetControl {
  readonly #ground: PresetGround;
  readonly #runners = new Map<string, PlanRunner>();

  constructor(ground: PresetGround) {
    this.#ground = ground;
  }

  get active(): readonly ActivePreset[] {
    return this.#ground.journaled().map(({ plan: _, ...preset }) => preset);
  }

  has(id: string): boolean {
    return this.#runners.has(id);
  }

  /** @throws Refusal when it cannot be written down */
  begin(preset: ActivePreset): void {
    this.#ground.write([...this.#ground.journaled(), { ...preset, plan: null }]);
    this.#runner(preset.id).begin([{ trigger: { on: "time", atMs: 0 }, fault: preset.spec }], null);
    this.#ground.changed();
  }

  /** Goes on with those that an earlier coordinator left. The faults must have been restored. */
  restore(): void {
    for (const { id, plan } of this.#ground.journaled()) {
      const runner = this.#runner(id);
      if (plan !== null) runner.resume(plan);
    }
    this.settle();
  }

  happened(events: readonly TimelineEvent[]): void {
    for (const runner of this.#runners.values()) runner.happened(events);
  }

  /** Nothing of it happens any more; what it did stays as it is. @throws Refusal when that cannot be written down */
  stop(id: string): void {
    this.#ground.write(this.#ground.journaled().filter((preset) => preset.id !== id));
    this.#runners.get(id)?.close();
    this.#runners.delete(id);
    this.#ground.changed();
  }

  /** Forgets those of which nothing is to come and nothing is active. */
  settle(): void {
    for (const [id, runner] of [...this.#runners]) {
      if (!runner.over || this.#ground.holds(id)) continue;
      try {
        this.stop(id);
      } catch (error) {
        this.#ground.notice("error", error instanceof Error ? error.message : String(error));
      }
    }
  }

  close(): void {
    for (const runner of this.#runners.values()) runner.close();
  }

  #runner(id: string): PlanRunner {
    const { mesh, notice, inject } = this.#ground;
    const runner = new PlanRunner({
      mesh,
      notice,
      inject: (fault) => inject(fault, id),
      write: (plan) =>
        this.#ground.write(this.#ground.journaled().map((preset) => (preset.id === id ? { ...preset, plan } : preset))),
      settled: () => this.settle(),
    });
    this.#runners.set(id, runner);
    return runner;
  }
}
