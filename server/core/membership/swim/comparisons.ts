import { type Checksum, ChecksumTree, checksumOf, NOTHING, sameChecksum } from "../../reconciliation/checksum-tree.ts";
import { compared, LISTED_PLACES, opened, placesOf } from "../../reconciliation/comparison.ts";
import { compareStandings } from "../freshness.ts";
import { MAX_NEWS } from "../news.ts";
import { MEMBER_STATES, type SwimMessage, type SwimNews } from "../types.ts";
import type { SwimRoll } from "./views.ts";

/** What is said in a comparison: it carries no other news than its own. */
export type ComparisonMessage = Extract<SwimMessage, { readonly type: "sync" | "checksum" | "ranges" }>;

/** Smallest ranges whose members' news fits a message. */
const LEAVES_A_MESSAGE = Math.floor(MAX_NEWS / LISTED_PLACES);

/**
 * All that is known, compared with another member (../../reconciliation/): among few by telling it, among more by a checksum, and then only as far as that differs. The first of as many comparisons as there are members
 * tells all, however many those are.
 */
export class Comparisons {
  readonly #roll: SwimRoll;
  readonly #checksums = new ChecksumTree(0);
  /** So many more before all is told again. */
  #left = 0;

  constructor(roll: SwimRoll) {
    this.#roll = roll;
  }

  /** There are more members. */
  grow(): void {
    this.#checksums.grow(this.#roll.size);
  }

  /** Of this member something else is about to be known. */
  forget(place: number): void {
    this.#checksums.change(place, this.#checksumOf(place), NOTHING);
  }

  /** It is known now. */
  learn(place: number): void {
    this.#checksums.change(place, NOTHING, this.#checksumOf(place));
  }

  /** @param asks for what the other one knows; otherwise it is told only that it is so. */
  begin(asks: boolean): readonly ComparisonMessage[] {
    const { size } = this.#roll;
    if (size <= LISTED_PLACES || (asks && this.#left-- === 0)) {
      this.#left = size;
      return this.#all(asks);
    }
    return [{ type: "checksum", level: this.#checksums.height, sum: this.#checksums.total, news: [] }];
  }

  /** What a message, whose news was heard already, is answered with. */
  answers(message: ComparisonMessage): readonly ComparisonMessage[] {
    switch (message.type) {
      case "sync":
        return message.asks ? this.#all(false) : [];
      case "checksum":
        return sameChecksum(this.#sumOf(message.level), message.sum)
          ? []
          : this.#asked(opened(this.#checksums, message.level));
      case "ranges":
        return [...this.#asked(compared(this.#checksums, message.splits)), ...this.#better(message)];
    }
  }

  #all(asks: boolean): readonly ComparisonMessage[] {
    return this.#told(this.#newsIn(0, this.#roll.size), asks);
  }

  #sumOf(level: number): Checksum {
    return this.#checksums.of({ level: Math.max(level, this.#checksums.height), index: 0 });
  }

  #asked({ splits, leaves }: Pick<ReturnType<typeof compared>, "splits" | "leaves">): ComparisonMessage[] {
    const messages: ComparisonMessage[] = splits.length > 0 ? [{ type: "ranges", splits, leaves: [], news: [] }] : [];
    for (let from = 0; from < leaves.length; from += LEAVES_A_MESSAGE) {
      const some = leaves.slice(from, from + LEAVES_A_MESSAGE);
      const news = some.flatMap((index) => this.#newsIn(...this.#placesOf(index)));
      messages.push({ type: "ranges", splits: [], leaves: some, news });
    }
    return messages;
  }

  /** Of the members that somebody has told of, what is fresher here. */
  #better({ leaves, news }: Extract<ComparisonMessage, { readonly type: "ranges" }>): readonly ComparisonMessage[] {
    const told = new Map(news.map((one) => [one.id, one]));
    const better = leaves
      .flatMap((index) => this.#newsIn(...this.#placesOf(index)))
      .filter((one) => {
        const theirs = told.get(one.id);
        return theirs === undefined || compareStandings(one, theirs) > 0;
      });
    return better.length === 0 ? [] : this.#told(better, false);
  }

  #told(news: readonly SwimNews[], asks: boolean): ComparisonMessage[] {
    const messages: ComparisonMessage[] = [];
    for (let from = 0; from === 0 || from < news.length; from += MAX_NEWS)
      messages.push({ type: "sync", asks: asks && from === 0, news: news.slice(from, from + MAX_NEWS) });
    return messages;
  }

  #placesOf(leaf: number): readonly [number, number] {
    return placesOf({ level: 1, index: leaf }, this.#roll.size);
  }

  /** Of those that were heard of, by place from the first up to the second. */
  #newsIn(first: number, end: number): SwimNews[] {
    const news: SwimNews[] = [];
    for (let place = first; place < end; place++) if (!this.#roll.isUnheard(place)) news.push(this.#roll.newsOf(place));
    return news;
  }

  /** Who suspects is left out: each may have heard of another. */
  #checksumOf(place: number): Checksum {
    if (this.#roll.isUnheard(place)) return NOTHING;
    const { incarnation, heartbeat, state } = this.#roll.standingOf(place);
    return checksumOf(place, incarnation, heartbeat, MEMBER_STATES.indexOf(state) + 1);
  }
}
