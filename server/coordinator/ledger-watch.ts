/** What a swarm decides on one by one (tasks, proposals), as the coordinator shows it: read again when events say that something changed, each end told once. */
import { MeshError } from "../client/errors.ts";
import type { TimelineEvent } from "../contract/timeline.ts";

/** After an event; more events meanwhile make one reading. */
const SOON_MS = 60;
/** While something is not at its end: an agent that is asked may be behind the one whose event was seen. */
const AGAIN_MS = 1000;

interface Item {
  readonly id: string;
  readonly state: string;
  readonly submittedAtMs: number;
}

export interface LedgerWatchOptions<T extends Item> {
  /** In the order of submission, of whatever agent answers. */
  readonly read: () => Promise<readonly T[]>;
  /** How far it has come. A reading in which it is less far is of an agent that is behind. */
  readonly stage: (item: T) => number;
  readonly isFinal: (item: T) => boolean;
  /** Whether an event tells of a change. */
  readonly concerns: (event: TimelineEvent) => boolean;
  /** So many are kept at most, the newest. */
  readonly kept: number;
  /** The swarm ran before: what is at its end at the first look is no news. */
  readonly foundAgain: boolean;
  readonly onChanged: () => void;
  /** Once for each end. */
  readonly onFinal: (item: T) => void;
}

export class LedgerWatch<T extends Item> {
  readonly #options: LedgerWatchOptions<T>;
  /** Id and state of what was told. */
  readonly #told = new Set<string>();
  readonly #waiting = new Set<() => void>();
  #items: readonly T[] = [];
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #reading = false;
  #closed = false;
  #first: boolean;

  constructor(options: LedgerWatchOptions<T>) {
    this.#options = options;
    this.#first = options.foundAgain;
  }

  get items(): readonly T[] {
    return this.#items;
  }

  happened(event: TimelineEvent): void {
    if (this.#options.concerns(event)) this.readSoon(SOON_MS);
  }

  readSoon(delayMs = SOON_MS): void {
    const at = performance.now() + delayMs;
    if (this.#closed || at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(() => void this.#read(), delayMs);
  }

  /** One that was read by itself. */
  saw(item: T): void {
    if (this.#closed) return;
    this.#show([...this.#items.filter(({ id }) => id !== item.id), ...this.#advanced([item])]);
    this.readSoon();
  }

  /** Resolves with it once it is at its end; with what is known of it (undefined: nothing) after the time, or when the watch is closed. */
  async final(id: string, withinMs: number): Promise<T | undefined> {
    const find = (): T | undefined => this.#items.find((one) => one.id === id);
    const isOver = (item: T | undefined): boolean => item !== undefined && this.#options.isFinal(item);
    if (isOver(find()) || this.#closed) return find();
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = (): void => {
        if (this.#closed || isOver(find())) end();
      };
      const timer = setTimeout(end, withinMs);
      this.#waiting.add(look);
      this.readSoon();
    });
    return find();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#wake();
  }

  async #read(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    if (this.#reading) {
      this.readSoon();
      return;
    }
    this.#reading = true;
    try {
      this.#take(await this.#options.read());
    } catch (error) {
      if (!(error instanceof MeshError)) throw error;
      // Nobody can answer now; what was known stays, and is asked again.
      this.readSoon(AGAIN_MS);
    } finally {
      this.#reading = false;
    }
  }

  #take(read: readonly T[]): void {
    if (this.#closed) return;
    // What is not listed the agents have forgotten since its end, or the one that was asked has not heard of.
    const listed = new Set(read.map(({ id }) => id));
    this.#show([...this.#items.filter(({ id }) => !listed.has(id)), ...this.#advanced(read)]);
    this.#first = false;
  }

  /** An agent that is behind must not take back what was shown. */
  #advanced(read: readonly T[]): T[] {
    const { stage } = this.#options;
    const known = new Map(this.#items.map((item) => [item.id, item]));
    return read.map((item) => {
      const before = known.get(item.id);
      return before !== undefined && stage(before) > stage(item) ? before : item;
    });
  }

  #show(items: T[]): void {
    const { isFinal, kept, onFinal, onChanged } = this.#options;
    this.#items = items.sort((a, b) => a.submittedAtMs - b.submittedAtMs).slice(-kept);
    for (const item of this.#items) {
      const end = `${item.state} ${item.id}`;
      if (!isFinal(item) || this.#told.has(end)) continue;
      this.#told.add(end);
      if (!this.#first) onFinal(item);
    }
    onChanged();
    this.#wake();
    // Whoever waits may wait for what the agent that was asked has not heard of yet.
    if (this.#waiting.size > 0 || this.#items.some((item) => !isFinal(item))) this.readSoon(AGAIN_MS);
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }
}
