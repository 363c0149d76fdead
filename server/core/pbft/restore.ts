import type { JournalRecord } from "./journal.ts";
import type { PbftState } from "./state.ts";
import type { PbftHardState } from "./types.ts";

/** A replica takes up what its journal says, in the order it was written. */
export function restoreRecords(state: PbftState, hardState: PbftHardState, records: readonly JournalRecord[]): void {
  // What a crash tore apart: the journal may tell of a view that the hard state does not yet, and the other way around. It takes part in a view whose beginning is in the journal; the first one needs none.
  const began = records.findLast((record) => record.type === "view")?.view ?? 0;
  state.view = Math.max(hardState.term, began);
  state.active = began === state.view;
  for (const record of records) take(state, record);
  if (state.active) state.durableView = state.view;
  if (hardState.term !== state.view || (state.active && state.view > 0 && hardState.votedFor === ""))
    state.viewChanged();
  state.proposed = Math.max(state.proposed, state.viewFloor, state.executed, state.stable.seq);
}

function take(state: PbftState, record: JournalRecord): void {
  switch (record.type) {
    case "view":
      state.viewFloor = record.floor;
      break;
    case "stable":
      if (record.certificate.seq > state.stable.seq) state.stable = record.certificate;
      break;
    case "batch": {
      const { seq, digest, batch } = record;
      if (seq < state.slots.lowest) break;
      const slot = state.slots.at(seq);
      slot.keep(digest, batch);
      slot.becameDurable(digest);
      slot.journaled.push(digest);
      state.recoveredSeq = Math.max(state.recoveredSeq, seq);
      break;
    }
    case "accepted": {
      const { seq, view, digest, signature } = record;
      if (seq < state.slots.lowest) break;
      const slot = state.slots.at(seq);
      slot.accepted = { view, digest, signature };
      if (view !== state.view) break;
      state.proposed = Math.max(state.proposed, seq);
      if (state.primary === state.id) break;
      // The same bytes give the same signature: what was said before the crash, and nothing else.
      slot.prepares.set(state.id, { view, digest, signature: state.signOrder("prepare", view, seq, digest) });
      break;
    }
    case "prepared": {
      const { certificate } = record;
      state.prepared = Math.max(state.prepared, certificate.seq);
      if (certificate.seq >= state.slots.lowest) state.slots.at(certificate.seq).prepared = certificate;
      break;
    }
    case "decided":
      if (record.seq >= state.slots.lowest) state.slots.at(record.seq).knownDecided = record.digest;
      break;
  }
}
