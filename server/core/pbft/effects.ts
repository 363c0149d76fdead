import type { AgentId, Configuration, DroppedProposal, Entry, Outgoing, ReadReady, Snapshot } from "../consensus.ts";
import { EntryKind } from "../consensus.ts";
import type { PbftHardState, PbftMessage, PbftObservation, PbftReady } from "./types.ts";

/**
 * What a replica wants of its agent, gathered until it is taken. The journal is among it: what a replica has signed must not be forgotten, so
 * that prepares and commits leave when the record that they follow from is durable.
 */
export class Effects {
  /** Bytes of the journal since it was last begun anew. */
  journalBytes = 0;
  committed: Entry[] = [];
  install: Snapshot | undefined;
  checkpoint: number | undefined;
  hardState: PbftHardState | undefined;
  #messages: Outgoing<PbftMessage>[] = [];
  #held: Outgoing<PbftMessage>[] = [];
  #records: Entry[] = [];
  /** Among those is one that is wanted on disk now. */
  #urgent = false;
  #snapshot: Snapshot | undefined;
  #observations: PbftObservation[] = [];
  #reads: ReadReady[] = [];
  #failedReads: number[] = [];
  #dropped: DroppedProposal[] = [];
  #whenDurable: (() => void)[] = [];
  /** Taken and not durable yet, oldest first. */
  #writing: { readonly id: number; readonly calls: readonly (() => void)[] }[] = [];
  #lastBatch = 0;
  #lastRecord: number;

  /** @param lastRecord the place of the journal's last record. */
  constructor(lastRecord: number) {
    this.#lastRecord = lastRecord;
  }

  send(to: AgentId, message: PbftMessage): void {
    this.#messages.push({ to, message });
  }

  /** Leaves when all that was journaled so far is durable. */
  sendDurably(to: AgentId, message: PbftMessage): void {
    this.#held.push({ to, message });
  }

  /** Called when all that was journaled so far is durable. */
  whenDurable(then: () => void): void {
    this.#whenDurable.push(then);
  }

  observe(observation: PbftObservation): void {
    this.#observations.push(observation);
  }

  readReady(readId: number, index: number): void {
    this.#reads.push({ readId, index });
  }

  readFailed(readId: number): void {
    this.#failedReads.push(readId);
  }

  drop(command: Uint8Array, reason: DroppedProposal["reason"]): void {
    this.#dropped.push({ command, reason });
  }

  /** @param view at present. */
  journal(record: Uint8Array, view: number): void {
    this.#urgent = true;
    this.journalInPassing(record, view);
  }

  /** The same for what may be lost in a crash: it is written with whatever is journaled next, or never. */
  journalInPassing(record: Uint8Array, view: number): void {
    this.journalBytes += record.length;
    this.#records.push({ index: ++this.#lastRecord, term: view, kind: EntryKind.command, timeMs: 0, data: record });
  }

  /** The journal begins anew: `data` stands for all that was in it. */
  journalAnew(data: Uint8Array, view: number, configuration: Configuration): void {
    this.journalBytes = 0;
    // Records that have not been taken are part of what the snapshot says.
    this.#records = [];
    this.#urgent = false;
    this.#snapshot = { index: this.#lastRecord, term: view, configuration, data };
  }

  /** A batch of the journal, and all before it, are durable. */
  persisted(batchId: number): void {
    const done = this.#writing.filter(({ id }) => id <= batchId);
    this.#writing = this.#writing.filter(({ id }) => id > batchId);
    for (const { calls } of done) for (const call of calls) call();
  }

  /** Whether there is anything to take. */
  get pending(): boolean {
    if (this.#persists || this.#messages.length > 0 || this.#held.length > 0 || this.#observations.length > 0)
      return true;
    if (this.committed.length > 0 || this.install !== undefined || this.checkpoint !== undefined) return true;
    return this.#reads.length > 0 || this.#failedReads.length > 0 || this.#dropped.length > 0;
  }

  take(): PbftReady {
    // Nothing left to write, and nothing under way: what waits for durability need not.
    if (this.#whenDurable.length > 0 && !this.#persists) {
      const under = this.#writing.at(-1);
      const calls = this.#whenDurable;
      this.#whenDurable = [];
      if (under === undefined) for (const call of calls) call();
      else this.#writing[this.#writing.length - 1] = { id: under.id, calls: [...under.calls, ...calls] };
    }
    const ready: PbftReady = {
      ...(this.#persists && { persist: this.#persist() }),
      messages: this.#messages,
      messagesAfterPersist: this.#held,
      ...(this.install !== undefined && { install: this.install }),
      committed: this.committed,
      ...(this.checkpoint !== undefined && { checkpoint: this.checkpoint }),
      reads: this.#reads,
      failedReads: this.#failedReads,
      droppedProposals: this.#dropped,
      observations: this.#observations,
    };
    this.#messages = [];
    this.#held = [];
    this.install = undefined;
    this.committed = [];
    this.checkpoint = undefined;
    this.#reads = [];
    this.#failedReads = [];
    this.#dropped = [];
    this.#observations = [];
    return ready;
  }

  get #persists(): boolean {
    return this.#urgent || this.hardState !== undefined || this.#snapshot !== undefined;
  }

  #persist(): NonNullable<PbftReady["persist"]> {
    const id = ++this.#lastBatch;
    const [hardState, snapshot] = [this.hardState, this.#snapshot];
    const persist = {
      id,
      ...(hardState !== undefined && { hardState }),
      ...(snapshot !== undefined && { snapshot: { snapshot, discardLog: true } }),
      entries: this.#records,
    };
    this.#writing.push({ id, calls: this.#whenDurable });
    this.#whenDurable = [];
    this.hardState = undefined;
    this.#snapshot = undefined;
    this.#records = [];
    this.#urgent = false;
    return persist;
  }
}
