import { ByteReader, joinBytes, MalformedBytes } from "../bytes.ts";
import { DeadlineQueue } from "../deadlines.ts";
import { invariant, unreachable } from "../invariant.ts";
import { compareText } from "../text.ts";
import { MAX_KEY_BYTES, MAX_NAMESPACE_BYTES, MAX_VALUE_BYTES } from "./limits.ts";
import { Namespace } from "./namespace.ts";
import { memoryPieces, SNAPSHOT_FORMAT } from "./snapshot.ts";
import type { KeyedMemory, MemoryCommand, MemoryItem, MemoryResult } from "./types.ts";

/**
 * Namespaced key-value memory with versions, compare-and-set and time to live: a replicated state machine (see README.md here).
 *
 * Its only clock is the time of the entries applied. An item is there while `timeMs < expiresAtMs` and is removed by the first entry (or `clock`) at
 * or past that moment; whoever carries the log proposes a clock entry at `deadlineMs()`. All operations O(log n) in the items that expire; `list` sorts
 * only what changed since the last one.
 */
export class Memory implements KeyedMemory {
  #namespaces = new Map<string, Namespace>();
  #expiries = new DeadlineQueue<MemoryItem>();
  #size = 0;
  #timeMs = 0;
  #lastIndex = 0;

  /** Items held. */
  get size(): number {
    return this.#size;
  }

  /** Time (ms) of the last entry applied: the present, as far as this memory knows. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /** @throws InvariantViolation when the index does not rise or the time runs backwards. */
  apply(command: MemoryCommand, index: number, timeMs: number): MemoryResult {
    invariant(
      index > this.#lastIndex,
      `memory: entries are applied in rising order (${index} after ${this.#lastIndex})`,
    );
    this.clock(timeMs);
    this.#lastIndex = index;
    switch (command.type) {
      case "put":
        return this.#write(command, index);
      case "compareAndSet": {
        const version = this.#find(command.namespace, command.key)?.version ?? 0;
        return version === command.expectedVersion ? this.#write(command, index) : { type: "conflict", version };
      }
      case "delete": {
        const item = this.#find(command.namespace, command.key);
        if (item !== undefined) this.#remove(item);
        return { type: "deleted", existed: item !== undefined };
      }
      case "increment":
      case "add":
      case "remove":
        return { type: "refused", reason: "eventualOnly" };
      default:
        return unreachable(command, "memory command");
    }
  }

  /**
   * Time passes without a command: an entry's time, as everywhere here.
   * @throws InvariantViolation when it runs backwards.
   */
  clock(timeMs: number): void {
    invariant(timeMs >= this.#timeMs, `memory: entry time never runs backwards (${timeMs} after ${this.#timeMs})`);
    this.#timeMs = timeMs;
    for (let item = this.#expiries.takeDue(timeMs); item !== undefined; item = this.#expiries.takeDue(timeMs))
      this.#remove(item);
  }

  deadlineMs(): number {
    return this.#expiries.earliestMs();
  }

  /**
   * @param timeMs hides what has expired by then. Linearizable reads pass `memory.timeMs`: two readers with their own clocks could
   * otherwise see an item vanish and come back.
   */
  get(namespace: string, key: string, timeMs: number): MemoryItem | undefined {
    const item = this.#find(namespace, key);
    return item !== undefined && (item.expiresAtMs === 0 || item.expiresAtMs > timeMs) ? item : undefined;
  }

  /** At most `limit` items whose key starts with `prefix`, in code unit order of their keys. */
  list(namespace: string, prefix: string, limit: number): MemoryItem[] {
    return this.#namespaces.get(namespace)?.list(prefix, limit) ?? [];
  }

  /** All such items, one by one; `after`: only keys that come after it. To be gone through before the memory changes. @param timeMs as for `get` */
  *items(namespace: string, prefix: string, after: string, timeMs: number): IterableIterator<MemoryItem> {
    for (const item of this.#namespaces.get(namespace)?.from(prefix, after) ?? [])
      if (item.expiresAtMs === 0 || item.expiresAtMs > timeMs) yield item;
  }

  /** Names of the namespaces that hold something, in code unit order. */
  namespaces(): string[] {
    return [...this.#namespaces.keys()].sort(compareText);
  }

  snapshot(): Uint8Array {
    return joinBytes([...this.snapshotPieces()]);
  }

  /** What `snapshot` gives at this moment, in pieces that are made as they are asked for; the memory may change meanwhile. */
  snapshotPieces(): Iterable<Uint8Array> {
    const namespaces = this.namespaces().map((name) => ({ name, items: this.#namespaces.get(name)?.all() ?? [] }));
    return memoryPieces(this.#timeMs, namespaces);
  }

  /** @throws MalformedBytes unless it is exactly what `snapshot` writes; nothing has changed then. */
  restore(snapshot: Uint8Array): void {
    const restored = new Memory();
    restored.#read(new ByteReader(snapshot));
    this.#namespaces = restored.#namespaces;
    this.#expiries = restored.#expiries;
    this.#size = restored.#size;
    this.#timeMs = restored.#timeMs;
    this.#lastIndex = restored.#lastIndex;
  }

  #read(reader: ByteReader): void {
    if (reader.byte() !== SNAPSHOT_FORMAT) throw new MalformedBytes("not a memory snapshot of this format");
    this.#timeMs = reader.varint();
    const versions = new Set<number>();
    let lastNamespace: string | undefined;
    for (let left = reader.count(reader.remaining); left > 0; left--) {
      const namespace = reader.text(MAX_NAMESPACE_BYTES);
      if (namespace === "" || (lastNamespace !== undefined && namespace <= lastNamespace))
        throw new MalformedBytes("namespaces not in order");
      lastNamespace = namespace;
      const count = reader.count(reader.remaining);
      if (count === 0) throw new MalformedBytes("empty namespace");
      let lastKey = "";
      for (let item = 0; item < count; item++) {
        const key = reader.text(MAX_KEY_BYTES);
        if (key <= lastKey) throw new MalformedBytes("keys not in order");
        lastKey = key;
        const value = reader.bytes(MAX_VALUE_BYTES).slice();
        const version = reader.varint();
        if (version === 0 || versions.has(version)) throw new MalformedBytes("versions not unique");
        versions.add(version);
        const expiresAtMs = reader.varint();
        if (expiresAtMs !== 0 && expiresAtMs <= this.#timeMs) throw new MalformedBytes("holds what has expired");
        this.#insert({ namespace, key, value, version, expiresAtMs });
        this.#lastIndex = Math.max(this.#lastIndex, version);
      }
    }
    reader.end();
  }

  #write(command: MemoryCommand & { readonly type: "put" | "compareAndSet" }, index: number): MemoryResult {
    const { namespace, key, ttlMs } = command;
    const before = this.#find(namespace, key);
    if (before !== undefined) this.#replaced(before);
    // A copy: the command's value is often a view into a whole frame or log segment, which it would keep from being freed.
    const value = command.value.slice();
    this.#insert({ namespace, key, value, version: index, expiresAtMs: ttlMs === 0 ? 0 : this.#timeMs + ttlMs });
    return { type: "written", version: index };
  }

  #find(namespace: string, key: string): MemoryItem | undefined {
    return this.#namespaces.get(namespace)?.get(key);
  }

  #insert(item: MemoryItem): void {
    let namespace = this.#namespaces.get(item.namespace);
    if (namespace === undefined) {
      namespace = new Namespace();
      this.#namespaces.set(item.namespace, namespace);
    }
    namespace.set(item);
    if (item.expiresAtMs !== 0) this.#expiries.set(item, item.expiresAtMs, item.version);
    this.#size++;
  }

  /** Another one takes its place at once. */
  #replaced(item: MemoryItem): void {
    if (item.expiresAtMs !== 0) this.#expiries.delete(item);
    this.#size--;
  }

  #remove(item: MemoryItem): void {
    const namespace = this.#namespaces.get(item.namespace);
    invariant(namespace?.get(item.key) === item, "memory: what is removed is what is held");
    namespace.delete(item.key);
    if (namespace.size === 0) this.#namespaces.delete(item.namespace);
    this.#expiries.delete(item);
    this.#size--;
  }
}
