import { compareStandings, type Standing, UNHEARD } from "../freshness.ts";
import { type Confirmers, NOBODY, placesOf } from "./confirmers.ts";

/**
 * How often news is told to a neighbour that has not shown that it knows it: at once, then with the next heartbeats, which leave anyway. Links may lose
 * frames; a counter is soon outdated by the next one, a verdict is not. A suspicion is not counted down: a quorum may hang on a single confirmation, so
 * that it is told with every heartbeat while it lasts.
 */
const TELLS = { alive: 2, suspected: 2, failed: 3, left: 3 } as const;

/** What is known of one peer as the other end of a link: whether that is up, what it has been told, whom it hears itself. Members by their place. */
export class Neighbour {
  up = false;
  /** When its link closed; -Infinity if it never did. */
  closedAtMs = Number.NEGATIVE_INFINITY;
  /** When it last said anything over its link; -Infinity if it never did since that came up. */
  spokeAtMs = Number.NEGATIVE_INFINITY;
  /** It has to be greeted: the link is new. */
  greet = false;
  readonly #knows: Standing[];
  /** Of the suspicions it knows. */
  readonly #confirmers: Confirmers[];
  #tellsLeft: Uint8Array;
  #hears: Uint8Array;

  constructor(members: number) {
    this.#knows = new Array<Standing>(members).fill(UNHEARD);
    this.#confirmers = new Array<Confirmers>(members).fill(NOBODY);
    this.#tellsLeft = new Uint8Array(members);
    this.#hears = new Uint8Array(members);
  }

  /** There are more members now; nothing is known of what it knows of them. */
  grow(members: number): void {
    while (this.#knows.length < members) this.#knows.push(UNHEARD);
    while (this.#confirmers.length < members) this.#confirmers.push(NOBODY);
    this.#tellsLeft = grown(this.#tellsLeft, members);
    this.#hears = grown(this.#hears, members);
  }

  /** A new link: whoever is at its end may have forgotten everything. */
  opened(): void {
    this.up = true;
    this.greet = true;
    this.spokeAtMs = Number.NEGATIVE_INFINITY;
    this.#knows.fill(UNHEARD);
    this.#confirmers.fill(NOBODY);
    this.#tellsLeft.fill(0);
    this.#hears.fill(0);
  }

  closed(now: number): void {
    this.up = false;
    this.greet = false;
    this.closedAtMs = now;
  }

  /** It has no link any more, and lives. */
  givenUp(): void {
    this.up = false;
    this.greet = false;
    this.closedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Its link was up and is not any more. */
  isClosed(): boolean {
    return !this.up && this.closedAtMs !== Number.NEGATIVE_INFINITY;
  }

  /** @param own this agent's place: what the neighbour hears of that is what it is told here. */
  hearsOnly(places: readonly number[], own: number): void {
    this.#hears.fill(0);
    for (const place of places) this.#hears[place] = 1;
    this.#hears[own] = 0;
  }

  /** It has shown that it knows at least this. */
  showed(place: number, standing: Standing, confirmers: Confirmers): void {
    const order = compareStandings(standing, this.#knows[place] as Standing);
    if (order < 0) return;
    const known = order > 0 ? NOBODY : (this.#confirmers[place] as Confirmers);
    // What it was told and does not show may have been lost.
    if ((known & ~confirmers) === NOBODY) this.#tellsLeft[place] = 0;
    this.#confirmers[place] = known | confirmers;
    if (order > 0) this.#knows[place] = standing;
  }

  /** It has shown that it believes what is outdated, whatever it was told: that was lost, or has crossed. */
  showedOutdated(place: number, standing: Standing, confirmers: Confirmers): void {
    this.#knows[place] = standing;
    this.#confirmers[place] = confirmers;
    this.#tellsLeft[place] = 0;
  }

  /** It is being told. */
  told(place: number, standing: Standing, confirmers: Confirmers): void {
    if (compareStandings(standing, this.#knows[place] as Standing) > 0) {
      this.#knows[place] = standing;
      this.#confirmers[place] = confirmers;
      this.#tellsLeft[place] = TELLS[standing.state] - 1;
    } else if (standing.state === "suspected") {
      this.#confirmers[place] = (this.#confirmers[place] as Confirmers) | confirmers;
      this.#tellsLeft[place] = TELLS.suspected - 1;
    } else if ((this.#tellsLeft[place] as number) > 0) {
      this.#tellsLeft[place] = (this.#tellsLeft[place] as number) - 1;
    }
  }

  /** Whether it should be told this news of another member: it does not know it and would not hear it sooner by itself. */
  wants(place: number, standing: Standing, confirmers: Confirmers): boolean {
    const knows = this.#knows[place] as Standing;
    // Asked most often of what it hears by itself.
    if (this.#hears[place] !== 0 && standing.state === "alive" && knows.state === "alive") return false;
    const order = compareStandings(standing, knows);
    if (order !== 0 || confirmers === NOBODY) return order > 0;
    const missing = confirmers & ~(this.#confirmers[place] as Confirmers);
    // Those it hears by itself tell it that they confirm.
    return missing !== NOBODY && placesOf(missing).some((confirmer) => this.#hears[confirmer] === 0);
  }

  /** Whether it should be told this once more with a heartbeat: what it was told last, which may have been lost. */
  wantsAgain(place: number, standing: Standing): boolean {
    return (this.#tellsLeft[place] as number) > 0 && compareStandings(standing, this.#knows[place] as Standing) === 0;
  }
}

function grown(flags: Uint8Array, members: number): Uint8Array {
  const larger = new Uint8Array(members);
  larger.set(flags);
  return larger;
}
