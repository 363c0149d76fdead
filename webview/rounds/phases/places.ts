/**
 * What the agents of a PBFT swarm told of each place of the order (a sequence number) and of each view change, row by row. Each place: how far each agent came (OSDI '99, §4.2:
 * pre-prepared, prepared, committed), with which batch, in which views, and who lied there.
 */
import type { EventId, EventKind, TimelineEvent } from "../../../server/contract/timeline.ts";

export const PHASES = ["prePrepared", "prepared", "committed"] as const;
export type Phase = (typeof PHASES)[number];

/** All that the rows are made of. */
export const PLACE_KINDS: readonly EventKind[] = [...PHASES, "equivocation", "viewChangeStarted", "viewEntered"];

/** What is kept of an event: there may be a million of them. */
export interface Told {
  readonly id: EventId;
  readonly agent: string;
  readonly kind: EventKind;
  readonly atMs: number;
  readonly counter: number;
  readonly view: number;
}

export interface Step extends Told {
  readonly kind: Phase;
  /** "" where the event does not say it: `prepared` means the batch that its agent accepted in that view. */
  readonly digest: string;
  /** null where the event does not say it. */
  readonly requests: number | null;
  /** The view's primary as the agent knew it; "" where it was none's then. */
  readonly primary: string;
}

export interface Proof extends Told {
  readonly culprit: string;
  /** What it signed two of: "prePrepare", "prepare", "commit" or "checkpoint". */
  readonly signed: string;
}

export interface GaveUp extends Told {
  readonly reason: string;
}

export interface Entered extends Told {
  readonly primary: string;
  /** How many places it proposed again, the lowest of its view. */
  readonly reproposed: number;
}

export class Place {
  readonly kind = "place";
  readonly seq: number;
  readonly steps: Step[] = [];
  readonly proofs: Proof[] = [];
  /** The view in which it was first proposed, as far as it is known. */
  firstView = Number.POSITIVE_INFINITY;
  firstMs = Number.POSITIVE_INFINITY;

  constructor(seq: number) {
    this.seq = seq;
  }

  get key(): string {
    return `s${this.seq}`;
  }
}

export class ViewChangeRow {
  readonly kind = "view";
  /** The view that was to begin. */
  readonly view: number;
  readonly gaveUp: GaveUp[] = [];
  readonly entered: Entered[] = [];
  firstMs = Number.POSITIVE_INFINITY;

  constructor(view: number) {
    this.view = view;
  }

  get key(): string {
    return `v${this.view}`;
  }
}

export type PhaseRow = Place | ViewChangeRow;

/** Everything that was told for a row, in the order of time. */
export function toldOf(row: PhaseRow): readonly Told[] {
  const told: Told[] = row.kind === "place" ? [...row.steps, ...row.proofs] : [...row.gaveUp, ...row.entered];
  return told.sort((a, b) => a.atMs - b.atMs || a.counter - b.counter || (a.id < b.id ? -1 : 1));
}

/** The event that a row is best shown by: its first decision, or how far it came; the view's beginning, or that it was called for. */
export function keyEvent(row: PhaseRow): EventId | undefined {
  const told = toldOf(row);
  const wanted: readonly EventKind[] =
    row.kind === "place"
      ? ["committed", "prepared", "prePrepared", "equivocation"]
      : ["viewEntered", "viewChangeStarted"];
  for (const kind of wanted) {
    const found = told.find((one) => one.kind === kind);
    if (found !== undefined) return found.id;
  }
  return undefined;
}

/** The rows, newest first; events may come twice and in any order. */
export class Places {
  readonly #places = new Map<number, Place>();
  readonly #views = new Map<number, ViewChangeRow>();
  readonly #rowOf = new Map<EventId, PhaseRow>();
  /** The lowest place that was proposed in a view. */
  readonly #lowest = new Map<number, number>();
  #rows: readonly PhaseRow[] | null = [];

  add(events: readonly TimelineEvent[]): void {
    for (const event of events) {
      if (this.#rowOf.has(event.id)) continue;
      const row = this.#take(event);
      if (row === undefined) continue;
      this.#rowOf.set(event.id, row);
      row.firstMs = Math.min(row.firstMs, event.hlc.wallMs);
      this.#rows = null;
    }
  }

  /** Forgets the oldest rows, so that `most` stay. @returns the time from which on nothing was forgotten */
  trim(most: number): number | null {
    const rows = this.rows;
    if (rows.length <= most) return null;
    for (const row of rows.slice(most)) {
      if (row.kind === "place") this.#places.delete(row.seq);
      else this.#views.delete(row.view);
      for (const { id } of toldOf(row)) this.#rowOf.delete(id);
    }
    this.#rows = rows.slice(0, most);
    return this.#rows.at(-1)?.firstMs ?? null;
  }

  rowOf(event: EventId): PhaseRow | undefined {
    return this.#rowOf.get(event);
  }

  /** The same list until something is added. A view change stands above all places that were proposed before it. */
  get rows(): readonly PhaseRow[] {
    this.#rows ??= this.#order();
    return this.#rows;
  }

  /** The rows of which nothing is missing, where no event before `fromMs` was given. */
  wholeRows(fromMs: number): readonly PhaseRow[] {
    const { rows } = this;
    const again = this.#againBelow();
    const cut = rows.findIndex((row) => row.kind === "place" && this.#isAgain(row, again.get(row.firstView) ?? 0));
    let end = cut === -1 ? rows.length : cut;
    while (end > 0 && rows[end - 1]!.firstMs < fromMs) end--;
    return end === rows.length ? rows : rows.slice(0, end);
  }

  /** Per view: the places below this one are proposed again there. */
  #againBelow(): ReadonlyMap<number, number> {
    const below = new Map<number, number>();
    for (const { view, entered } of this.#views.values()) {
      const lowest = this.#lowest.get(view);
      const again = Math.max(0, ...entered.map(({ reproposed }) => reproposed));
      if (lowest !== undefined && again > 0) below.set(view, lowest + again);
    }
    return below;
  }

  /** Whether only another view's repetition of a place is known, not how it fared before. */
  #isAgain({ seq, firstView }: Place, againBelow: number): boolean {
    if (seq >= againBelow) return false;
    // A primary proposes in order: where a lower place is known from an earlier view, this one would be, too.
    for (const [view, known] of this.#lowest) if (view < firstView && known <= seq) return false;
    return true;
  }

  #order(): readonly PhaseRow[] {
    const places = [...this.#places.values()].sort((a, b) => b.seq - a.seq);
    const views = [...this.#views.values()].sort((a, b) => b.view - a.view);
    const rows: PhaseRow[] = [];
    let next = 0;
    for (const place of places) {
      while (next < views.length && views[next]!.view > place.firstView) rows.push(views[next++]!);
      rows.push(place);
    }
    return [...rows, ...views.slice(next)];
  }

  #take(event: TimelineEvent): PhaseRow | undefined {
    const { id, agent, kind, fields, hlc } = event;
    // A decision tells the view in which it was executed.
    const view = Number(fields.view ?? fields.term);
    const told = { id, agent, atMs: hlc.wallMs, counter: hlc.counter, view };
    switch (kind) {
      case "prePrepared":
      case "prepared":
      case "committed": {
        if (fields.seq === undefined || !Number.isFinite(view)) return undefined;
        const place = this.#place(Number(fields.seq));
        const requests = fields.requests === undefined ? null : Number(fields.requests);
        const digest = String(fields.digest ?? "");
        place.steps.push({ ...told, kind, digest, requests, primary: event.state?.leader ?? "" });
        place.firstView = Math.min(place.firstView, view);
        if (kind === "prePrepared")
          this.#lowest.set(view, Math.min(this.#lowest.get(view) ?? Number.POSITIVE_INFINITY, place.seq));
        return place;
      }
      case "equivocation": {
        const place = this.#place(Number(fields.seq));
        place.proofs.push({ ...told, kind, culprit: String(fields.culprit), signed: String(fields.kind) });
        return place;
      }
      case "viewChangeStarted": {
        const row = this.#view(view);
        row.gaveUp.push({ ...told, kind, reason: String(fields.reason) });
        return row;
      }
      case "viewEntered": {
        const row = this.#view(view);
        row.entered.push({
          ...told,
          kind,
          primary: String(fields.primary),
          reproposed: Number(fields.reproposed ?? 0),
        });
        return row;
      }
      default:
        return undefined;
    }
  }

  #place(seq: number): Place {
    const known = this.#places.get(seq) ?? new Place(seq);
    this.#places.set(seq, known);
    return known;
  }

  #view(view: number): ViewChangeRow {
    const known = this.#views.get(view) ?? new ViewChangeRow(view);
    this.#views.set(view, known);
    return known;
  }
}
