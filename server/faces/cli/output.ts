/** Where a command's answer goes: text for people, or JSON for programs; never both. */
export class Output {
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
  }

  get json(): boolean {
    return this.#json;
  }

  /** The answer of a command: one JSON document, or its text. */
  answer(value: unknown, text: () => string): void {
    process.stdout.write(this.#json ? `${JSON.stringify(value)}\n` : `${text()}\n`);
  }

  /** One of many: a JSON line `{type, ...}`, or a line of text (undefined: nothing for people). */
  line(type: string, value: object, text: string | undefined): void {
    if (this.#json) process.stdout.write(`${JSON.stringify({ type, ...value })}\n`);
    else if (text !== undefined) process.stdout.write(`${text}\n`);
  }

  /** What went wrong, on stderr, as `{type: "error", message}` with --json. */
  problem(message: string): void {
    process.stderr.write(this.#json ? `${JSON.stringify({ type: "error", message })}\n` : `agent-mesh: ${message}\n`);
  }
}
