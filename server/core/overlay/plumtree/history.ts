import type { BroadcastId } from "./types.ts";

/** As a key of maps. */
export function keyOf({ origin, incarnation, number }: BroadcastId): string {
  return `${incarnation}.${number}.${origin}`;
}

/** Which broadcasts were here, and the payloads of the newest: so many, and so many bytes. */
export class History {
  readonly #most: number;
  readonly #mostBytes: number;
  /** Hops by key, the oldest first. */
  readonly #hops = new Map<string, number>();
  readonly #payloads = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(most: number, mostBytes: number) {
    this.#most = most;
    this.#mostBytes = mostBytes;
  }

  get size(): number {
    return this.#hops.size;
  }

  /** Of the payloads that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  has(key: string): boolean {
    return this.#hops.has(key);
  }

  add(key: string, hops: number, payload: Uint8Array): void {
    this.#hops.set(key, hops);
    this.#payloads.set(key, payload);
    this.#bytes += payload.length;
    for (const oldest of this.#hops.keys()) {
      if (this.#hops.size <= this.#most) break;
      this.#hops.delete(oldest);
      this.#drop(oldest);
    }
    for (const oldest of this.#payloads.keys()) {
      if (this.#bytes <= this.#mostBytes) break;
      this.#drop(oldest);
    }
  }

  /** undefined: it was never here, or is not kept any more. */
  get(key: string): { readonly hops: number; readonly payload: Uint8Array } | undefined {
    const [hops, payload] = [this.#hops.get(key), this.#payloads.get(key)];
    return hops === undefined || payload === undefined ? undefined : { hops, payload };
  }

  #drop(key: string): void {
    this.#bytes -= this.#payloads.get(key)?.length ?? 0;
    this.#payloads.delete(key);
  }
}
