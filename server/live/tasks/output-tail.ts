/** As the outcome of a task allows. */
export const TAIL_BYTES = 16 * 1024;

/** The last bytes of a text that comes piece by piece, never cut within a character. */
export class OutputTail {
  #pieces: string[] = [];
  #characters = 0;

  add(text: string): void {
    this.#pieces.push(text);
    this.#characters += text.length;
    // A UTF-16 unit takes at least one byte, so the last TAIL_BYTES of them are always enough.
    while (this.#characters - (this.#pieces[0] as string).length >= TAIL_BYTES)
      this.#characters -= (this.#pieces.shift() as string).length;
  }

  text(): string {
    const bytes = Buffer.from(this.#pieces.join("").slice(-TAIL_BYTES));
    let start = Math.max(0, bytes.length - TAIL_BYTES);
    while (start < bytes.length && isContinuation(bytes[start] as number)) start++;
    const text = bytes.subarray(start).toString();
    // A surrogate pair that the slice above cut apart.
    return start === 0 && text.startsWith("\ufffd") ? text.slice(1) : text;
  }
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
