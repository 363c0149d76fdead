/**
 * Is there one order of the operations that respects real time and that the sequential model allows? Wing and Gong's search ("Testing and Verifying Concurrent
 * Objects", 1993) as Lowe made it fast ("Testing for linearizability", 2017): operations are lifted out of one list of calls and returns, and
 * a set of operations that led to a state is tried once. Callers split a history into independent objects first (P-compositionality).
 */
export interface TimedOperation {
  readonly invokedAt: number;
  /** Infinity when it never returned: it may have taken effect at any time after, or never. */
  readonly returnedAt: number;
}

/** The state after the operation, or ILLEGAL when it cannot come next. States are integers >= 0. */
export type Step = (state: number, operation: number) => number;
export const ILLEGAL = -1;

export type Linearization =
  | { readonly type: "linearizable" }
  /** `operation` returned what no order explains: of all orders tried, `order` is the longest, led to `state`, and could not place it. */
  | { readonly type: "broken"; readonly operation: number; readonly order: readonly number[]; readonly state: number }
  /** The search reached one of its limits; of all orders tried until then the longest places so many. */
  | { readonly type: "undecided"; readonly steps: number; readonly placed: number };

/** What a search may cost: it can be exponential when many outcomes are unknown (Gibbons and Korach, 1997: the problem is NP-complete). */
export interface SearchLimits {
  readonly steps: number;
  /** What is remembered of orders already tried. */
  readonly bytes: number;
}

export const SEARCH_LIMITS: SearchLimits = { steps: 5_000_000, bytes: 256 * 1024 * 1024 };

interface Node {
  readonly operation: number;
  /** The return of a call; null for a return. */
  readonly match: Node | null;
  before: Node | null;
  after: Node | null;
}

export function linearize(
  operations: readonly TimedOperation[],
  initial: number,
  step: Step,
  limits: SearchLimits = SEARCH_LIMITS,
): Linearization {
  const head = timeline(operations);
  const placed = new Placed(operations.length);
  const stack: { node: Node; state: number }[] = [];
  let state = initial;
  let best: { operation: number; order: readonly number[]; state: number } | undefined;
  let node = head.after;
  let steps = 0;
  for (; steps < limits.steps && placed.bytes < limits.bytes; steps++) {
    if (node === null) return { type: "linearizable" };
    const { operation, match } = node;
    if (match !== null) {
      const next = step(state, operation);
      if (next !== ILLEGAL && placed.add(operation, next)) {
        stack.push({ node, state });
        state = next;
        lift(node, match);
        node = head.after;
      } else node = node.after;
      continue;
    }
    // Returns that never came stand last: whoever reaches one has placed all that did return.
    if (operations[operation]?.returnedAt === Number.POSITIVE_INFINITY) return { type: "linearizable" };
    if (best === undefined || stack.length > best.order.length)
      best = { operation, order: stack.map((one) => one.node.operation), state };
    const undone = stack.pop();
    if (undone === undefined) return { type: "broken", ...best };
    state = undone.state;
    placed.remove(undone.node.operation);
    unlift(undone.node);
    node = undone.node.after;
  }
  return { type: "undecided", steps, placed: best?.order.length ?? stack.length };
}

/** All calls and returns by time; at the same time calls come first, which lets them overlap. */
function timeline(operations: readonly TimedOperation[]): Node {
  const moments: { at: number; node: Node }[] = [];
  operations.forEach((timed, operation) => {
    const end: Node = { operation, match: null, before: null, after: null };
    moments.push({ at: timed.invokedAt, node: { operation, match: end, before: null, after: null } });
    moments.push({ at: timed.returnedAt, node: end });
  });
  const order = (moment: { at: number; node: Node }) => (moment.node.match === null ? 1 : 0);
  moments.sort((a, b) =>
    a.at === b.at ? order(a) - order(b) || a.node.operation - b.node.operation : a.at < b.at ? -1 : 1,
  );
  const head: Node = { operation: -1, match: null, before: null, after: null };
  let last = head;
  for (const { node } of moments) {
    last.after = node;
    node.before = last;
    last = node;
  }
  return head;
}

function lift(call: Node, end: Node): void {
  unlink(call);
  unlink(end);
}

function unlift(call: Node): void {
  relink(call.match as Node);
  relink(call);
}

function unlink(node: Node): void {
  (node.before as Node).after = node.after;
  if (node.after) node.after.before = node.before;
}

function relink(node: Node): void {
  (node.before as Node).after = node;
  if (node.after) node.after.before = node;
}

/** Of a map's entry, an array and two objects, about. */
const ENTRY_BYTES = 200;

/** The operations placed now, and a memory of every (placed, state) pair that was tried. */
class Placed {
  readonly #bits: Uint32Array;
  readonly #keys: Uint32Array;
  /** What the memory takes, about. */
  bytes = 0;
  #hash = 0;
  readonly #tried = new Map<number, { readonly bits: Uint32Array; readonly state: number }[]>();

  constructor(operations: number) {
    this.#bits = new Uint32Array((operations + 31) >> 5);
    this.#keys = new Uint32Array(operations);
    // Zobrist keys: any fixed well-spread numbers do, as equality is decided on the bits.
    let key = 0x9e3779b9;
    for (let at = 0; at < operations; at++) {
      key = Math.imul(key ^ (key >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
      this.#keys[at] = key ^ (key >>> 13);
    }
  }

  /** Places it, unless the same operations led to the same state before. */
  add(operation: number, state: number): boolean {
    this.#flip(operation);
    const hash = (this.#hash ^ Math.imul(state + 1, 0x85ebca6b)) >>> 0;
    const bucket = this.#tried.get(hash);
    if (bucket === undefined) this.#tried.set(hash, [{ bits: this.#bits.slice(), state }]);
    else if (bucket.some((seen) => seen.state === state && same(seen.bits, this.#bits))) {
      this.#flip(operation);
      return false;
    } else bucket.push({ bits: this.#bits.slice(), state });
    this.bytes += this.#bits.byteLength + ENTRY_BYTES;
    return true;
  }

  remove(operation: number): void {
    this.#flip(operation);
  }

  #flip(operation: number): void {
    const word = operation >> 5;
    this.#bits[word] = (this.#bits[word] as number) ^ (1 << (operation & 31));
    this.#hash ^= this.#keys[operation] as number;
  }
}

function same(a: Uint32Array, b: Uint32Array): boolean {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
