/** Keeps the newest and the most recently read chunks in memory and the others on disk, in a folder of the swarm's that goes with it. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TimelineEvent } from "../../contract/timeline.ts";
import type { Chunk } from "./chunk.ts";
import { decodeChunk, encodeChunk } from "./chunk-codec.ts";

export interface SpillOptions {
  /** Made when first needed. What an earlier coordinator left there is removed. */
  readonly folder: string;
  /** Chunks whose events may be in memory. */
  readonly chunksInMemory: number;
  /** Once, when the disk refuses: everything is then kept in memory. */
  readonly onProblem: (message: string) => void;
}

export class Spill {
  readonly #options: SpillOptions;
  readonly #inMemory = new Set<Chunk>();
  #uses = 0;
  #writing: Promise<void> | undefined;
  #broken = false;
  #folderMade = false;

  constructor(options: SpillOptions) {
    this.#options = options;
    rmSync(options.folder, { recursive: true, force: true });
  }

  /** The chunk's events, read from disk when they are not in memory. @throws when its file is gone or damaged */
  eventsOf(chunk: Chunk): TimelineEvent[] {
    chunk.lastUsed = ++this.#uses;
    this.#inMemory.add(chunk);
    chunk.events ??= decodeChunk(readFileSync(this.#path(chunk)));
    return chunk.events;
  }

  /** Writes out what is too much, in the background. To be called after insertions and reads. */
  trim(newest: Chunk | undefined): void {
    if (this.#writing !== undefined || this.#broken || this.#inMemory.size <= this.#options.chunksInMemory) return;
    this.#writing = this.#write(newest)
      .catch((error: unknown) => {
        this.#broken = true;
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.onProblem(
          `The timeline's older part is kept in memory: it cannot be written to disk (${reason}).`,
        );
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async dispose(): Promise<void> {
    this.#broken = true;
    await this.#writing;
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  get chunksInMemory(): number {
    return this.#inMemory.size;
  }

  async #write(newest: Chunk | undefined): Promise<void> {
    const least = [...this.#inMemory].filter((chunk) => chunk !== newest).sort((a, b) => a.lastUsed - b.lastUsed);
    for (const chunk of least.slice(0, this.#inMemory.size - this.#options.chunksInMemory)) {
      if (chunk.savedVersion !== chunk.version) {
        const { version } = chunk;
        const bytes = await encodeChunk(chunk.events!);
        if (!this.#folderMade) mkdirSync(this.#options.folder, { recursive: true });
        this.#folderMade = true;
        const path = this.#path(chunk);
        await writeFile(`${path}.new`, bytes);
        await rename(`${path}.new`, path);
        chunk.savedVersion = version;
      }
      // It may have grown while it was written; then its turn comes again.
      if (chunk.savedVersion !== chunk.version) continue;
      chunk.events = undefined;
      this.#inMemory.delete(chunk);
    }
  }

  #path(chunk: Chunk): string {
    return join(this.#options.folder, `${chunk.number}.events`);
  }
}
