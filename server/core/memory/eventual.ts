import { ByteReader, ByteWriter, compareBytes, joinBytes, MalformedBytes, writePieces } from "../bytes.ts";
import { DeadlineQueue } from "../deadlines.ts";
import { invariant, unreachable } from "../invariant.ts";
import { compareText } from "../text.ts";
import { CountersAndSets } from "./counters-and-sets.ts";
import { MAX_KEY_BYTES, MAX_NAMESPACE_BYTES, MAX_VALUE_BYTES } from "./limits.ts";
import { Namespace } from "./namespace.ts";
import { merged, sortedRuns } from "./snapshot.ts";
import type { KeyedMemory, MemoryCommand, MemoryItem, MemoryResult } from "./types.ts";
import type { WriteId } from "./write-id.ts";

/** How long a deletion is remembered, ms of entry time: no put may come later than so long after a newer deletion, or it would bring the key back. */
export const TOMBSTONE_MS = 3600 * 1000;

const SNAPSHOT_FORMAT = 2;
const NO_BYTES = new Uint8Array(0);

/** What a key was last told. A deletion has no value, and expired when it was made. */
interface Register extends MemoryItem {
  readonly deleted: boolean;
  /** Counts up: unique. */
  readonly order: number;
  /** Entry time in ms from which nothing needs to be known of it any more; Infinity: never. */
  readonly forgetMs: number;
}

/**
 * Namespaced key-value memory that comes to the same state in whatever order its commands are applied: of each key a last-writer-wins register (Shapiro et al. 2011, §3.2.1; Johnson
 * and Thomas 1975). Who writes later, by the stamp of its operation, wins; of two equal stamps the larger value (a put before a deletion), so that all decide alike.
 *
 * A deletion leaves a tombstone, as does a value that has expired, until TOMBSTONE_MS after its own time: so that an older put that comes later does not bring the key back. Promised therefore: agents that
 * applied the same commands, each no later than TOMBSTONE_MS of entry time after its own, have equal snapshots. A put that comes later still is applied, as it may be
 * the only one; if the key was deleted meanwhile by a newer one, it is back where it came late.
 *
 * Counters and sets are told operation by operation, and come to the same as long as those of one agent, and those that it knew before, come in that order (causal order, which gossip gives).
 * An increment or add that comes twice counts once, for TOMBSTONE_MS after its own time.
 *
 * Entry time is the latest of all applied, and expiry follows it as in Memory. compareAndSet needs one order for all: it is answered with a conflict, and changes nothing.
 */
export class EventualMemory implements KeyedMemory {
  /** Values that are there, and tombstones. */
  #registers = new Map<string, Namespace>();
  #expiries = new DeadlineQueue<Register>();
  #forgotten = new DeadlineQueue<Register>();
  #typed = new CountersAndSets();
  #size = 0;
  #timeMs = 0;
  #orders = 0;

  /** Values, counters and sets held, tombstones not counted. */
  get size(): number {
    return this.#size + this.#typed.size;
  }

  /** The latest time (ms) of the entries applied. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /** What counters and sets need besides the registers that this one is of. For checks before a write: not to be changed. */
  get typed(): Pick<CountersAndSets, "counter" | "set"> {
    return this.#typed;
  }

  /**
   * @param version the operation's stamp: in no order. @param timeMs the operation's own time: in no order either.
   * @param id whose write it is: needed for increments and sets.
   */
  apply(command: MemoryCommand, version: number, timeMs: number, id?: WriteId): MemoryResult {
    invariant(version > 0, "memory: stamps count from 1");
    const { namespace, key } = command;
    const before = this.#find(namespace, key);
    switch (command.type) {
      case "put": {
        const { ttlMs } = command;
        // A copy: the command's value is often a view into a whole frame or log segment, which it would keep from being freed.
        const value = command.value.slice();
        const expiresAtMs = ttlMs === 0 ? 0 : timeMs + ttlMs;
        const forgetMs = ttlMs === 0 ? Number.POSITIVE_INFINITY : Math.max(expiresAtMs, timeMs + TOMBSTONE_MS);
        this.#merge({ namespace, key, value, version, expiresAtMs, deleted: false, order: 0, forgetMs });
        this.clock(timeMs);
        return { type: "written", version };
      }
      case "delete": {
        const existed = before !== undefined && this.#isThere(before);
        const forgetMs = timeMs + TOMBSTONE_MS;
        this.#merge({
          namespace,
          key,
          value: NO_BYTES,
          version,
          expiresAtMs: timeMs,
          deleted: true,
          order: 0,
          forgetMs,
        });
        this.clock(timeMs);
        return { type: "deleted", existed };
      }
      case "compareAndSet":
        this.clock(timeMs);
        return { type: "conflict", version: before !== undefined && this.#isThere(before) ? before.version : 0 };
      case "increment":
      case "add":
      case "remove": {
        invariant(id !== undefined, "memory: an increment or a set's change is somebody's write");
        const result = this.#typed.apply(command, id, version, timeMs + TOMBSTONE_MS, this.#timeMs);
        this.clock(timeMs);
        return result;
      }
      default:
        return unreachable(command, "memory command");
    }
  }

  /** Time passes without a command. One that is past already changes nothing. */
  clock(timeMs: number): void {
    this.#timeMs = Math.max(this.#timeMs, timeMs);
    this.#typed.clock(this.#timeMs);
    // Its value stays as long as its stamp does: it decides against another one of the same stamp.
    while (this.#expiries.takeDue(this.#timeMs) !== undefined) this.#size--;
    for (;;) {
      const due = this.#forgotten.takeDue(this.#timeMs);
      if (due === undefined) return;
      this.#remove(due);
    }
  }

  /** Of an expiry that somebody could notice: tombstones go with whatever is applied next. */
  deadlineMs(): number {
    return this.#expiries.earliestMs();
  }

  /** @param timeMs hides what has expired by then. */
  get(namespace: string, key: string, timeMs: number): MemoryItem | undefined {
    const typed = this.#typed.get(namespace, key);
    if (typed !== undefined) return typed;
    const register = this.#find(namespace, key);
    return register !== undefined && isThereAt(register, timeMs) ? itemOf(register) : undefined;
  }

  /** At most `limit` items whose key starts with `prefix`, in code unit order of their keys. */
  list(namespace: string, prefix: string, limit: number): MemoryItem[] {
    const found: MemoryItem[] = [];
    for (const item of this.items(namespace, prefix, "", this.#timeMs)) {
      if (found.length >= limit) break;
      found.push(item);
    }
    return found;
  }

  /** All such items, one by one; `after`: only keys that come after it. To be gone through before the memory changes. @param timeMs as for `get` */
  *items(namespace: string, prefix: string, after: string, timeMs: number): IterableIterator<MemoryItem> {
    const typed = this.#typed.items(namespace, prefix, after);
    let next = typed.next();
    for (const item of this.#registers.get(namespace)?.from(prefix, after) ?? []) {
      for (; !next.done && next.value.key < item.key; next = typed.next()) yield next.value;
      // A counter or a set hides a value.
      if (!next.done && next.value.key === item.key) continue;
      const register = item as Register;
      if (isThereAt(register, timeMs)) yield itemOf(register);
    }
    for (; !next.done; next = typed.next()) yield next.value;
  }

  /** Names of the namespaces that hold something, in code unit order. */
  namespaces(): string[] {
    const held = (namespace: Namespace): boolean => namespace.all().some((item) => this.#isThere(item as Register));
    const names = [...this.#registers].flatMap(([name, namespace]) => (held(namespace) ? [name] : []));
    return [...new Set([...names, ...this.#typed.namespaces()])].sort(compareText);
  }

  snapshot(): Uint8Array {
    return joinBytes([...this.snapshotPieces()]);
  }

  /** What `snapshot` gives at this moment, in pieces that are made as they are asked for; the memory may change meanwhile. */
  snapshotPieces(): Iterable<Uint8Array> {
    const namespaces = [...this.#registers]
      .sort(([a], [b]) => compareText(a, b))
      .map(([name, namespace]) => ({ name, registers: namespace.all() as Register[] }));
    return pieces(this.#timeMs, namespaces, this.#typed.snapshotPieces());
  }

  /** @throws MalformedBytes unless it is exactly what `snapshot` writes; nothing has changed then. */
  restore(snapshot: Uint8Array): void {
    const restored = new EventualMemory();
    restored.#read(new ByteReader(snapshot));
    this.#registers = restored.#registers;
    this.#expiries = restored.#expiries;
    this.#forgotten = restored.#forgotten;
    this.#typed = restored.#typed;
    this.#size = restored.#size;
    this.#timeMs = restored.#timeMs;
    this.#orders = restored.#orders;
  }

  #read(reader: ByteReader): void {
    if (reader.byte() !== SNAPSHOT_FORMAT) throw new MalformedBytes("not an eventual memory's snapshot of this format");
    this.#timeMs = reader.varint();
    let lastNamespace = "";
    for (let left = reader.count(reader.remaining); left > 0; left--) {
      const namespace = reader.text(MAX_NAMESPACE_BYTES);
      if (namespace <= lastNamespace) throw new MalformedBytes("namespaces not in order");
      lastNamespace = namespace;
      const count = reader.count(reader.remaining);
      if (count === 0) throw new MalformedBytes("empty namespace");
      let lastKey = "";
      for (let at = 0; at < count; at++) {
        const register = readRegister(reader, namespace);
        if (register.key <= lastKey) throw new MalformedBytes("keys not in order");
        lastKey = register.key;
        if (register.forgetMs <= this.#timeMs) throw new MalformedBytes("holds what is to be forgotten");
        this.#insert(register);
      }
    }
    // A memory of values alone has none, as before there were any.
    if (reader.remaining > 0) this.#typed = CountersAndSets.read(reader, this.#timeMs);
    reader.end();
  }

  #merge(register: Register): void {
    const before = this.#find(register.namespace, register.key);
    if (before !== undefined && !wins(register, before)) return;
    if (before !== undefined) this.#remove(before);
    this.#insert(register);
  }

  #find(namespace: string, key: string): Register | undefined {
    return this.#registers.get(namespace)?.get(key) as Register | undefined;
  }

  #isThere(register: Register): boolean {
    return isThereAt(register, this.#timeMs);
  }

  #insert(given: Register): void {
    const register = { ...given, order: ++this.#orders };
    let namespace = this.#registers.get(register.namespace);
    if (namespace === undefined) {
      namespace = new Namespace();
      this.#registers.set(register.namespace, namespace);
    }
    namespace.set(register);
    const { expiresAtMs, forgetMs, order, deleted } = register;
    if (forgetMs !== Number.POSITIVE_INFINITY) this.#forgotten.set(register, forgetMs, order);
    if (deleted || (expiresAtMs !== 0 && expiresAtMs <= this.#timeMs)) return;
    this.#size++;
    if (expiresAtMs !== 0) this.#expiries.set(register, expiresAtMs, order);
  }

  #remove(register: Register): void {
    const namespace = this.#registers.get(register.namespace);
    invariant(namespace?.get(register.key) === register, "memory: what is removed is what is held");
    namespace.delete(register.key);
    if (namespace.size === 0) this.#registers.delete(register.namespace);
    this.#forgotten.delete(register);
    if (this.#expiries.delete(register) || (!register.deleted && register.expiresAtMs === 0)) this.#size--;
  }
}

function isThereAt({ deleted, expiresAtMs }: Register, timeMs: number): boolean {
  return !deleted && (expiresAtMs === 0 || expiresAtMs > timeMs);
}

function itemOf({ namespace, key, value, version, expiresAtMs }: Register): MemoryItem {
  return { namespace, key, value, version, expiresAtMs };
}

/** A total order of what can be told of a key, so that the greatest is the same whatever comes first. */
function wins(one: Register, other: Register): boolean {
  if (one.version !== other.version) return one.version > other.version;
  if (one.deleted !== other.deleted) return other.deleted;
  const compared = compareBytes(one.value, other.value);
  // A life without an end is the longest.
  const lifeOf = ({ expiresAtMs }: Register): number => (expiresAtMs === 0 ? Number.POSITIVE_INFINITY : expiresAtMs);
  return compared === 0 ? lifeOf(one) > lifeOf(other) : compared > 0;
}

function* pieces(
  timeMs: number,
  namespaces: readonly { readonly name: string; readonly registers: readonly Register[] }[],
  typed: Iterable<Uint8Array>,
): Generator<Uint8Array, void> {
  const writer = new ByteWriter();
  writer.byte(SNAPSHOT_FORMAT);
  writer.varint(timeMs);
  writer.varint(namespaces.length);
  for (const { name, registers } of namespaces) {
    writer.text(name);
    writer.varint(registers.length);
    const runs = yield* sortedRuns(registers);
    yield* writePieces(writer, merged(runs), ({ key, value, version, expiresAtMs, deleted, forgetMs }) => {
      writer.text(key);
      writer.varint(version);
      writer.boolean(deleted);
      writer.bytes(value);
      writer.varint(expiresAtMs);
      // Never: 0.
      writer.varint(forgetMs === Number.POSITIVE_INFINITY ? 0 : forgetMs);
    });
  }
  if (writer.length > 0) yield writer.finish();
  yield* typed;
}

function readRegister(reader: ByteReader, namespace: string): Register {
  const key = reader.text(MAX_KEY_BYTES);
  const version = reader.varint();
  const deleted = reader.boolean();
  const value = reader.bytes(MAX_VALUE_BYTES).slice();
  const expiresAtMs = reader.varint();
  const forgetMs = reader.varint() || Number.POSITIVE_INFINITY;
  if (version === 0) throw new MalformedBytes("stamps count from 1");
  const lasts = !deleted && expiresAtMs === 0;
  if (lasts !== (forgetMs === Number.POSITIVE_INFINITY)) throw new MalformedBytes("only what lasts is never forgotten");
  if (deleted && value.length > 0) throw new MalformedBytes("a deletion has no value");
  return { namespace, key, value, version, expiresAtMs, deleted, order: 0, forgetMs };
}
