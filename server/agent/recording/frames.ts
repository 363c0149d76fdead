/** Further back, an entry's data is written once more. */
const FRAMES = 64;

/**
 * The frames that were received last in a segment. A follower's entries are parts of them: when it appends those to its log, the recording says where they are, instead of
 * holding all data twice.
 */
export class RecentFrames {
  readonly #frames: Uint8Array[] = [];
  #added = 0;

  clear(): void {
    this.#frames.length = 0;
    this.#added = 0;
  }

  add(frame: Uint8Array): void {
    this.#frames[this.#added++ % FRAMES] = frame;
  }

  /** The frame that these bytes are a view into: 1 is the latest; 0: none. */
  find(data: Uint8Array): number {
    for (let back = 1; back <= this.#frames.length; back++) {
      const frame = this.get(back) as Uint8Array;
      const start = data.byteOffset - frame.byteOffset;
      if (frame.buffer === data.buffer && start >= 0 && start + data.length <= frame.length) return back;
    }
    return 0;
  }

  get(back: number): Uint8Array | undefined {
    if (back < 1 || back > this.#frames.length) return undefined;
    return this.#frames[(this.#added - back) % FRAMES];
  }
}
