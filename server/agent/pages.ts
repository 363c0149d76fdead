/** Bytes of values, or UTF-16 code units of text, in one answer: it has to fit a client's frame of 8 MiB. */
export const MAX_ANSWER_SIZE = 2 * 1024 * 1024;

/**
 * The newest of a list that fit one answer, in the list's order; `more`: older ones are left out. At least one, if there is any.
 * @param before only those before the one with this id; empty: all. @returns undefined when there is none with it
 */
export function page<Item, Info>(
  items: readonly Item[],
  before: string,
  idOf: (item: Item) => string,
  infoOf: (item: Item) => Info,
  sizeOf: (info: Info) => number,
): { readonly infos: readonly Info[]; readonly more: boolean } | undefined {
  const end = before === "" ? items.length : items.findLastIndex((item) => idOf(item) === before);
  if (end < 0) return undefined;
  const infos: Info[] = [];
  let size = 0;
  for (let at = end - 1; at >= 0; at--) {
    const info = infoOf(items[at] as Item);
    size += sizeOf(info);
    if (size > MAX_ANSWER_SIZE && infos.length > 0) return { infos: infos.reverse(), more: true };
    infos.push(info);
  }
  return { infos: infos.reverse(), more: false };
}
