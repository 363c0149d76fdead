import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import type { TimelineEvent } from "../../../server/contract/timeline.ts";
import { inCausalOrder, type RecordedEvents, recordedEvents } from "../../../server/live/recordings/events.ts";
import { chromeTracePieces, type TraceEvent } from "../../../server/live/recordings/export/chrome-trace.ts";
import { shivizLines } from "../../../server/live/recordings/export/shiviz.ts";
import { readRecordings } from "../../../server/live/recordings/read.ts";
import { writeRecording } from "../../../server/live/recordings/write.ts";
import { SimRecorder } from "../../../server/sim/recorder.ts";
import { simulate } from "../../../server/sim/simulate.ts";
import { meshOf } from "../../sim/meshes.ts";

/** What ShiViz's parser gets out of an event's two lines. */
interface Parsed {
  readonly event: string;
  readonly host: string;
  readonly clock: Readonly<Record<string, number>>;
}

/** As ShiViz does: a regular expression over the whole log, again and again. */
function parsed(log: string): Parsed[] {
  const [pattern = "", delimiter, ...rest] = log.split("\n");
  equal(delimiter, "", "there is one execution");
  const found = [...rest.join("\n").matchAll(new RegExp(pattern, "g"))];
  return found.map(({ groups }) => ({
    event: groups?.event as string,
    host: groups?.host as string,
    clock: JSON.parse(groups?.clock as string) as Record<string, number>,
  }));
}

/**
 * ShiViz's own rules: a clock has its host; a host counts its events 1, 2, 3, ...; what it knows of others never shrinks; and it knows of no event that does not exist.
 */
function brokenRules(events: readonly Parsed[]): string[] {
  const broken: string[] = [];
  const counts = new Map<string, number>();
  for (const { host } of events) counts.set(host, (counts.get(host) ?? 0) + 1);
  const last = new Map<string, Readonly<Record<string, number>>>();
  for (const { host, clock } of events) {
    const before = last.get(host) ?? {};
    if (clock[host] !== (before[host] ?? 0) + 1) broken.push(`${host} goes from ${before[host]} to ${clock[host]}`);
    for (const [other, count] of Object.entries(clock)) {
      if (count < (before[other] ?? 0)) broken.push(`${host} forgets ${other}`);
      if (count > (counts.get(other) ?? 0)) broken.push(`${host} knows event ${count} of ${other}`);
    }
    last.set(host, clock);
  }
  return broken;
}

describe("exports of a recording", function () {
  this.timeout(60_000);
  let folder: string;
  let recorded: RecordedEvents;
  const live: TimelineEvent[] = [];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "agent-mesh-export-"));
    const recorder = new SimRecorder();
    simulate(meshOf(5), 1, {
      durationMs: 4000,
      createAgent: recorder.createAgent,
      onEvent: (event) => live.push(event),
    });
    writeRecording(folder, recorder.finish());
    recorded = recordedEvents(readRecordings(folder));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it("have every event that happened, each agent's in its order, and a receipt after its send", () => {
    const ids = (events: readonly TimelineEvent[]): string[] => events.map(({ id }) => id).sort();
    deepEqual(ids(recorded.events), ids(live));
    ok(recorded.events.length > 1000);
    const seen = new Set<string>();
    const sends = new Set(live.flatMap(({ kind, id }) => (kind === "send" ? [id] : [])));
    for (const { id, kind, message } of recorded.events) {
      seen.add(id);
      if (kind === "receive" && sends.has(message?.id ?? "")) ok(seen.has(message?.id ?? ""), `${id} before its send`);
    }
    for (const agent of recorded.agents) {
      const own = (events: readonly TimelineEvent[]): string[] =>
        events.filter((event) => event.agent === agent).map(({ id }) => id);
      deepEqual(own(recorded.events), own(live));
    }
  });

  it("give ShiViz a log that its own parser reads, with vector clocks that keep its rules", () => {
    const events = parsed([...shivizLines(recorded.events)].join("\n"));
    equal(events.length, recorded.events.length);
    deepEqual(brokenRules(events), []);
    match(events.find(({ event }) => event.startsWith("send vote "))?.event ?? "", /^send vote to a\d term=\d+/);
  });

  it("let every receipt know of its send in ShiViz", () => {
    const events = parsed([...shivizLines(recorded.events)].join("\n"));
    const clockOfSend = new Map<string, Parsed>();
    let received = 0;
    recorded.events.forEach(({ id, kind, message }, at) => {
      const { clock, host } = events[at] as Parsed;
      if (kind === "send") clockOfSend.set(id, { event: "", host, clock });
      const sent = kind === "receive" ? clockOfSend.get(message?.id ?? "") : undefined;
      if (sent === undefined) return;
      received++;
      ok((clock[sent.host] ?? 0) >= (sent.clock[sent.host] as number));
    });
    ok(received > 500);
  });

  it("would see a log that breaks ShiViz's rules", () => {
    const event = "x";
    deepEqual(brokenRules([{ event, host: "a", clock: { a: 2 } }]).length > 0, true);
    deepEqual(brokenRules([{ event, host: "a", clock: { a: 1, b: 1 } }]), ["a knows event 1 of b"]);
  });

  it("give Chrome's trace viewer a document of its format: lanes, spans, instants, and arrows that begin and end", () => {
    const document = JSON.parse([...chromeTracePieces(recorded)].join("")) as {
      displayTimeUnit: string;
      traceEvents: TraceEvent[];
    };
    equal(document.displayTimeUnit, "ms");
    const { traceEvents } = document;
    const needed: Readonly<Record<string, readonly (keyof TraceEvent)[]>> = {
      M: ["args"],
      X: ["dur", "cat"],
      i: ["s", "cat"],
      s: ["id", "cat"],
      f: ["id", "cat", "bp"],
    };
    for (const event of traceEvents) {
      const fields = needed[event.ph];
      ok(fields, `a phase ${event.ph}`);
      for (const field of fields) ok(field in event, `${event.ph} without ${field}`);
      ok(typeof event.name === "string" && Number.isInteger(event.pid) && Number.isInteger(event.tid));
      ok(Number.isFinite(event.ts) && event.ts >= 0 && (event.dur === undefined || event.dur >= 0));
    }
    const names = traceEvents.filter(({ name }) => name === "process_name").map(({ args }) => args?.name);
    deepEqual(names, recorded.agents);
    const starts = traceEvents.filter(({ ph }) => ph === "s");
    const ends = new Map(traceEvents.filter(({ ph }) => ph === "f").map((event) => [event.id, event]));
    ok(starts.length > 500);
    for (const { id, name, cat } of starts) {
      const end = ends.get(id);
      ok(end, `the arrow ${id} does not end`);
      deepEqual([end.name, end.cat], [name, cat], "an arrow's ends have one name and category");
    }
    const slices = new Set(traceEvents.filter(({ ph }) => ph === "X").map(({ pid, tid, ts }) => `${pid} ${tid} ${ts}`));
    for (const arrow of [...starts, ...ends.values()])
      ok(slices.has(`${arrow.pid} ${arrow.tid} ${arrow.ts}`), "an arrow lies on a slice");
  });

  it("show each agent in one role at a time", () => {
    const spans = (
      JSON.parse([...chromeTracePieces(recorded)].join("")) as { traceEvents: TraceEvent[] }
    ).traceEvents.filter(({ cat }) => cat === "role");
    ok(spans.some(({ name }) => name.startsWith("leader, term ")));
    const until = new Map<number, number>();
    for (const { pid, ts, dur = 0 } of spans.sort((a, b) => a.ts - b.ts)) {
      ok(ts >= (until.get(pid) ?? 0) - 0.01, "spans do not overlap");
      until.set(pid, ts + dur);
    }
  });

  it("merge lanes although a later life's clock is behind", () => {
    const at = (id: string, agent: string, wallMs: number, more: object = {}): TimelineEvent => ({
      id,
      agent,
      hlc: { wallMs, counter: 0 },
      kind: "started",
      fields: {},
      ...more,
    });
    const message = { id: "a.2:1", type: "vote", from: "a", to: "b", bytes: 1, fields: {} } as const;
    const lanes = [
      [at("a.1:1", "a", 100), at("a.2:1", "a", 50, { kind: "send", message })],
      [at("b.1:1", "b", 60, { kind: "receive", message })],
    ];
    deepEqual(
      inCausalOrder(lanes).map(({ id }) => id),
      ["a.1:1", "a.2:1", "b.1:1"],
    );
  });
});
