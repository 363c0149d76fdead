import { ByteWriter, joinBytes } from "../../core/bytes.ts";
import type { AgentId, ConsensusStatus } from "../../core/consensus.ts";
import { xxh32 } from "../checksum.ts";
import type { LogBatch } from "../world.ts";
import { NamesOut, writeValue } from "./values.ts";

/** Equal bytes, equal hashes; 64 bits (XXH32 under two seeds), as 16 hexadecimal digits. Against accidents, not against forgers. */
export function stateHash(bytes: Uint8Array): string {
  return hex(xxh32(bytes)) + hex(xxh32(bytes, bytes.length, SECOND_SEED));
}

interface Held {
  snapshot(): Uint8Array;
}

/** The whole replicated state: the machine's, then that of a memory beside the consensus. */
export function heldBytes({
  machine,
  memory,
}: {
  readonly machine: Held;
  readonly memory?: Held | undefined;
}): Uint8Array {
  const whole = machine.snapshot();
  return memory === undefined ? whole : joinBytes([whole, memory.snapshot()]);
}

/** Of all that Raft tells about itself, in whatever order. */
export function statusHash(status: ConsensusStatus): string {
  const fields = Object.entries(status).filter(([, value]) => value !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  const writer = new ByteWriter();
  writeValue(writer, new NamesOut(), fields);
  return stateHash(writer.view());
}

const SECOND_SEED = 0x5bd1e995;

/**
 * A running hash of what leaves an agent: every frame to a neighbour, every append to its log. A frame ends with a checksum of itself, so that a few bytes
 * stand for all of it. A replay that gives the same hash has sent the same, to the bit.
 */
export class Fingerprint {
  /** The two lanes so far, then what is added. */
  readonly #words = new Uint8Array(24);
  readonly #view = new DataView(this.#words.buffer);

  sent(to: AgentId, frame: Uint8Array): void {
    const end = frame.length - 4;
    const view = this.#view;
    view.setUint32(8, to.length + 256 * to.charCodeAt(to.length - 1), true);
    view.setUint32(12, frame.length, true);
    for (let at = 0; at < 4; at++) this.#words[16 + at] = frame[end + at] ?? 0;
    view.setUint32(20, 1, true);
    this.#mix();
  }

  /** A snapshot counts with all that is in it: each one compares the whole replicated state. */
  appended({ entries, hardState, snapshot }: LogBatch): void {
    const last = entries.at(-1);
    const view = this.#view;
    view.setUint32(8, entries.length, true);
    view.setUint32(12, last?.index ?? 0, true);
    view.setUint32(16, hardState?.term ?? 0, true);
    view.setUint32(20, 2 + (hardState?.commit ?? 0) * 4, true);
    this.#mix();
    if (snapshot === undefined) return;
    view.setUint32(8, snapshot.snapshot.index, true);
    view.setUint32(12, snapshot.snapshot.data.length, true);
    view.setUint32(16, xxh32(snapshot.snapshot.data), true);
    view.setUint32(20, 3, true);
    this.#mix();
  }

  get hex(): string {
    return hex(this.#view.getUint32(0, true)) + hex(this.#view.getUint32(4, true));
  }

  #mix(): void {
    const first = xxh32(this.#words);
    const second = xxh32(this.#words, this.#words.length, SECOND_SEED);
    this.#view.setUint32(0, first, true);
    this.#view.setUint32(4, second, true);
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
