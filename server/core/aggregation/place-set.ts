/** A set of places in a list whose length all know: a bit a place, `place mod 8`, lowest first, of byte `floor(place / 8)`. Never changed in place. */
export type PlaceSet = Uint8Array;

export function noPlaces(size: number): PlaceSet {
  return new Uint8Array(Math.ceil(size / 8));
}

export function hasPlace(set: PlaceSet, place: number): boolean {
  return (((set[place >> 3] ?? 0) >> (place & 7)) & 1) === 1;
}

export function withPlace(set: PlaceSet, place: number): PlaceSet {
  if (hasPlace(set, place)) return set;
  const more = set.slice();
  more[place >> 3] = (more[place >> 3] as number) | (1 << (place & 7));
  return more;
}

/** The first one itself where the other adds nothing. */
export function union(one: PlaceSet, other: PlaceSet): PlaceSet {
  if (includesAll(one, other)) return one;
  return one.map((bits, at) => bits | (other[at] as number));
}

export function includesAll(set: PlaceSet, part: PlaceSet): boolean {
  for (let at = 0; at < part.length; at++) if (((part[at] as number) & ~(set[at] as number)) !== 0) return false;
  return true;
}

/** Of two sets over the same list. */
export function sameSet(one: PlaceSet, other: PlaceSet): boolean {
  if (one === other) return true;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

export function countPlaces(set: PlaceSet): number {
  let count = 0;
  for (const bits of set) for (let left = bits; left !== 0; left &= left - 1) count++;
  return count;
}

/** Nothing is set beyond the list's end. */
export function fits(set: PlaceSet, size: number): boolean {
  return set.length === Math.ceil(size / 8) && (set.at(-1) ?? 0) >> (((size - 1) & 7) + 1) === 0;
}
