import { HyParView } from "../../../../server/core/overlay/hyparview/hyparview.ts";
import {
  type HyParViewConfig,
  type HyParViewMessage,
  PAPER_VIEWS,
} from "../../../../server/core/overlay/hyparview/types.ts";
import { seededRandom } from "../../../../server/core/random.ts";

export const SETTINGS = { ...PAPER_VIEWS, shuffleIntervalMs: 10_000, answerMs: 100 } as const;

interface Given extends Partial<HyParViewConfig> {
  readonly neighbours?: readonly string[];
  readonly known?: readonly string[];
  readonly seed?: number;
  readonly trust?: (id: string) => number;
}

/** One agent, `me`, by hand: at 0 ms it has these neighbours, and knows these others. */
export class Subject {
  readonly core: HyParView;
  now = 0;

  constructor({ neighbours = [], known = [], seed = 1, trust, ...config }: Given = {}) {
    const whole = { ...SETTINGS, id: "me", contacts: [], ...config };
    this.core = new HyParView(whole, 0, seededRandom(seed), trust);
    for (const [at, peer] of neighbours.entries())
      this.heard(peer, { type: "neighbour", number: at + 1, priority: "low" });
    // A walk leaves them here where its time has come; there must be somebody to go on to.
    const [first, second] = neighbours;
    for (const newcomer of known)
      if (first !== undefined && second !== undefined)
        this.core.heard(first, { type: "forwardJoin", newcomer, ttl: whole.passiveWalk }, 0);
    // Whom it asks meanwhile is not there.
    for (let sent = this.take(); sent.length > 0; sent = this.take())
      for (const { to, message } of sent)
        if (message.type === "neighbour")
          this.core.heard(to, { type: "neighbourReply", number: message.number, accepted: false }, 0);
  }

  heard(from: string, message: HyParViewMessage): Sent[] {
    this.core.heard(from, message, this.now);
    return this.take();
  }

  failed(peer: string): Sent[] {
    this.core.failed(peer, this.now);
    return this.take();
  }

  /** Lets time pass, up to what is due next or later. */
  tickAt(now: number): Sent[] {
    this.now = now;
    this.core.tick(now);
    return this.take();
  }

  /** To its next shuffle. */
  shuffle(): { readonly to: string; readonly message: HyParViewMessage & { readonly type: "shuffle" } } {
    for (;;) {
      const found = this.tickAt(this.core.deadline()).find(({ message }) => message.type === "shuffle");
      if (found !== undefined) return found as ReturnType<Subject["shuffle"]>;
    }
  }

  take(): Sent[] {
    const ready = this.core.take();
    this.observed.push(...(ready?.observations ?? []).map(({ type, peer }) => `${type} ${peer}`));
    return [...(ready?.messages ?? [])];
  }

  readonly observed: string[] = [];
}

export interface Sent {
  readonly to: string;
  readonly message: HyParViewMessage;
}

/** Names of agents, from `a` on. */
export function named(count: number, from = "a"): string[] {
  return Array.from({ length: count }, (_, at) => String.fromCharCode(from.charCodeAt(0) + at));
}
