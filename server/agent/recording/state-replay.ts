import type { ConsensusStatus } from "../../core/consensus.ts";
import { invariant } from "../../core/invariant.ts";
import { kindOf } from "../consensus/kind.ts";
import { Machine } from "../machine.ts";
import type { AgentConfig } from "../types.ts";
import type { LogBatch } from "../world.ts";
import type { StateBase } from "./header.ts";
import type { RecordingRecord } from "./records.ts";
import type { LifeReplay } from "./replay.ts";
import { withFields } from "./standing.ts";
import { LogTail } from "./tail.ts";

/**
 * From the middle of a life on, where the segments before are gone: the replicated state is told by the entries appended to the log (those applied, where the log is a journal) and the
 * index applied up to, and the consensus's status by what was recorded of it after every turn.
 */
export class StateReplay implements LifeReplay {
  readonly machine: Machine;
  readonly memory: Machine | undefined;
  readonly outputs = undefined;
  readonly #log: LogTail;
  #raft: ConsensusStatus;

  /** @throws MalformedBytes when the state is none */
  constructor(config: Pick<AgentConfig, "consensus">, { machine, applied, raft, tail, memory }: StateBase) {
    this.machine = new Machine({ ordered: kindOf(config).ordered });
    this.machine.restore(machine);
    this.memory = memory && new Machine({ ordered: false });
    this.memory?.restore(memory as Uint8Array);
    this.#raft = raft;
    this.#log = new LogTail({ entries: tail });
    this.#apply(applied);
  }

  get raft(): ConsensusStatus {
    return this.#raft;
  }

  report(): null {
    return null;
  }

  take(record: RecordingRecord): void {
    if (record.type === "appended") {
      const { snapshot } = record.batch;
      this.#log.appended(record.batch);
      // Another agent's, which took the place of entries that never came.
      if (snapshot !== undefined && snapshot.snapshot.index > this.machine.index)
        this.machine.restore(snapshot.snapshot.data);
    }
    if (record.type === "remembered") this.#remember(record.batch);
    if (record.type !== "stood") return;
    this.#apply(record.applied);
    this.#raft = withFields(this.#raft, record.raft);
  }

  #remember({ snapshot, entries }: LogBatch): void {
    if (snapshot !== undefined) this.memory?.restore(snapshot.snapshot.data);
    for (const entry of entries) this.memory?.apply(entry);
  }

  #apply(upTo: number): void {
    for (const entry of this.#log.after(this.machine.index)) {
      if (entry.index > upTo) break;
      this.machine.apply(entry);
      this.machine.takeObservations();
    }
    this.#log.drop(this.machine.index);
    invariant(this.machine.index === upTo, `entries up to ${upTo} were recorded`);
  }
}
