const FIRST_PRIME = 0x85ebca6b;
const SECOND_PRIME = 0xc2b2ae35;

/**
 * A running 64-bit hash of everything that happened, in order: two independent 32-bit multiply-rotate lanes over 32-bit words, mixed
 * at the end as MurmurHash3 does. Fast and well spread; not for secrets.
 */
export class TraceHash {
  #a = 0x9e3779b9 | 0;
  #b = 0x7f4a7c15 | 0;
  #words = 0;

  /** The low 32 bits of an integer. */
  word(value: number): void {
    const word = value | 0;
    let a = Math.imul(this.#a ^ word, FIRST_PRIME);
    a = (a << 13) | (a >>> 19);
    this.#a = (Math.imul(a, 5) + 0x52dce729) | 0;
    let b = Math.imul(this.#b + word, SECOND_PRIME);
    b = (b << 15) | (b >>> 17);
    this.#b = (b ^ this.#a) | 0;
    this.#words++;
  }

  /** An integer up to 2^53. */
  integer(value: number): void {
    this.word(value);
    this.word(value >= 0 && value < 0x8000_0000 ? 0 : Math.floor(value / 0x1_0000_0000));
  }

  bytes(bytes: Uint8Array): void {
    const length = bytes.length;
    this.word(length);
    const whole = length & ~3;
    let a = this.#a;
    let b = this.#b;
    for (let at = 0; at < whole; at += 4) {
      const word =
        (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24);
      a = Math.imul(a ^ word, FIRST_PRIME);
      a = (a << 13) | (a >>> 19);
      a = (Math.imul(a, 5) + 0x52dce729) | 0;
      b = Math.imul(b + word, SECOND_PRIME);
      b = (b << 15) | (b >>> 17);
      b = (b ^ a) | 0;
    }
    this.#a = a;
    this.#b = b;
    this.#words += whole >> 2;
    let rest = 0;
    for (let at = whole; at < length; at++) rest = (rest << 8) | (bytes[at] as number);
    if (whole < length) this.word(rest);
  }

  text(text: string): void {
    this.word(text.length);
    for (let at = 0; at < text.length; at++) this.word(text.charCodeAt(at));
  }

  /** 16 hexadecimal digits of all that was put in so far; more may follow. */
  hex(): string {
    const a = finish(this.#a ^ this.#words);
    const b = finish((this.#b + a) | 0);
    return (a >>> 0).toString(16).padStart(8, "0") + (b >>> 0).toString(16).padStart(8, "0");
  }

  /** 53 bits of the same, as a number. */
  number(): number {
    const a = finish(this.#a ^ this.#words);
    const b = finish((this.#b + a) | 0);
    return (a >>> 0) * 0x20_0000 + ((b >>> 0) & 0x1f_ffff);
  }
}

function finish(lane: number): number {
  let mixed = lane;
  mixed = Math.imul(mixed ^ (mixed >>> 16), FIRST_PRIME);
  mixed = Math.imul(mixed ^ (mixed >>> 13), SECOND_PRIME);
  return mixed ^ (mixed >>> 16);
}

/** The hash of one byte string, as a number below 2^53: for telling entries and snapshots apart. */
export function digest(bytes: Uint8Array, seed = 0): number {
  const hash = new TraceHash();
  hash.integer(seed);
  hash.bytes(bytes);
  return hash.number();
}
