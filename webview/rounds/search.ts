/** Searching the whole timeline, newest first, further back as the person asks for more. */
import type { TimelineEvent, TimelineSearch, TimelineSearchResult } from "../../server/contract/timeline.ts";

const PAGE = 100;

export class EventSearch {
  readonly #ask: (search: TimelineSearch) => Promise<TimelineSearchResult>;
  #text = "";
  #found: readonly TimelineEvent[] = [];
  #complete = false;
  #at = -1;

  constructor(ask: (search: TimelineSearch) => Promise<TimelineSearchResult>) {
    this.#ask = ask;
  }

  get text(): string {
    return this.#text;
  }

  /** Which of how many: "3 of 12", "3 of 100+"; "" when nothing is searched for. */
  get status(): string {
    if (this.#text === "") return "";
    if (this.#found.length === 0) return "nothing found";
    return `${this.#at + 1} of ${this.#found.length}${this.#complete ? "" : "+"}`;
  }

  clear(): void {
    this.#text = "";
    this.#found = [];
    this.#at = -1;
    this.#complete = false;
  }

  /** Starts a search, or goes on to the next older event of the same one. */
  async older(swarm: string, text: string): Promise<TimelineEvent | null> {
    if (text !== this.#text) {
      this.clear();
      this.#text = text;
      if (text === "") return null;
      await this.#more(swarm);
    } else if (this.#at === this.#found.length - 1 && !this.#complete) await this.#more(swarm);
    this.#at = Math.min(this.#at + 1, this.#found.length - 1);
    return this.#found[this.#at] ?? null;
  }

  /** The next newer event of the same search. */
  newer(): TimelineEvent | null {
    this.#at = Math.max(0, this.#at - 1);
    return this.#found[this.#at] ?? null;
  }

  async #more(swarm: string): Promise<void> {
    const text = this.#text;
    const last = this.#found.at(-1);
    const result = await this.#ask({ swarm, text, limit: PAGE, ...(last && { before: last.id }) });
    if (text !== this.#text) return; // another search has begun
    this.#found = [...this.#found, ...result.events];
    this.#complete = result.complete;
  }
}
