import type { AgentId, Entry, Snapshot } from "../core/consensus.ts";
import { invariant } from "../core/invariant.ts";
import type { Clients } from "./clients.ts";
import type { Compaction } from "./compaction.ts";
import type { AgentConsensus } from "./consensus/kind.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Duties } from "./duties.ts";
import type { Machine } from "./machine.ts";
import { machineEvent } from "./machine-events.ts";
import type { Cause, Timeline } from "./timeline.ts";
import type { World } from "./world.ts";

export interface ReplicaParts {
  readonly self: AgentId;
  readonly consensus: AgentConsensus;
  readonly machine: Machine;
  readonly compaction: Compaction;
  readonly world: Pick<World, "applied" | "restored">;
  readonly clients: Clients;
  readonly duties: Duties;
  readonly dispatcher: Dispatcher;
  readonly timeline: Timeline;
}

/** Brings the replicated machine on: by what was decided, or by another agent's state. Whoever waits for that is told. */
export class Replica {
  readonly #parts: ReplicaParts;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
  }

  /** @returns the last event that gave this agent something to do. */
  apply(entries: readonly Entry[], cause: Cause | undefined, now: number): Cause | undefined {
    if (entries.length === 0) return undefined;
    const { self, consensus, machine, compaction, world, clients, duties, timeline } = this.#parts;
    let duty: Cause | undefined;
    compaction.applied(entries);
    for (const entry of entries) {
      const applied = machine.apply(entry);
      if (applied?.type === "write") clients.applied(applied);
      else if (applied !== undefined) duties.renewed(applied);
      for (const observation of machine.takeObservations()) {
        if (entry.index <= consensus.recovered().commit) continue;
        const { kind, fields } = machineEvent(observation, machine.proposals);
        const observed = timeline.record(kind, now, cause, fields);
        const mine = kind === "taskLeased" && fields.agent === self;
        if (mine || kind === "proposalSubmitted") duty = observed;
      }
    }
    world.applied?.(entries);
    this.#changed();
    return duty;
  }

  /** The leader sent its state: this agent was too far behind for entries. */
  install(snapshot: Snapshot): void {
    const { machine, compaction, world, clients } = this.#parts;
    restore(machine, compaction, snapshot);
    world.restored?.(snapshot);
    clients.restored();
    this.#changed();
  }

  #changed(): void {
    this.#parts.duties.changed();
    this.#parts.dispatcher.changed();
  }
}

/** Replaces the machine's state. */
export function restore(machine: Machine, compaction: Compaction, { index, data }: Snapshot): void {
  machine.restore(data);
  invariant(machine.index === index, `a snapshot up to ${index} holds the state up to ${machine.index}`);
  compaction.restored(data.length);
}
