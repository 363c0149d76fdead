/** One that listens to the coordinator: the editor, or a client of the control socket. Each says for itself what it wants to hear of. */
import type { CoordinatorNotifications, CoordinatorRequests } from "../contract/coordinator.ts";
import type { SwarmView } from "../contract/swarm.ts";
import type { Notify } from "./outbox.ts";
import { Outbox } from "./outbox.ts";
import type { ShownSwarm } from "./shown-swarm.ts";

type Subscription = CoordinatorRequests["subscribe"]["params"];

export class Consumer {
  readonly #outbox: Outbox;
  #subscription: Subscription = { swarms: false, timeline: false, metrics: false };

  constructor(notify: Notify) {
    this.#outbox = new Outbox(notify);
  }

  /** What changed while nobody listened is sent at once, as it is now. */
  subscribe(subscription: Subscription, swarms: Iterable<ShownSwarm>): void {
    this.#subscription = subscription;
    for (const swarm of swarms) {
      this.changed(swarm);
      this.timelineGrew(swarm);
    }
  }

  changed(swarm: ShownSwarm): void {
    if (this.#subscription.swarms)
      this.#outbox.state("swarmChanged", swarm.id, () => (swarm.over ? null : swarm.view()));
  }

  over(view: SwarmView): void {
    if (this.#subscription.swarms) this.#outbox.once("swarmChanged", view);
  }

  timelineGrew(swarm: ShownSwarm): void {
    if (!this.#subscription.timeline) return;
    const { id, timeline } = swarm;
    this.#outbox.state("timelineGrew", id, () =>
      swarm.over ? null : { swarm: id, stored: timeline.stored, lastMs: timeline.lastMs },
    );
  }

  metricsSampled(swarm: ShownSwarm, atMs: number): void {
    if (this.#subscription.metrics) this.#outbox.state("metricsSampled", swarm.id, () => ({ swarm: swarm.id, atMs }));
  }

  /** Of an operation that this consumer asked for; every stage is told, of each the newest count. */
  progress(progress: CoordinatorNotifications["progress"]): void {
    this.#outbox.state("progress", `${progress.operation} ${progress.stage}`, () => progress);
  }

  output(output: CoordinatorNotifications["taskOutput"]): void {
    this.#outbox.output(output);
  }

  once<N extends "taskFinished" | "proposalDecided" | "notice">(name: N, params: CoordinatorNotifications[N]): void {
    this.#outbox.once(name, params);
  }

  /** Ends when it has been told all that happened so far. */
  told(): Promise<void> {
    return this.#outbox.sent();
  }

  close(): void {
    this.#outbox.close();
  }
}
