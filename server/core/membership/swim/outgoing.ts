import type { SwimMessage } from "../types.ts";
import type { ComparisonMessage } from "./comparisons.ts";

/** A message without the news it will carry; or one that carries its own alone. */
export type Body = SwimMessage extends infer Message
  ? Message extends ComparisonMessage
    ? Message
    : Omit<Message, "news">
  : never;

/** To be given its news when it leaves. */
export interface Outgoing {
  /** Place. */
  readonly to: number;
  readonly body: Body;
}

/** Whom to tell what at once, beside the news for all: by place, places. */
export class Owed {
  readonly #places = new Map<number, Set<number>>();

  get size(): number {
    return this.#places.size;
  }

  add(to: number, about: number): void {
    const places = this.#places.get(to);
    if (places === undefined) this.#places.set(to, new Set([about]));
    else places.add(about);
  }

  /** All of it, and nothing is owed any more. @param most places in one message. */
  take(most: number): { readonly to: number; readonly places: readonly number[] }[] {
    const parts = [];
    for (const [to, about] of this.#places) {
      const places = [...about];
      for (let from = 0; from < places.length; from += most)
        parts.push({ to, places: places.slice(from, from + most) });
    }
    this.#places.clear();
    return parts;
  }
}
