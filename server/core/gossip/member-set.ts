/** Some of the members, by place: a bit for each. */
export type MemberSet = Uint32Array;

export function noMembers(members: number): MemberSet {
  return new Uint32Array(Math.ceil(members / 32));
}

export function setOf(members: number, places: Iterable<number>): MemberSet {
  const set = noMembers(members);
  for (const place of places) include(set, place);
  return set;
}

/** The same ones, of more members. */
export function widened(set: MemberSet, members: number): MemberSet {
  const wide = noMembers(members);
  wide.set(set);
  return wide;
}

/** All but one. */
export function everybodyBut(members: number, place: number): MemberSet {
  const set = noMembers(members).fill(0xffff_ffff);
  const last = set.length - 1;
  if (members % 32 !== 0) set[last] = (1 << (members % 32)) - 1;
  exclude(set, place);
  return set;
}

export function includes(set: MemberSet, place: number): boolean {
  return (((set[place >> 5] as number) >>> (place & 31)) & 1) === 1;
}

export function include(set: MemberSet, place: number): void {
  set[place >> 5] = (set[place >> 5] as number) | (1 << (place & 31));
}

export function exclude(set: MemberSet, place: number): void {
  set[place >> 5] = (set[place >> 5] as number) & ~(1 << (place & 31));
}

/** How many are in it. */
export function countOf(set: MemberSet): number {
  let count = 0;
  for (const word of set) {
    // Bits of pairs, of fours and of bytes are added up side by side.
    const pairs = word - ((word >>> 1) & 0x5555_5555);
    const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
    count += Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
  }
  return count;
}

/** The places of one word's bits, rising. */
export function visitWord(word: number, index: number, visit: (place: number) => void): void {
  for (let rest = word >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0)
    visit(index * 32 + 31 - Math.clz32(rest & -rest));
}
