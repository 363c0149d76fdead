/** Has a mesh file's fault plan unfold in a running swarm. What has not happened yet is in the journal, so that a later coordinator goes on with it. */
import { randomBytes } from "node:crypto";
import type { Chaos, FaultSpec } from "../contract/faults.ts";
import type { PlannedFault } from "../contract/mesh.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import { seededRandom } from "../core/random.ts";
import { FaultPlan } from "../meshfile/faults/plan.ts";
import type { PlanMesh } from "../meshfile/faults/presets.ts";
import { FaultRefusal } from "../meshfile/faults/refusal.ts";
import { hasOpenTarget } from "../meshfile/faults/resolve.ts";
import type { JournaledPlan } from "./plan-checks.ts";
import { messageOf } from "./refusal.ts";

export interface PlanGround {
  readonly mesh: PlanMesh;
  /** @throws FaultRefusal when it makes no sense now, Refusal */
  readonly inject: (fault: FaultSpec) => Promise<unknown>;
  /** null: nothing is left of it. @throws Refusal when it cannot be written */
  readonly write: (plan: JournaledPlan | null) => void;
  readonly notice: (level: "warning" | "error", message: string) => void;
  /** A fault that was due has been injected, has failed, or waits. */
  readonly settled?: () => void;
}

const LONGEST_TIMER_MS = 2 ** 30;
/** How late a count of events may be in the journal: events come in thousands. */
const COUNTS_WRITTEN_MS = 100;

export class PlanRunner {
  readonly #ground: PlanGround;
  #running: (Omit<JournaledPlan, "state"> & { readonly plan: FaultPlan }) | undefined;
  /** Events from before are not the plan's. */
  #sinceMs = 0;
  /** Faults that are tried again until somebody is there whom they hit. */
  readonly #waiting = new Set<FaultSpec>();
  /** Faults that are being injected. */
  #underWay = 0;
  #timer: NodeJS.Timeout | undefined;
  #writeTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(ground: PlanGround) {
    this.#ground = ground;
  }

  /** From now on. */
  begin(faults: readonly PlannedFault[], chaos: Chaos | null): void {
    if (faults.length === 0 && chaos === null) return;
    const seed = randomBytes(16).toString("hex");
    const plan = this.#follow({ seed, faults, chaos });
    plan.start(this.#sinceMs);
    this.#write();
    this.#wakeInTime();
  }

  /** Goes on where an earlier coordinator was. What was due in between does not happen. */
  resume({ state, ...rest }: JournaledPlan): void {
    const plan = this.#follow(rest);
    const missed = plan.resume(state, this.#sinceMs);
    if (missed > 0) {
      this.#ground.notice(
        "warning",
        missed === 1
          ? "A planned fault fell into the time without a coordinator and did not happen."
          : `${missed} planned faults fell into the time without a coordinator and did not happen.`,
      );
      this.#write();
    }
    this.#wakeInTime();
  }

  /** Nothing of it is still to come. */
  get over(): boolean {
    return this.#waiting.size === 0 && this.#underWay === 0 && (this.#running?.plan.over ?? true);
  }

  happened(events: readonly TimelineEvent[]): void {
    if (this.#running === undefined || this.#closed) return;
    const outcomes = events.map((event) =>
      event.hlc.wallMs >= this.#sinceMs ? this.#running?.plan.event(event, Date.now()) : undefined,
    );
    if (outcomes.includes("due")) {
      this.#write();
      this.#wakeInTime();
    } else if (outcomes.includes("counted")) {
      this.#writeTimer ??= setTimeout(() => this.#write(), COUNTS_WRITTEN_MS);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#writeTimer);
  }

  #follow(rest: Omit<JournaledPlan, "state">): FaultPlan {
    const plan = new FaultPlan(rest.faults, rest.chaos, this.#ground.mesh, seededRandom(rest.seed));
    this.#running = { ...rest, plan };
    this.#sinceMs = Date.now();
    return plan;
  }

  #wakeInTime(): void {
    const deadlineMs = this.#running?.plan.deadline() ?? Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
    if (deadlineMs === Number.POSITIVE_INFINITY || this.#closed) return;
    const delayMs = Math.min(Math.max(0, deadlineMs - Date.now()), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#wake(), delayMs);
  }

  #wake(): void {
    if (this.#running === undefined || this.#closed) return;
    const due = this.#running.plan.due(Date.now());
    // Before they act: none happens twice. Those that wait are written when they began to, and when they are done.
    if (due.some((fault) => !this.#waiting.has(fault))) this.#write();
    for (const fault of due) void this.#inject(fault);
    this.#wakeInTime();
  }

  async #inject(fault: FaultSpec): Promise<void> {
    this.#underWay++;
    await this.#try(fault);
    this.#underWay--;
    this.#ground.settled?.();
  }

  async #try(fault: FaultSpec): Promise<void> {
    try {
      await this.#ground.inject(fault);
    } catch (error) {
      if (error instanceof FaultRefusal && error.reason !== "notPossibleHere" && hasOpenTarget(fault)) {
        this.#wait(fault);
        return;
      }
      if (!this.#closed)
        this.#ground.notice("warning", `A planned fault (${fault.kind}) did not happen. ${messageOf(error)}`);
    }
    if (this.#waiting.delete(fault)) this.#write();
  }

  /** Nobody leads, as a rule. */
  #wait(fault: FaultSpec): void {
    if (this.#running === undefined || this.#closed) return;
    this.#running.plan.postpone(fault, Date.now() + this.#ground.mesh.timing.heartbeatMs);
    if (!this.#waiting.has(fault)) {
      this.#waiting.add(fault);
      this.#write();
    }
    this.#wakeInTime();
  }

  #write(): void {
    clearTimeout(this.#writeTimer);
    this.#writeTimer = undefined;
    if (this.#running === undefined || this.#closed) return;
    const { plan, ...rest } = this.#running;
    try {
      this.#ground.write(plan.over ? null : { ...rest, state: plan.state });
    } catch (error) {
      // The plan goes on here; a later coordinator would not know of it.
      this.#ground.notice("error", `What is left of the fault plan could not be written down. ${messageOf(error)}`);
    }
  }
}
