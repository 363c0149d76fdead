import { ByteWriter, writePieces } from "../bytes.ts";
import { compareText } from "../text.ts";
import type { MemoryItem } from "./types.ts";

export const SNAPSHOT_FORMAT = 1;

/** Sorted in well under a millisecond. */
const RUN_ITEMS = 1024;
const NO_BYTES = new Uint8Array(0);

/**
 * A memory's binary form, namespaces and keys in code unit order, in pieces: each is made when it is asked for and takes well under a millisecond,
 * however much there is. Pieces made while sorting goes on are empty.
 * @param namespaces by name, in order; their items in any order.
 */
export function* memoryPieces(
  timeMs: number,
  namespaces: readonly { readonly name: string; readonly items: readonly MemoryItem[] }[],
): Generator<Uint8Array, void> {
  const writer = new ByteWriter();
  writer.byte(SNAPSHOT_FORMAT);
  writer.varint(timeMs);
  writer.varint(namespaces.length);
  for (const { name, items } of namespaces) {
    const runs = yield* sortedRuns(items);
    writer.text(name);
    writer.varint(items.length);
    yield* writePieces(writer, merged(runs), (item) => {
      writer.text(item.key);
      writer.bytes(item.value);
      writer.varint(item.version);
      writer.varint(item.expiresAtMs);
    });
  }
  if (writer.length > 0) yield writer.finish();
}

/** The items by key, in runs of which each is in order: a piece without bytes for each, as sorting takes its time. */
export function* sortedRuns<Item extends { readonly key: string }>(
  items: readonly Item[],
): Generator<Uint8Array, Item[][]> {
  const runs: Item[][] = [];
  for (let from = 0; from < items.length; from += RUN_ITEMS) {
    runs.push(items.slice(from, from + RUN_ITEMS).sort((a, b) => compareText(a.key, b.key)));
    yield NO_BYTES;
  }
  return runs;
}

/** The items of sorted runs in order. A binary heap of the runs, by the item that each gives next. */
export function* merged<Item extends { readonly key: string }>(
  runs: readonly (readonly Item[])[],
): Generator<Item, void> {
  const heap = runs.map((run) => ({ run, at: 0, key: (run[0] as Item).key }));
  const sink = (place: number): void => {
    for (let hole = place; ; ) {
      let least = hole;
      for (const child of [2 * hole + 1, 2 * hole + 2])
        if (child < heap.length && (heap[child]?.key as string) < (heap[least]?.key as string)) least = child;
      if (least === hole) return;
      [heap[hole], heap[least]] = [heap[least] as (typeof heap)[0], heap[hole] as (typeof heap)[0]];
      hole = least;
    }
  };
  for (let place = heap.length >> 1; place >= 0; place--) sink(place);
  for (let top = heap[0]; top !== undefined; top = heap[0]) {
    yield top.run[top.at] as Item;
    const next = top.run[++top.at];
    if (next !== undefined) {
      top.key = next.key;
    } else {
      const last = heap.pop();
      if (last !== undefined && last !== top) heap[0] = last;
    }
    sink(0);
  }
}
