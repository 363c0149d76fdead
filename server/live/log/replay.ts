import type { RecoveredLog, Snapshot } from "../../agent/world.ts";
import type { Entry } from "../../core/consensus.ts";
import type { HardState } from "../../core/raft/types.ts";
import type { SnapshotReference, StoredBatch } from "./batch-codec.ts";
import { SnapshotDamaged } from "./snapshot-file.ts";

/** What to start from: a snapshot that a batch refers to, or the empty state before the first entry. */
interface Base {
  /** The batch that refers to it; -1: none does, it is the empty state. */
  readonly at: number;
  readonly snapshot: Snapshot | undefined;
}

export interface Replayed {
  readonly log: RecoveredLog;
  /** The snapshot it starts from. */
  readonly used: SnapshotReference | undefined;
  /** Newer ones that could not be used, and why. */
  readonly damaged: readonly DamagedSnapshot[];
}

export interface DamagedSnapshot {
  readonly reference: SnapshotReference;
  readonly why: string;
}

/** No snapshot that is whole has all of the log behind it. */
export class NotRecoverable extends Error {
  override readonly name = "NotRecoverable";
  readonly damaged: readonly DamagedSnapshot[];

  constructor(why: string, damaged: readonly DamagedSnapshot[]) {
    super(why);
    this.damaged = damaged;
  }
}

/**
 * What the batches of all records, in order, amount to: the newest whole snapshot and the entries behind it. An older one serves as well when all of the
 * log behind it is there.
 * @param fromFirst whether these are all batches that were ever written: then the empty state serves, too
 * @param read loads a snapshot; may throw SnapshotDamaged
 * @throws NotRecoverable
 */
export function replay(
  batches: readonly StoredBatch[],
  fromFirst: boolean,
  read: (reference: SnapshotReference) => Snapshot,
): Replayed {
  const damaged: DamagedSnapshot[] = [];
  let why = "";
  for (let at = batches.length - 1; at >= 0; at--) {
    const reference = batches[at]?.snapshot;
    if (reference === undefined) continue;
    try {
      const snapshot = read(reference);
      if (snapshot.index !== reference.index || snapshot.term !== reference.term)
        throw new SnapshotDamaged(`it holds entry ${snapshot.index}, where ${reference.index} was written`);
      const found = entriesBehind(batches, { at, snapshot });
      if ("entries" in found) return { log: { ...found, snapshot }, used: reference, damaged };
      why ||= found.gap;
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
      damaged.push({ reference, why: error.message });
    }
  }
  if (!fromFirst) throw new NotRecoverable(why, damaged);
  const found = entriesBehind(batches, { at: -1, snapshot: undefined });
  if (!("entries" in found)) throw new NotRecoverable(why || found.gap, damaged);
  return { log: found, used: undefined, damaged };
}

/** The last hard state, and the entries behind a base; or the place where some are missing. */
function entriesBehind(
  batches: readonly StoredBatch[],
  base: Base,
): { readonly hardState: HardState; readonly entries: readonly Entry[] } | { readonly gap: string } {
  const first = (base.snapshot?.index ?? 0) + 1;
  let hardState: HardState = { term: 0, votedFor: "", commit: 0 };
  const entries: Entry[] = [];
  let gap = "";
  batches.forEach((batch, at) => {
    if (batch.hardState !== undefined) hardState = batch.hardState;
    if (batch.snapshot?.discardLog === true) {
      // One that is newer than the base cannot be done without: what it stands for is nowhere else.
      gap =
        at > base.at
          ? `the entries before ${batch.snapshot.index + 1} are only in snapshot ${batch.snapshot.number}`
          : "";
      entries.length = 0;
    }
    for (const entry of batch.entries) {
      const next = first + entries.length;
      if (entry.index < first) {
        // What is behind it had been written before it, and it replaced that, too.
        entries.length = 0;
        if (at <= base.at) gap = "";
      } else if (entry.index > next) {
        gap ||= `entry ${entry.index} follows entry ${next - 1}`;
      } else {
        entries.length = entry.index - first;
        entries.push(entry);
      }
    }
  });
  return gap === "" ? { hardState, entries } : { gap };
}
