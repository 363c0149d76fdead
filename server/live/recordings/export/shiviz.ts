import type { TimelineEvent } from "../../../contract/timeline.ts";
import { eventWords } from "./wording.ts";

/**
 * The log that ShiViz reads (https://bestchai.bitbucket.io/shiviz/): the first line is the regular expression that its parser needs, the second what separates
 * executions (nothing: there is one), then two lines an event: what happened; host and vector clock.
 *
 * Vector clocks (Fidge 1988; Mattern 1989): a host counts its own events from 1, without gaps, over all lives of the agent, and knows of others what the messages
 * it received knew.
 */
export const SHIVIZ_PATTERN = String.raw`(?<event>.*)\n(?<host>\S*) (?<clock>{.*})`;

/** @param events in an order in which a receipt follows its send. */
export function* shivizLines(events: Iterable<TimelineEvent>): IterableIterator<string> {
  yield SHIVIZ_PATTERN;
  yield "";
  const clocks = new Map<string, Map<string, number>>();
  /** By the id of the send. One that nobody ever received stays. */
  const sent = new Map<string, ReadonlyMap<string, number>>();
  for (const event of events) {
    const { agent, kind, message } = event;
    let clock = clocks.get(agent);
    if (clock === undefined) {
      clock = new Map();
      clocks.set(agent, clock);
    }
    clock.set(agent, (clock.get(agent) ?? 0) + 1);
    if (kind === "send") sent.set(event.id, new Map(clock));
    else if (kind === "receive" && message !== undefined)
      // One whose send was not recorded adds nothing: what is told stays true, if less.
      for (const [host, count] of sent.get(message.id) ?? []) clock.set(host, Math.max(clock.get(host) ?? 0, count));
    yield eventWords(event);
    yield `${agent} ${JSON.stringify(Object.fromEntries(clock))}`;
  }
}
