/**
 * A write that spreads by gossip, as the timeline tells it: where it was issued, and who heard of it by rumour, when, and from whom. Nothing is guessed: who got it by anti-entropy is not told one
 * by one, but that everybody has it is, once an agent that has it knows so.
 */
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { formatDuration, plural } from "../format.ts";

/** How an agent came to know of a write. */
export interface Hearing {
  readonly agent: string;
  /** Since it was issued, ms. */
  readonly afterMs: number;
  /** Whom it heard it from; "" where it was issued. */
  readonly from: string;
  /** Messages that it went through; 0 where it was issued. */
  readonly hops: number;
}

export interface Rumour {
  /** Whose write; the number of its operation. */
  readonly origin: string;
  readonly seq: number;
  readonly issuedAtMs: number;
  /** In the order in which it spread, its origin first. */
  readonly heard: readonly Hearing[];
  /** After how long the first agent knew that everybody has it, ms; null: not yet. */
  readonly everywhereAfterMs: number | null;
}

/** As much of it as the picture shows at a moment. */
export interface Spread {
  /** Of those that are lit the number in the order, from 1. */
  readonly order: ReadonlyMap<string, number>;
  /** From whom to whom it went. */
  readonly ways: readonly { readonly from: string; readonly to: string }[];
}

/** Those among the events that were issued within them, in their order; of operations issued at once the last one stands for all. */
export function rumoursOf(events: readonly TimelineEvent[]): readonly Rumour[] {
  const ordered = [...events].sort((a, b) => a.hlc.wallMs - b.hlc.wallMs || a.hlc.counter - b.hlc.counter);
  const rumours: {
    origin: string;
    seq: number;
    issuedAtMs: number;
    heard: Hearing[];
    everywhereAfterMs: number | null;
  }[] = [];
  for (const { kind, agent, fields, hlc } of ordered) {
    if (kind === "issued") {
      const first = { agent, afterMs: 0, from: "", hops: 0 };
      const seq = Number(fields.toSeq);
      rumours.push({ origin: agent, seq, issuedAtMs: hlc.wallMs, heard: [first], everywhereAfterMs: null });
    } else if (kind === "rumourHeard") {
      const seq = Number(fields.seq);
      const beforeSeq = seq - Number(fields.operations);
      for (const rumour of rumours) {
        const isOfIt = rumour.origin === fields.origin && rumour.seq <= seq && rumour.seq > beforeSeq;
        if (!isOfIt || rumour.heard.some((one) => one.agent === agent)) continue;
        const afterMs = hlc.wallMs - rumour.issuedAtMs;
        rumour.heard.push({ agent, afterMs, from: String(fields.from), hops: Number(fields.hops) });
      }
    } else if (kind === "converged") {
      for (const rumour of rumours) {
        if (rumour.everywhereAfterMs !== null || !rumour.heard.some((one) => one.agent === agent)) continue;
        rumour.everywhereAfterMs = hlc.wallMs - rumour.issuedAtMs;
      }
    }
  }
  return rumours;
}

/** How much of it is seen after a share of its way, 0..1: what happened later is not lit yet. */
export function spreadAt({ heard }: Rumour, share: number): Spread {
  const endMs = heard.at(-1)?.afterMs ?? 0;
  // Of what happened within one millisecond one comes after the other, too: in its order.
  const seen = heard.filter(({ afterMs }, i) => place(afterMs, endMs, i, heard.length) <= share);
  return {
    order: new Map(seen.map(({ agent }, i) => [agent, i + 1])),
    ways: seen.filter(({ from }) => from !== "").map(({ agent, from }) => ({ from, to: agent })),
  };
}

function place(afterMs: number, endMs: number, index: number, count: number): number {
  const byTime = endMs === 0 ? 0 : afterMs / endMs;
  return count <= 1 ? 0 : 0.7 * byTime + (0.3 * index) / (count - 1);
}

/** "Write 3 of a3: heard by 5 of 5 within 21 ms, everybody has it since 240 ms". */
export function rumourText(rumour: Rumour, agents: number): string {
  const { origin, seq, heard, everywhereAfterMs } = rumour;
  const lastMs = heard.at(-1)?.afterMs ?? 0;
  const others =
    heard.length === 1 ? "nobody else has heard of it yet" : `${heard.length} of ${agents} have heard of it`;
  const within = heard.length === 1 ? "" : ` after ${formatDuration(lastMs)}`;
  const all = everywhereAfterMs === null ? "" : `; known to be everywhere after ${formatDuration(everywhereAfterMs)}`;
  return `Write ${seq} of ${origin}: ${others}${within}${all}`;
}

/** How one agent came to know of it, for a table: "issued", "2 ms, 1 hop from a3". */
export function hearingText({ afterMs, from, hops }: Hearing): string {
  return from === "" ? "issued here" : `${formatDuration(afterMs)}, ${plural(hops, "hop")}, from ${from}`;
}
