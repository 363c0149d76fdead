import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LogSnapshot, RecoveredLog } from "../../../server/agent/world.ts";
import { type Entry, EntryKind } from "../../../server/core/consensus.ts";
import type { FileLog, FileLogOptions } from "../../../server/live/log/file-log.ts";
import { openLog } from "../../../server/live/log/open-folder.ts";
import { realSnapshotDisk, type SnapshotDisk } from "../../../server/live/log/snapshot-file.ts";

export const CONFIGURATION = {
  voters: ["a1", "a2", "a3"],
  outgoing: ["a1"],
  learners: ["a4", "ä5"],
  learnersNext: [],
  autoLeave: true,
};

/** The replicated state of these tests: the texts of all entries, in order. */
export function stateOf({ snapshot, entries }: Pick<RecoveredLog, "snapshot" | "entries">): string[] {
  const base = snapshot === undefined ? [] : (JSON.parse(Buffer.from(snapshot.data).toString()) as string[]);
  return [...base, ...entries.map(({ data }) => Buffer.from(data).toString())];
}

/** A snapshot of the first `index` texts. */
export function snapshotOf(texts: readonly string[], index: number, discardLog: boolean): LogSnapshot {
  const data = Buffer.from(JSON.stringify(texts.slice(0, index)));
  return { snapshot: { index, term: 1, configuration: CONFIGURATION, data }, discardLog };
}

export function entryOf(index: number, text: string, term = 1): Entry {
  return { index, term, kind: EntryKind.command, timeMs: 1000 + index, data: Buffer.from(text) };
}

/** A log that is written to as an agent does that waits for each batch, unless told otherwise. */
export class LogSubject {
  readonly folder: string;
  readonly log: FileLog;
  readonly recovered: RecoveredLog;
  readonly notes: string[];
  readonly failures: Error[] = [];
  /** All texts that were ever appended, and how many of them are durable. */
  readonly texts: string[];
  acknowledged: number;
  /** Batches that are not durable yet, besides compactions. */
  waiting = 0;

  constructor(folder: string, options: Partial<FileLogOptions> = {}) {
    this.folder = folder;
    this.notes = [];
    const opened = openLog({
      folder,
      sync: "inPlace",
      onDurable: () => {},
      onFailure: (error) => this.failures.push(error),
      onNote: (line) => this.notes.push(line),
      ...options,
    });
    this.log = opened.log;
    this.recovered = opened.recovered;
    this.notes.push(...opened.notes);
    this.texts = stateOf(opened.recovered);
    this.acknowledged = this.texts.length;
  }

  append(text: string, snapshot?: LogSnapshot): void {
    const index = this.texts.push(text);
    const hardState = { term: 1, votedFor: "a1", commit: index - 1 };
    this.waiting++;
    this.log.append({ ...(snapshot && { snapshot }), hardState, entries: [entryOf(index, text)] }, () => {
      this.waiting--;
      this.acknowledged = Math.max(this.acknowledged, index);
    });
    this.log.flush();
  }

  /** As after a compaction at `index`. */
  compact(index: number): void {
    this.log.append({ snapshot: snapshotOf(this.texts, index, false), entries: [] }, () => {});
    this.log.flush();
  }

  /** As after a snapshot of the leader that says more than this log does. */
  install(texts: readonly string[]): void {
    this.texts.splice(0, this.texts.length, ...texts);
    const hardState = { term: 2, votedFor: "", commit: texts.length };
    this.waiting++;
    this.log.append({ snapshot: snapshotOf(texts, texts.length, true), hardState, entries: [] }, () => {
      this.waiting--;
      this.acknowledged = texts.length;
    });
    this.log.flush();
  }
}

const COPY_TRIES = 50;

/** What a folder holds now, opened once. @throws LogDamaged */
export function reopened(
  folder: string,
): RecoveredLog & { readonly notes: readonly string[]; readonly state: string[] } {
  const { log, recovered, notes } = openLog({ folder, onDurable: () => {}, onFailure: () => {} });
  log.close();
  return { ...recovered, notes, state: stateOf(recovered) };
}

/** A copy of the folder as it is at this moment, beside it. Where a file goes while it is copied, which other threads of this process do, there was no such moment: once more. */
export function copied(folder: string, name: string): string {
  for (let tries = 1; ; tries++) {
    const copy = mkdtempSync(join(folder, "..", `${name}-`));
    try {
      cpSync(folder, copy, { recursive: true });
      return copy;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || tries === COPY_TRIES) throw error;
      rmSync(copy, { recursive: true });
    }
  }
}

/** A disk that calls `before` ahead of each of its steps; a file is closed before that, as it would be with a process that ends. */
export function watchedDisk(before: (step: string) => Promise<void> | void): SnapshotDisk {
  const disk = realSnapshotDisk;
  return {
    create: async (path) => {
      await before("create");
      const file = await disk.create(path);
      return {
        write: async (bytes, position) => {
          await before("write");
          return file.write(bytes, position);
        },
        sync: async () => {
          await before("sync");
          await file.sync();
        },
        close: async () => {
          await file.close();
          await before("close");
        },
      };
    },
    rename: async (from, to) => {
      await before("rename");
      await disk.rename(from, to);
    },
    syncFolder: async (folder) => {
      await before("syncFolder");
      await disk.syncFolder(folder);
    },
  };
}
