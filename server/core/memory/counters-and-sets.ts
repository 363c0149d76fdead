import { type ByteReader, ByteWriter, MalformedBytes, utf8, writePieces } from "../bytes.ts";
import { compareText } from "../text.ts";
import { type Counter, incremented, totalOf } from "./counter.ts";
import { MAX_ELEMENT_BYTES, MAX_KEY_BYTES, MAX_NAMESPACE_BYTES } from "./limits.ts";
import { Namespace } from "./namespace.ts";
import {
  type Add,
  addsOf,
  elementsOf,
  type ObservedSet,
  versionOf,
  withElement,
  withoutElement,
} from "./observed-set.ts";
import { Once, readId, writeId } from "./once.ts";
import { merged, sortedRuns } from "./snapshot.ts";
import type { MemoryCommand, MemoryItem, MemoryResult } from "./types.ts";
import { compareIds, type WriteId } from "./write-id.ts";

export type TypedCommand = Extract<MemoryCommand, { readonly type: "increment" | "add" | "remove" }>;

/** What a key was told as a counter, and as a set: both, where two agents that knew nothing of each other disagreed. Never changed, only replaced. */
interface Cell {
  readonly key: string;
  readonly counter?: Counter;
  /** Absent when it is empty. */
  readonly set?: ObservedSet;
}

const EMPTY: ObservedSet = new Map();
const Has = { counter: 1, set: 2 } as const;

/**
 * The counters and sets of an eventual memory. A key that was counted is a counter for good; one that has elements is a set as long as it does. A counter hides a set of the same key, and either
 * hides a value: by what is there alone, so that all agents decide alike.
 */
export class CountersAndSets {
  readonly #cells = new Map<string, Namespace<Cell>>();
  readonly #once = new Once();

  /** Keys, however many types each was told as. */
  get size(): number {
    let size = 0;
    for (const namespace of this.#cells.values()) size += namespace.size;
    return size;
  }

  /** Nothing was ever told that is still known. */
  get empty(): boolean {
    return this.#cells.size === 0 && this.#once.size === 0;
  }

  /** @param id of the write. @param forgetMs no repetition comes later than then, entry time. @param timeMs entry time. */
  apply(command: TypedCommand, id: WriteId, stamp: number, forgetMs: number, timeMs: number): MemoryResult {
    const { namespace, key } = command;
    const cell = this.#cells.get(namespace)?.get(key) ?? { key };
    if (command.type === "remove") {
      const { set = EMPTY } = cell;
      const left = withoutElement(set, command.element, command.replaces);
      if (left !== set) this.#put(namespace, withSet(cell, left));
      return { type: "removed", existed: addsOf(set, command.element).length > addsOf(left, command.element).length };
    }
    const first = this.#once.first(id, forgetMs, timeMs);
    if (command.type === "increment") {
      const counter = incremented(cell.counter, command.by, stamp, first);
      this.#put(namespace, { ...cell, counter });
      return { type: "counted", total: totalOf(counter) };
    }
    const { set = EMPTY } = cell;
    const { element, replaces } = command;
    const { session, sequence } = id;
    this.#put(namespace, withSet(cell, withElement(set, element, { session, sequence, stamp }, replaces, first)));
    return { type: "added", created: addsOf(set, element).length === 0 };
  }

  clock(timeMs: number): void {
    this.#once.clock(timeMs);
  }

  counter(namespace: string, key: string): Counter | undefined {
    return this.#cells.get(namespace)?.get(key)?.counter;
  }

  set(namespace: string, key: string): ObservedSet | undefined {
    return this.#cells.get(namespace)?.get(key)?.set;
  }

  get(namespace: string, key: string): MemoryItem | undefined {
    const cell = this.#cells.get(namespace)?.get(key);
    return cell && itemOf(namespace, cell);
  }

  /** Those whose key starts with `prefix` and comes after `after`, in order. */
  *items(namespace: string, prefix: string, after: string): IterableIterator<MemoryItem> {
    for (const cell of this.#cells.get(namespace)?.from(prefix, after) ?? []) yield itemOf(namespace, cell);
  }

  namespaces(): string[] {
    return [...this.#cells.keys()];
  }

  /** All as it is at this moment, in pieces that are made as they are asked for; nothing, where there is nothing. */
  snapshotPieces(): Iterable<Uint8Array> {
    if (this.empty) return [];
    const namespaces = [...this.#cells].sort(([a], [b]) => compareText(a, b));
    return pieces(
      namespaces.map(([name, namespace]) => ({ name, cells: namespace.all() })),
      this.#once.noted(),
    );
  }

  /** @param timeMs entry time. @throws MalformedBytes unless it is what `snapshotPieces` gives of something. */
  static read(reader: ByteReader, timeMs: number): CountersAndSets {
    const restored = new CountersAndSets();
    let lastName = "";
    for (let left = reader.count(reader.remaining); left > 0; left--) {
      const name = reader.text(MAX_NAMESPACE_BYTES);
      if (name <= lastName) throw new MalformedBytes("namespaces not in order");
      lastName = name;
      let lastKey = "";
      const count = reader.count(reader.remaining);
      if (count === 0) throw new MalformedBytes("empty namespace");
      for (let at = 0; at < count; at++) {
        const cell = readCell(reader);
        if (cell.key <= lastKey) throw new MalformedBytes("keys not in order");
        lastKey = cell.key;
        restored.#put(name, cell);
      }
    }
    let last: WriteId | undefined;
    for (let left = reader.count(reader.remaining); left > 0; left--) last = restored.#once.read(reader, last, timeMs);
    if (restored.empty) throw new MalformedBytes("neither counters nor sets where some are announced");
    return restored;
  }

  #put(name: string, cell: Cell): void {
    let namespace = this.#cells.get(name);
    if (cell.counter === undefined && cell.set === undefined) {
      namespace?.delete(cell.key);
      if (namespace?.size === 0) this.#cells.delete(name);
      return;
    }
    if (namespace === undefined) {
      namespace = new Namespace();
      this.#cells.set(name, namespace);
    }
    namespace.set(cell);
  }
}

function withSet({ key, counter }: Cell, set: ObservedSet): Cell {
  return { key, ...(counter && { counter }), ...(set.size > 0 && { set }) };
}

function itemOf(namespace: string, { key, counter, set = EMPTY }: Cell): MemoryItem {
  const place = { namespace, key, expiresAtMs: 0 };
  return counter === undefined
    ? { ...place, type: "set", value: utf8(JSON.stringify(elementsOf(set))), version: versionOf(set) }
    : { ...place, type: "counter", value: utf8(String(totalOf(counter))), version: counter.version };
}

function* pieces(
  namespaces: readonly { readonly name: string; readonly cells: readonly Cell[] }[],
  once: ReturnType<Once["noted"]>,
): Generator<Uint8Array, void> {
  const writer = new ByteWriter();
  writer.varint(namespaces.length);
  for (const { name, cells } of namespaces) {
    writer.text(name);
    writer.varint(cells.length);
    const runs = yield* sortedRuns(cells);
    yield* writePieces(writer, merged(runs), (cell) => writeCell(writer, cell));
  }
  yield* Once.pieces(writer, once);
  if (writer.length > 0) yield writer.finish();
}

function writeCell(writer: ByteWriter, { key, counter, set }: Cell): void {
  writer.text(key);
  writer.byte((counter === undefined ? 0 : Has.counter) | (set === undefined ? 0 : Has.set));
  if (counter !== undefined) for (const part of [counter.added, counter.taken, counter.version]) writer.varint(part);
  if (set === undefined) return;
  writer.varint(set.size);
  for (const element of elementsOf(set)) {
    writer.text(element);
    const adds = addsOf(set, element);
    writer.varint(adds.length);
    for (const add of adds) {
      writeId(writer, add);
      writer.varint(add.stamp);
    }
  }
}

function readCell(reader: ByteReader): Cell {
  const key = reader.text(MAX_KEY_BYTES);
  const has = reader.byte();
  if (has === 0 || has > (Has.counter | Has.set)) throw new MalformedBytes(`neither a counter nor a set: ${has}`);
  const counter =
    (has & Has.counter) === 0
      ? undefined
      : { added: reader.varint(), taken: reader.varint(), version: reader.varint() };
  if (counter?.version === 0) throw new MalformedBytes("stamps count from 1");
  const set = (has & Has.set) === 0 ? undefined : readSet(reader);
  return { key, ...(counter && { counter }), ...(set && { set }) };
}

function readSet(reader: ByteReader): ObservedSet {
  const set = new Map<string, readonly Add[]>();
  let last = "";
  for (let left = reader.count(reader.remaining); left > 0; left--) {
    const element = reader.text(MAX_ELEMENT_BYTES);
    if (element <= last) throw new MalformedBytes("elements not in order");
    last = element;
    const adds: Add[] = [];
    for (let more = reader.count(reader.remaining); more > 0; more--) {
      const add = { ...readId(reader), stamp: reader.varint() };
      const before = adds.at(-1);
      if (add.stamp === 0 || (before !== undefined && compareIds(before, add) >= 0))
        throw new MalformedBytes("adds not in order, or without a stamp");
      adds.push(add);
    }
    if (adds.length === 0) throw new MalformedBytes("an element that nobody added");
    set.set(element, adds);
  }
  if (set.size === 0) throw new MalformedBytes("a set without elements");
  return set;
}
