import type { ToldEvent } from "../contract/consensus.ts";
import type { FaultSpec } from "../contract/faults.ts";
import type { FaultPlan } from "../meshfile/faults/plan.ts";
import { FaultRefusal } from "../meshfile/faults/refusal.ts";
import { hasOpenTarget } from "../meshfile/faults/resolve.ts";
import type { FaultBoard } from "./faults.ts";
import type { Schedule } from "./schedule.ts";

/** Has a fault plan unfold in virtual time. */
export class PlanFollower {
  readonly #schedule: Schedule;
  readonly #plan: FaultPlan;
  readonly #board: Pick<FaultBoard, "inject">;
  readonly #retryMs: number;
  readonly #refused: ((fault: FaultSpec, why: string) => void) | undefined;
  #wakeMs = Number.POSITIVE_INFINITY;
  #stopped = false;

  /**
   * @param retryMs when a fault for somebody who is not there now is tried again
   * @param refused is told of one that never makes sense, or is not possible here; absent: it is thrown
   */
  constructor(
    schedule: Schedule,
    plan: FaultPlan,
    board: Pick<FaultBoard, "inject">,
    retryMs: number,
    refused?: (fault: FaultSpec, why: string) => void,
  ) {
    this.#schedule = schedule;
    this.#plan = plan;
    this.#board = board;
    this.#retryMs = retryMs;
    this.#refused = refused;
  }

  start(): void {
    this.#plan.start(this.#schedule.nowMs);
    this.#wakeInTime();
  }

  happened(event: ToldEvent): void {
    // In a running swarm the coordinator tells of the process, too.
    if (event.kind === "started") this.#tell({ kind: "processStarted" });
    this.#tell(event);
  }

  /** An agent's process ended. */
  crashed(): void {
    this.#tell({ kind: "processEnded" });
  }

  stop(): void {
    this.#stopped = true;
  }

  #tell(event: ToldEvent): void {
    if (!this.#stopped && this.#plan.event(event, this.#schedule.nowMs) === "due") this.#wakeInTime();
  }

  #wakeInTime(): void {
    const deadlineMs = this.#plan.deadline();
    if (deadlineMs >= this.#wakeMs) return;
    this.#wakeMs = deadlineMs;
    // Upwards, and always forward: what is due must be due at the wake.
    const delayUs = Math.max(1, Math.ceil((deadlineMs - this.#schedule.nowMs) * 1000));
    this.#schedule.after(delayUs, { happen: () => this.#wake(deadlineMs) });
  }

  #wake(deadlineMs: number): void {
    if (this.#stopped || deadlineMs !== this.#wakeMs) return;
    this.#wakeMs = Number.POSITIVE_INFINITY;
    for (const fault of this.#plan.due(this.#schedule.nowMs)) this.#inject(fault);
    this.#wakeInTime();
  }

  /** What an open target makes senseless now (nobody leads) waits. @throws FaultRefusal for what never makes sense, or is not possible here, where nobody is told */
  #inject(fault: FaultSpec): void {
    try {
      const { forMs } = this.#board.inject(fault).spec;
      this.#tell({ kind: "faultInjected" });
      if (forMs !== undefined) this.#schedule.afterMs(forMs, () => this.#tell({ kind: "faultHealed" }));
    } catch (error) {
      if (!(error instanceof FaultRefusal)) throw error;
      if (error.reason !== "notPossibleHere" && hasOpenTarget(fault))
        this.#plan.postpone(fault, this.#schedule.nowMs + this.#retryMs);
      else if (this.#refused) this.#refused(fault, error.message);
      else throw error;
    }
  }
}
