import type { TimelineEvent } from "../../contract/timeline.ts";
import type { RecordingsFound } from "./read.ts";
import { replayStretch } from "./replay.ts";

/** What the agents of a recording did, recomputed from their inputs. */
export interface RecordedEvents {
  /** Each agent's in its own order, and a receipt after its send; otherwise by their stamps. */
  readonly events: readonly TimelineEvent[];
  /** In the order of lanes. */
  readonly agents: readonly string[];
  readonly startMs: number;
  /** What could not be recomputed, in sentences. */
  readonly notes: readonly string[];
}

/** @param onStretch before each of them: how many are done. @throws RecordingProblem; ReplayDiverged */
export function recordedEvents(
  { stretches, startMs, notes }: RecordingsFound,
  onStretch: (done: number) => void = () => undefined,
): RecordedEvents {
  const lanes = new Map<string, TimelineEvent[]>();
  const missing: string[] = [];
  for (const [done, stretch] of stretches.entries()) {
    onStretch(done);
    const { agent, incarnation, files } = stretch;
    const lane = lanes.get(agent) ?? [];
    lanes.set(agent, lane);
    if (files[0]?.segment.header.base.type === "life") replayStretch(stretch, { onEvent: (event) => lane.push(event) });
    else
      missing.push(
        `${agent}.${incarnation} was running already when what is left of its recording begins: its events cannot be recomputed from there, and are left out.`,
      );
  }
  const events = inCausalOrder([...lanes.values()]);
  return { events, agents: [...lanes.keys()], startMs, notes: [...notes, ...missing] };
}

/** Merges lanes. Stamps alone will not do: the clock of an agent may be behind that of its earlier life. */
export function inCausalOrder(lanes: readonly (readonly TimelineEvent[])[]): TimelineEvent[] {
  const unsent = new Set(lanes.flatMap((lane) => lane.flatMap(({ kind, id }) => (kind === "send" ? [id] : []))));
  const places = lanes.map(() => 0);
  const merged: TimelineEvent[] = [];
  for (;;) {
    let [next, nextFree] = [-1, false];
    for (const [lane, place] of places.entries()) {
      const head = lanes[lane]?.[place];
      if (head === undefined) continue;
      const free = head.kind !== "receive" || !unsent.has(head.message?.id ?? "");
      const best = next < 0 ? undefined : lanes[next]?.[places[next] as number];
      // Were all to wait for each other, the stamps decide: such a recording contradicts itself.
      const better = best === undefined || (free && !nextFree) || (free === nextFree && stampedBefore(head, best));
      if (better) [next, nextFree] = [lane, free];
    }
    const event = lanes[next]?.[places[next] as number];
    if (event === undefined) return merged;
    if (event.kind === "send") unsent.delete(event.id);
    merged.push(event);
    places[next] = (places[next] as number) + 1;
  }
}

function stampedBefore({ hlc: a }: TimelineEvent, { hlc: b }: TimelineEvent): boolean {
  return (a.wallMs - b.wallMs || a.counter - b.counter) < 0;
}
