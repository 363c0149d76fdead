import { seededRandom } from "../random.ts";

/** Two places of the roster that have a link. */
export type Pair = readonly [number, number];

/** Attempts to switch, per link: enough for what was regular to look drawn. */
const SWITCHES_A_LINK = 10;
/** With zones a switch is taken less often: so many times as many attempts. */
const SWITCHES_WITH_ZONES = 4;
/** Of the drawn links so many lead out of their zone, as near as the switches come to it. */
const CROSSING_SHARE = 0.25;
/** Of a small world whose lattice has all links that it should: one shortcut for so many agents. */
const AGENTS_A_SHORTCUT = 4;

/**
 * Each agent has `degree` links: the ring through the whole roster, so that two ways without a common agent lead from everyone to everyone, and the others drawn. Where
 * both the size and the degree are odd, one agent has one more, as there is no such graph.
 *
 * The ring is a random Hamiltonian cycle as in Law and Siu (Distributed construction of random expander networks, INFOCOM 2003), up to the agents' names. The rest begins as
 * the circulant graph and takes random switches, which keep all degrees (Cooper, Dyer and Greenhill: Sampling regular graphs and a peer-to-peer network, Combinatorics,
 * Probability and Computing 16, 2007, §2): unlike further drawn cycles or the pairing model (Bollobás 1980) it needs no second try, however few agents there are.
 *
 * With zones, places are those of a roster in which each zone's agents follow one another: the ring then leaves each zone at two of its agents, and without one of the zones what is left
 * of it is still a chain; of the drawn links most are switched into the zones.
 *
 * The same for the same numbers.
 * @param size how many agents; more than degree + 1
 * @param degree at least 2
 * @param zones of each place, by number; absent: there are none
 */
export function kRegular(size: number, degree: number, zones?: readonly number[]): Pair[] {
  const ring = lattice(size, 1, 1);
  const rest = lattice(size, 2, Math.floor(degree / 2));
  if (degree % 2 === 1) rest.push(...opposites(size), ...linkOfOddOne(size));
  return [...ring, ...switched(ring, rest, `k-regular/${size}/${degree}`, zones)];
}

/**
 * A ring lattice, in which each agent has links with its nearest ones, half on either side, and drawn shortcuts across it. None of the lattice's links is rewired, as it would be by
 * Watts and Strogatz (Collective dynamics of small-world networks, Nature 393, 1998): shortcuts are added (Newman and Watts: Renormalization group analysis of the
 * small-world network model, Physics Letters A 263, 1999), so that nobody loses the two ways round. The shortcuts are a random matching, nobody has two, which is enough
 * for short ways (Bollobás and Chung: The diameter of a cycle plus a random matching, SIAM J. Discrete Math. 1, 1988). With an even degree the lattice has it, and there
 * is one shortcut for every four agents; with an odd one the lattice has one less, and everybody a shortcut (where their number is odd, one agent two).
 *
 * It takes no heed of zones but by the order of the places, as above: the lattice stays within them but for their ends, and shortcuts lead where they do.
 *
 * The same for the same numbers.
 * @param size how many agents; more than degree + 1
 * @param degree at least 2: the fewest links that an agent has; some have one more
 */
export function smallWorld(size: number, degree: number): Pair[] {
  const ring = lattice(size, 1, Math.floor(degree / 2));
  const label = `small-world/${size}/${degree}`;
  if (degree % 2 === 1) return [...ring, ...switched(ring, [...opposites(size), ...linkOfOddOne(size)], label)];
  const drawn = switched(ring, opposites(size), label);
  return [
    ...ring,
    ...seededRandom(label)
      .fork("shortcuts")
      .shuffled(drawn)
      .slice(0, Math.floor(size / AGENTS_A_SHORTCUT)),
  ];
}

/** Everyone linked with those that are from `nearest` to `farthest` places away, to both sides: a circulant graph. */
function lattice(size: number, nearest: number, farthest: number): Pair[] {
  const pairs: Pair[] = [];
  for (let far = nearest; far <= farthest; far++) for (let at = 0; at < size; at++) pairs.push([at, (at + far) % size]);
  return pairs;
}

/** A matching of agents that are as far apart on the ring as can be; of an odd number the last one is left over. */
function opposites(size: number): Pair[] {
  const half = Math.floor(size / 2);
  return Array.from({ length: half }, (_, at): Pair => [at, at + half]);
}

/** A link for the one that `opposites` leaves over, with an agent that is as far away. */
function linkOfOddOne(size: number): Pair[] {
  return size % 2 === 1 ? [[Math.floor(size / 2) - 1, size - 1]] : [];
}

/**
 * The links after random switches: of two, a-b and c-d, become a-d and c-b, unless one of these is there or joins an agent with itself. Everybody keeps as many.
 * @param fixed links that stay, and must not come up again
 * @param zones of each place: a switch must then not lead away from CROSSING_SHARE
 */
function switched(fixed: readonly Pair[], links: readonly Pair[], label: string, zones?: readonly number[]): Pair[] {
  const random = seededRandom(label);
  const drawn = links.slice();
  const there = new Set([...fixed, ...links].map(keyOf));
  const crosses = ([one, other]: Pair): number => (zones === undefined || zones[one] === zones[other] ? 0 : 1);
  const crossingOf = (pairs: readonly Pair[]): number => pairs.reduce((sum, pair) => sum + crosses(pair), 0);
  const aim = Math.round(CROSSING_SHARE * drawn.length);
  let crossing = crossingOf(drawn);
  const attempts = SWITCHES_A_LINK * (zones === undefined ? 1 : SWITCHES_WITH_ZONES);
  for (let left = attempts * drawn.length; left > 0; left--) {
    const one = random.int(0, drawn.length - 1);
    const other = random.int(0, drawn.length - 1);
    const [a, b] = drawn[one] as Pair;
    const [x, y] = drawn[other] as Pair;
    const [c, d] = random.chance(0.5) ? [x, y] : [y, x];
    const made: readonly [Pair, Pair] = [[a, d], [c, b]]; // biome-ignore format: two pairs
    if (a === d || b === c || made.some((pair) => there.has(keyOf(pair)))) continue;
    const after = crossing + crossingOf(made) - crossingOf([[a, b], [c, d]]); // biome-ignore format: two pairs
    if (zones !== undefined && Math.abs(after - aim) > Math.abs(crossing - aim)) continue;
    crossing = after;
    for (const pair of [[a, b], [c, d]] as const) there.delete(keyOf(pair)); // biome-ignore format: two pairs
    for (const pair of made) there.add(keyOf(pair));
    [drawn[one], drawn[other]] = made;
  }
  return drawn;
}

function keyOf([one, other]: Pair): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
