/** Where a command's answer goes: text for people, or JSON for programs; never both. */
export class Output {
  readonly #json: boolean;
  #passing = false;
  #closed: (() => void) | undefined;

  constructor(json: boolean) {
    this.#json = json;
    // Whoever read this has gone (`agent-mesh tasks | head -1`): nothing more to say, and no reason to complain.
    process.stdout.on("error", () => (this.#closed ?? (() => process.exit()))());
    // Nobody is left to be told of it.
    process.stderr.on("error", () => undefined);
  }

  get json(): boolean {
    return this.#json;
  }

  /** What to do when nobody reads the answer any more, instead of ending at once. */
  onClosed(listener: () => void): void {
    this.#closed = listener;
  }

  /** The answer of a command: one JSON document, or its text. */
  answer(value: unknown, text: () => string): void {
    process.stdout.write(this.#json ? `${JSON.stringify(value)}\n` : `${text()}\n`);
  }

  /** One of many: a JSON line `{type, ...}`, or a line of text (undefined: nothing for people). */
  line(type: string, value: object, text: string | undefined): void {
    if (this.#json) process.stdout.write(`${JSON.stringify({ type, ...value })}\n`);
    else if (text !== undefined) process.stdout.write(`${this.#wiped()}${text}\n`);
  }

  /** For people at a terminal: a line that the next one takes the place of. Elsewhere nothing. */
  passing(text: string): void {
    if (this.#json || !process.stdout.isTTY) return;
    process.stdout.write(`${this.#wiped()}${text.slice(0, (process.stdout.columns || 80) - 1)}`);
    this.#passing = true;
  }

  /** A task's own output, as it is, for people. */
  raw(stream: "stdout" | "stderr", text: string): void {
    if (!this.#json) process[stream].write(text);
  }

  /** What a person should know beside the answer, on stderr. */
  note(message: string): void {
    process.stderr.write(
      this.#json ? `${JSON.stringify({ type: "note", message })}\n` : `${this.#wiped()}agent-mesh: ${message}\n`,
    );
  }

  /** What went wrong, on stderr, as `{type: "error", message}` with --json. */
  problem(message: string): void {
    process.stderr.write(
      this.#json ? `${JSON.stringify({ type: "error", message })}\n` : `${this.#wiped()}agent-mesh: ${message}\n`,
    );
  }

  /** Takes the passing line away; stdout and stderr are the same terminal where there is one. */
  #wiped(): string {
    const wipe = this.#passing ? "\r\u001b[K" : "";
    this.#passing = false;
    return wipe;
  }
}
