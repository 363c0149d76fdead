/** Bytes of notes in one life; together with the older file that spawn.ts keeps, what an agent's output can take. */
const MAX_LIFE_BYTES = 1024 * 1024;

/** Writes an agent's notes to its output, a line each with the time, up to a bound. */
export class OutputLog {
  readonly #write: (line: string) => void;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(write: (line: string) => void, maxBytes = MAX_LIFE_BYTES) {
    this.#write = write;
    this.#maxBytes = maxBytes;
  }

  readonly note = (text: string): void => {
    if (this.#bytes > this.#maxBytes) return;
    const line = `${new Date().toISOString()} ${text}\n`;
    this.#bytes += Buffer.byteLength(line);
    this.#write(this.#bytes > this.#maxBytes ? `${line}Further notes of this life are left out.\n` : line);
  };
}
