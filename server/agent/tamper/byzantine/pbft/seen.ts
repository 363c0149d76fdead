import { sameBytes } from "../../../../core/bytes.ts";

/** Places remembered; the oldest are forgotten. */
const MEMORY = 512;

export interface SeenProposal {
  readonly digest: Uint8Array;
  /** The primary's signature for it, where it is known. */
  readonly prePrepare: Uint8Array | undefined;
}

/** What was proposed at each place of each view, as far as liars came to know: more than one thing where a primary equivocates. */
export class Seen {
  readonly #places = new Map<string, SeenProposal[]>();

  /** @returns all that is known at this place, this one among them. */
  add(view: number, seq: number, { digest, prePrepare }: SeenProposal): readonly SeenProposal[] {
    const key = `${view}/${seq}`;
    const known = this.#places.get(key) ?? [];
    const at = known.findIndex((one) => sameBytes(one.digest, digest));
    // Bytes may be views into a frame: kept longer than that, they are copied.
    if (at < 0) known.push({ digest: digest.slice(), prePrepare: prePrepare?.slice() });
    else if (known[at]?.prePrepare === undefined && prePrepare !== undefined)
      known[at] = { digest: digest.slice(), prePrepare: prePrepare.slice() };
    this.#places.delete(key);
    this.#places.set(key, known);
    const [oldest] = this.#places.keys();
    if (this.#places.size > MEMORY && oldest !== undefined) this.#places.delete(oldest);
    return known;
  }

  at(view: number, seq: number): readonly SeenProposal[] {
    return this.#places.get(`${view}/${seq}`) ?? [];
  }
}
