import type { AgentId } from "../../../../server/core/consensus.ts";
import type { Crypto } from "../../../../server/core/crypto.ts";
import { signedBytes } from "../../../../server/core/overlay/link-state/signing.ts";
import type { LinkAdvert } from "../../../../server/core/overlay/link-state/types.ts";
import { seededRandom } from "../../../../server/core/random.ts";
import { SimKeys } from "../../../../server/sim/crypto.ts";

export const SWARM = "tested";

/** a1 to a9, and others that tests of what is around link state name. */
const SIGNERS = [...Array.from({ length: 9 }, (_, at) => `a${at + 1}`), "me", "a", "b", "c", "d", "e", "f", "g"];
const keys = new SimKeys(SIGNERS, seededRandom("adverts"));

export function cryptoOf(id: AgentId): Crypto {
  return keys.of(id);
}

/** What an agent says of itself. @param peers places in the roster @param signer who signs it */
export function advert(
  origin: AgentId,
  life: number,
  number: number,
  peers: readonly number[] = [],
  { signer = origin, swarm = SWARM } = {},
): LinkAdvert {
  const said = { origin, life, number, peers };
  return { ...said, signature: cryptoOf(signer).sign(signedBytes(swarm, said)) };
}
