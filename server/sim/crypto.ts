import { HASH_BYTES, type HashKey, hash128 } from "../agent/hash128.ts";
import { simulatedDigest } from "../agent/recording/digests.ts";
import type { AgentId } from "../core/consensus.ts";
import type { Crypto } from "../core/crypto.ts";
import type { Random } from "../core/random.ts";

const words = new Int32Array(4);

/**
 * The keys of a run's agents, drawn from its seed. A signature is a hash of the bytes that begins with the signer's key: whoever was given only its own `Crypto` signs
 * as nobody else, as no `Crypto` tells a key. Cheap where Ed25519 would take most of a simulation's time.
 */
export class SimKeys {
  readonly #keys: ReadonlyMap<AgentId, HashKey>;

  /** @param random is only forked. */
  constructor(ids: readonly AgentId[], random: Random) {
    this.#keys = new Map(ids.map((id) => [id, keyFrom(random.fork(`key of ${id}`))]));
  }

  /** @throws RangeError for an agent that has no key */
  of(id: AgentId): Crypto {
    const keys = this.#keys;
    const own = keys.get(id);
    if (own === undefined) throw new RangeError(`${id} has no key`);
    return {
      digest: simulatedDigest,
      sign: (bytes) => signature(bytes, own),
      verify: (signer, bytes, given) => {
        const key = keys.get(signer);
        return key !== undefined && matches(bytes, key, given);
      },
    };
  }
}

function keyFrom(random: Random): HashKey {
  return [random.uint32() | 0, random.uint32() | 0, random.uint32() | 0, random.uint32() | 0];
}

function signature(bytes: Uint8Array, key: HashKey): Uint8Array {
  hash128(bytes, key, words);
  const signed = new Uint8Array(HASH_BYTES);
  for (let at = 0; at < HASH_BYTES; at++) signed[at] = (words[at >> 2] as number) >>> ((at & 3) * 8);
  return signed;
}

function matches(bytes: Uint8Array, key: HashKey, given: Uint8Array): boolean {
  if (given.length !== HASH_BYTES) return false;
  hash128(bytes, key, words);
  for (let lane = 0; lane < 4; lane++) {
    const at = lane * 4;
    const word =
      (given[at] as number) |
      ((given[at + 1] as number) << 8) |
      ((given[at + 2] as number) << 16) |
      ((given[at + 3] as number) << 24);
    if (word !== words[lane]) return false;
  }
  return true;
}
