import { type AgentId, EntryKind } from "../../../core/consensus.ts";
import { makeEntry } from "../../../core/raft/log.ts";
import { retold, type Told } from "../told.ts";
import type { Liar } from "./liar.ts";

const NOTHING = new Uint8Array(0);

/** Every other agent is told, where there is a command in the log, that the entry is empty: index and term are the same. */
export class Equivocator implements Liar {
  tell(told: Told, roster: readonly AgentId[]): readonly Told[] {
    const { message } = told;
    if (message.type !== "append" || roster.indexOf(told.to) % 2 === 0) return [told];
    if (!message.entries.some(({ kind }) => kind === EntryKind.command)) return [told];
    const entries = message.entries.map((entry) =>
      entry.kind === EntryKind.command
        ? makeEntry(entry.index, entry.term, EntryKind.noop, entry.timeMs, NOTHING)
        : entry,
    );
    return [retold(told, { ...message, entries })];
  }
}
