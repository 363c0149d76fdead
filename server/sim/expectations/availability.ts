interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Availability {
  /** Of the worst window; 1 = always served. */
  readonly share: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly operations: number;
  /** That failed or took too long. */
  readonly unserved: number;
}

/**
 * The share of their time that clients were served. What counts is time, not operations: clients that wait ask nothing meanwhile, so a share of operations would
 * look the better the longer a stall lasts (Tene's coordinated omission).
 */
export class AvailabilityMeter {
  readonly #clients: number;
  readonly #answerWithinMs: number;
  readonly #unserved: Stretch[] = [];
  readonly #open = new Map<string, number>();
  #operations = 0;

  /** @param clients each of which has one operation under way at a time */
  constructor(clients: number, answerWithinMs: number) {
    this.#clients = clients;
    this.#answerWithinMs = answerWithinMs;
  }

  called(client: string, nowMs: number): void {
    this.#open.set(client, nowMs);
  }

  /** @param served it was answered, whatever the answer */
  ended(client: string, served: boolean, nowMs: number): void {
    const fromMs = this.#open.get(client);
    if (fromMs === undefined) return;
    this.#open.delete(client);
    this.#operations++;
    if (!served || nowMs - fromMs > this.#answerWithinMs) this.#unserved.push({ fromMs, toMs: nowMs });
  }

  /** Over [fromMs, toMs]; with a window, of the worst stretch of that length. undefined when nothing was asked. */
  measure(fromMs: number, toMs: number, windowMs: number | null): Availability | undefined {
    const waiting = [...this.#open.values()].filter((since) => toMs - since > this.#answerWithinMs);
    const all = [...this.#unserved, ...waiting.map((since) => ({ fromMs: since, toMs }))];
    const stretches = all
      .map((one) => ({ fromMs: Math.max(one.fromMs, fromMs), toMs: Math.min(one.toMs, toMs) }))
      .filter((one) => one.toMs > one.fromMs);
    const operations = this.#operations + waiting.length;
    if (operations === 0 || toMs <= fromMs) return undefined;
    const lengthMs = Math.min(windowMs ?? Number.POSITIVE_INFINITY, toMs - fromMs);
    const lost = cumulated(stretches);
    // What a window loses changes linearly in between: the worst one begins or ends where a stretch does.
    const begins = [fromMs, ...stretches.flatMap((one) => [one.fromMs, one.toMs - lengthMs])];
    let worst = { lostMs: -1, fromMs };
    for (const begin of begins) {
      const at = Math.min(Math.max(begin, fromMs), toMs - lengthMs);
      const lostMs = lost(at + lengthMs) - lost(at);
      if (lostMs > worst.lostMs) worst = { lostMs, fromMs: at };
    }
    return {
      share: 1 - worst.lostMs / (lengthMs * this.#clients),
      fromMs: worst.fromMs,
      toMs: worst.fromMs + lengthMs,
      operations,
      unserved: all.length,
    };
  }
}

/** How much time of all stretches together lies before a moment. */
function cumulated(stretches: readonly Stretch[]): (atMs: number) => number {
  const steps = stretches
    .flatMap(({ fromMs, toMs }) => [
      { atMs: fromMs, rate: 1 },
      { atMs: toMs, rate: -1 },
    ])
    .sort((a, b) => a.atMs - b.atMs);
  const knots: { readonly atMs: number; readonly sumMs: number; readonly rate: number }[] = [];
  let sumMs = 0;
  let rate = 0;
  let lastMs = 0;
  for (const step of steps) {
    sumMs += rate * (step.atMs - lastMs);
    rate += step.rate;
    lastMs = step.atMs;
    knots.push({ atMs: lastMs, sumMs, rate });
  }
  return (atMs) => {
    let low = 0;
    let high = knots.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((knots[middle]?.atMs as number) <= atMs) low = middle + 1;
      else high = middle;
    }
    const knot = knots[low - 1];
    return knot === undefined ? 0 : knot.sumMs + knot.rate * (atMs - knot.atMs);
  };
}
