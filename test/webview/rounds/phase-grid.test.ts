import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "mocha";
import type { Mesh } from "../../../server/contract/mesh.ts";
import { MESSAGE_TYPES, type TimelineEvent, type TimelineQuery } from "../../../server/contract/timeline.ts";
import { Timeline } from "../../../server/coordinator/timeline/timeline.ts";
import { parseMesh } from "../../../server/meshfile/mesh-file.ts";
import { simulate } from "../../../server/sim/simulate.ts";
import type { DataTable } from "../../../webview/elements/data-table.ts";
import type { PhaseRow } from "../../../webview/rounds/phases/places.ts";
import type { RoundsView } from "../../../webview/rounds/rounds-view.ts";
import { makeSwarm, pbftSwarm } from "../harness/swarm-data.ts";
import { eventually, WebviewHarness, type WebviewPage } from "../harness/webview-page.ts";

const MESH = `agents: 4
consensus: pbft
faults:
  - { at: 1s, byzantine: { agent: a1, behaviour: equivocate }, for: 2s }
  - { at: 3s, crash: leader, for: 1s }
expect: { liveness: off, recovery: off }
simulate: { seed: 1, for: 5s, clients: 1, operations: 60, chaos: false }
`;
const GRID = ".phases table[role='grid']";
const TOGGLE = "vscode-toolbar-button[label^='Phases']";

/** What a simulated swarm told whose primary proposed two batches for one place, and of which a later primary was killed. */
function toldEvents(): readonly TimelineEvent[] {
  const { mesh } = parseMesh(MESH, "pbft.mesh.yaml");
  const events: TimelineEvent[] = [];
  simulate(mesh as Mesh, 1, { onEvent: (event) => events.push(event) });
  return events;
}

describe("the grid of PBFT's phases", function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), "phase-grid-"));
  let harness: WebviewHarness;
  let view: WebviewPage;
  let events: readonly TimelineEvent[];
  let timeline: Timeline;
  let asked: TimelineQuery[];
  let timelines = 0;

  before(async () => {
    events = toldEvents();
    harness = await WebviewHarness.start();
  });
  beforeEach(() => {
    timeline = newTimeline();
    asked = [];
  });
  afterEach(async () => {
    assert.deepEqual(view.errors, []);
    await view.close();
    await timeline.dispose();
  });
  after(async () => {
    await harness.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function newTimeline(): Timeline {
    return new Timeline("swarm-1", {
      folder: join(folder, `timeline-${++timelines}`),
      chunksInMemory: 24,
      onProblem: (message) => assert.fail(message),
    });
  }

  async function open(options: { swarm?: object; width?: number; room?: number } = {}): Promise<void> {
    const { room = Number.POSITIVE_INFINITY } = options;
    view = await harness.open("rounds", {
      answer: async (request) => {
        if (request.method === "timelineEvent") return timeline.event(request.params.id);
        if (request.method !== "timeline") return null;
        asked.push(request.params);
        // The grid's own question; a millisecond it asks for with all the room there is.
        const paged = request.params.maxEvents === 6000 && request.params.buckets === 1;
        return timeline.window(paged ? { ...request.params, maxEvents: Math.min(room, 6000) } : request.params);
      },
      width: options.width ?? 1400,
      height: 900,
    });
    const swarm = { ...pbftSwarm(), ...options.swarm };
    await view.send({ type: "snapshot", view: "rounds", swarm, swarms: [], trusted: true });
    await view.page.waitForSelector("canvas.space-time");
  }

  /** Opens the view with all that was told, and its grid. */
  async function openGrid(options: { room?: number } = {}): Promise<void> {
    timeline.add(events);
    await open(options);
    await view.page.click(TOGGLE);
    await view.page.waitForSelector(`${GRID} tbody tr[data-key]`);
    await eventually(async () => (await keys()).at(-1) === "s1");
  }

  const table = "am-rounds .phases am-table";
  /** The keys of all rows, also those out of sight. */
  const keys = (): Promise<readonly string[]> =>
    view.page.evaluate(
      (selector) => document.querySelector<DataTable<PhaseRow>>(selector)?.items.map(({ key }) => key) ?? [],
      table,
    );
  const textOf = (selector: string): Promise<string> =>
    view.page.evaluate(
      (wanted) => document.querySelector<HTMLElement>(wanted)?.innerText.replaceAll(/\s+/g, " ").trim() ?? "",
      selector,
    );
  const scrollTo = (key: string): Promise<void> =>
    view.page.evaluate(
      ([selector, wanted]) => {
        const grid = document.querySelector<DataTable<PhaseRow>>(selector!);
        const index = grid?.items.findIndex((row) => row.key === wanted) ?? -1;
        const scroller = grid?.querySelector(".table-scroller");
        if (scroller) scroller.scrollTop = Math.max(0, index - 3) * 24;
      },
      [table, key],
    );
  const rowOf = async (key: string): Promise<string> => {
    await scrollTo(key);
    await view.page.waitForSelector(`${GRID} tr[data-key="${key}"]`);
    return textOf(`${GRID} tr[data-key="${key}"]`);
  };
  const lieSeq = (): number => Number(events.find(({ kind }) => kind === "equivocation")?.fields.seq);

  it("is offered for PBFT alone", async () => {
    timeline.add(events);
    await open({ swarm: makeSwarm({ agents: 4 }) });
    assert.equal(await view.page.locator(TOGGLE).count(), 0);
    await view.send({ type: "snapshot", view: "rounds", swarm: pbftSwarm(), swarms: [], trusted: true });
    await view.page.waitForSelector(TOGGLE);
    assert.equal(await view.page.locator(GRID).count(), 0, "and only where it is asked for");
  });

  it("has a row a sequence number, newest first, with who came how far, and the quorum", async () => {
    await openGrid();
    const all = await keys();
    const places = all.filter((key) => key.startsWith("s")).map((key) => Number(key.slice(1)));
    assert.deepEqual(
      places,
      [...places].sort((a, b) => b - a),
    );
    const newest = Math.max(
      ...events.filter(({ kind }) => kind === "committed").map(({ fields }) => Number(fields.seq)),
    );
    assert.equal(places[0], newest);
    const heads = await textOf(`${GRID} thead`);
    assert.equal(heads, "Sequence View a1 a2 a3 a4 Quorum of 3 Batch Requests Notes");
    const first = await rowOf("s1");
    const { digest } = events.find(({ kind, fields }) => kind === "committed" && fields.seq === 1)?.fields ?? {};
    assert.ok(first.includes(`prepared 3 of 3 · committed 3 of 3 ${String(digest).slice(0, 8)} 1`), first);
    assert.match(first, /a3: pre-prepared in view 0 \(.*\), prepared in view 0 \(\+.*\), committed in view 0/);
    assert.match(first, /proposed again in views 1, 2, after it was decided/);
    const marks = (key: string): Promise<readonly (string | null)[]> =>
      view.page.evaluate(
        (row) => [...document.querySelectorAll(`tr[data-key="${row}"] use`)].map((use) => use.getAttribute("href")),
        key,
      );
    const came = ["#phase-prePrepared", "#phase-prepared", "#phase-committed"];
    assert.deepEqual(await marks("s1"), [...came, ...came, ...came, ...came]);
  });

  it("has a row for each view change: the primary, who gave up, how long it took", async () => {
    await openGrid();
    const all = await keys();
    assert.ok(all.includes("v1") && all.includes("v2"), all.join());
    assert.match(await rowOf("v1"), /view change 1 .*primary a2 · a1, a2, a3, a4 gave up · took \d+(\.\d)? ms/);
    assert.match(await rowOf("v1"), /a4: gave up: what it knows of was not decided in time \(.*\), entered a view/);
    assert.equal(Number(all[all.indexOf("v1") + 1]?.slice(1)), lastBefore(1), "above what was proposed before it");
  });

  /** The last sequence number that was proposed before a view. */
  function lastBefore(view: number): number {
    const proposed = events.filter(({ kind, fields }) => kind === "prePrepared" && Number(fields.view) < view);
    return Math.max(...proposed.map(({ fields }) => Number(fields.seq)));
  }

  it("marks two batches at one place as a lie, with the liar's mask", async () => {
    await openGrid();
    const lie = await rowOf(`s${lieSeq()}`);
    assert.match(lie, /a1 signed two pre-prepares in view 0 .*proof at a1, a2, a3, a4/);
    const row = `${GRID} tr[data-key="s${lieSeq()}"]`;
    assert.match((await view.page.getAttribute(row, "class")) ?? "", /\blie\b/);
    const masked = await view.page.evaluate(
      (selector) =>
        [...document.querySelectorAll(`${selector} > *`)].map(
          (cell) => cell.querySelector("svg.glyph:not(.track)") !== null,
        ),
      row,
    );
    assert.deepEqual(masked.slice(2, 6), [true, false, false, false], "in the liar's own column");
    assert.equal(masked.at(-1), true, "and beside the words");
    await view.screenshot("rounds-pbft-grid-lie-dark");
  });

  it("looks right in every theme, and where there is little room", async () => {
    await openGrid();
    await rowOf("v1");
    for (const theme of ["light", "highContrast", "highContrastLight", "dark"] as const) {
      await view.setTheme(theme);
      await view.screenshot(`rounds-pbft-grid-${theme}`);
    }
    assert.deepEqual(await view.clipped(".bar"), []);
    await view.page.setViewportSize({ width: 520, height: 700 });
    await view.screenshot("rounds-pbft-grid-narrow-dark");
    assert.deepEqual(await view.clipped(".bar"), []);
  });

  it("asks for what it shows and for nothing else", async () => {
    await openGrid();
    const own = asked.filter(({ hiddenKinds = [] }) => MESSAGE_TYPES.every((type) => hiddenKinds.includes(type)));
    assert.ok(own.length > 0);
    for (const query of own) {
      assert.equal(query.buckets, 1);
      const kinds = new Set(timeline.window(query).events.map(({ kind }) => kind));
      for (const kind of kinds)
        assert.match(kind, /^(prePrepared|prepared|committed|equivocation|viewChangeStarted|viewEntered)$/);
    }
    await view.frames(30);
    const before = asked.length;
    await view.frames(60);
    assert.ok(asked.length - before <= 1, "and once nothing is new it asks no more");
  });

  it("loses no row where a stretch has more events than an answer may have", async () => {
    await openGrid({ room: 100 });
    const proposed = new Set(events.filter(({ kind }) => kind === "prePrepared").map(({ fields }) => `s${fields.seq}`));
    assert.deepEqual(new Set((await keys()).filter((key) => key.startsWith("s"))), proposed);
    assert.match(await rowOf("s1"), /prepared 3 of 3 · committed 3 of 3/);
  });

  it("begins with the newest rows, and fetches older ones as a person scrolls", async () => {
    timeline.add(manyPlaces(3000));
    await open();
    await view.page.click(TOGGLE);
    await view.page.waitForSelector(`${GRID} tbody tr[data-key]`);
    await eventually(async () => (await keys()).length >= 200);
    await view.frames(60);
    const some = await keys();
    assert.equal(some[0], "s3000");
    assert.ok(some.length < 1500, `${some.length} rows without anybody asking`);
    assert.match(await textOf(`${GRID} caption`), /scroll for older ones/);
    await eventually(async () => {
      await view.page.evaluate((selector) => {
        const scroller = document.querySelector(`${selector} .table-scroller`);
        scroller?.scrollTo(0, scroller.scrollHeight);
      }, table);
      return (await keys()).at(-1) === "s1";
    }, 20_000);
    assert.equal((await keys()).length, 3000, "without a gap");
  });

  /** A place each 10 ms, decided by all. */
  function manyPlaces(count: number): readonly TimelineEvent[] {
    const [some] = events;
    let sequence = 0;
    return Array.from({ length: count }, (_, i) =>
      (["prePrepared", "prepared", "committed"] as const).flatMap((kind, phase) =>
        ["a1", "a2", "a3", "a4"].map((agent): TimelineEvent => {
          const wallMs = (some?.hlc.wallMs ?? 0) + i * 10 + phase * 2;
          const fields = { view: 0, term: 0, seq: i + 1, digest: "00", requests: 1 };
          return { id: `${agent}.1:${++sequence}`, agent, hlc: { wallMs, counter: 0 }, kind, fields };
        }),
      ),
    ).flat();
  }

  it("shows a chosen row's events in the details, and takes the diagram there", async () => {
    await openGrid();
    await rowOf("s2");
    await view.page.click(`${GRID} tr[data-key="s2"]`);
    await view.page.waitForSelector(".event-details .place");
    const details = await textOf(".event-details");
    assert.match(details, /Sequence 2, all agents/);
    for (const agent of ["a1", "a2", "a3", "a4"]) assert.match(details, new RegExp(`${agent}: prepared in view 0`));
    const decided = events.find(({ kind, fields }) => kind === "committed" && fields.seq === 2) as TimelineEvent;
    const span = await view.page.evaluate(() => document.querySelector<RoundsView>("am-rounds")?.diagram?.span);
    const { wallMs } = decided.hlc;
    assert.ok(span && span.fromMs <= wallMs && wallMs <= span.toMs, `${span?.fromMs} ${wallMs} ${span?.toMs}`);
    assert.equal(await view.page.getAttribute(`${GRID} tr[data-key="s2"]`, "aria-selected"), "true");
    await view.screenshot("rounds-pbft-grid-chosen-dark");
  });

  it("marks the row of an event that was chosen elsewhere", async () => {
    await openGrid();
    const prepared = events.find(({ kind, fields }) => kind === "prepared" && fields.seq === 5) as TimelineEvent;
    await view.send({ type: "reveal", event: prepared.id });
    await view.page.waitForSelector(`${GRID} tr[data-key="s5"][aria-selected="true"]`);
    assert.equal(await view.page.locator(`${GRID} tr[aria-selected="true"]`).count(), 1);
  });

  it("is read and chosen by keyboard", async () => {
    await openGrid();
    const [first, second] = await keys();
    await view.page.focus(`${GRID} tr[data-key="${first}"]`);
    await view.page.keyboard.press("ArrowDown");
    const focused = (): Promise<string | undefined> =>
      view.page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset.key);
    await eventually(async () => (await focused()) === second);
    await view.page.keyboard.press("Enter");
    await view.page.waitForSelector(`${GRID} tr[data-key="${second}"][aria-selected="true"]`);
  });

  it("has the columns of the shown lanes, in their order", async () => {
    await openGrid();
    await view.page.evaluate(() => document.querySelector<HTMLElement>(".lanes button[title='Hide a2']")?.click());
    await view.page.focus(".lanes [data-agent='a4']");
    await view.page.keyboard.press("Alt+ArrowUp");
    await eventually(async () => (await textOf(`${GRID} thead`)).startsWith("Sequence View a1 a4 a3 Quorum"));
    assert.match(await rowOf("s1"), /prepared 3 of 3 · committed 3 of 3/, "the quorum is of all agents");
  });

  it("follows what is decided, and stands still while the view is paused", async () => {
    const half = events[Math.floor(events.length / 2)]?.hlc.wallMs ?? 0;
    const early = events.filter(({ hlc }) => hlc.wallMs < half);
    timeline.add(early);
    await open();
    await view.page.click(TOGGLE);
    await view.page.waitForSelector(`${GRID} tbody tr[data-key]`);
    const newest = async (): Promise<string | undefined> => (await keys())[0];
    const grown = (): Promise<void> =>
      view.send({ type: "timelineGrew", swarm: "swarm-1", stored: timeline.stored, lastMs: timeline.lastMs });
    const before = await newest();
    const middle = events.findIndex(({ hlc }) => hlc.wallMs > half + 700);
    timeline.add(events.slice(0, middle));
    await grown();
    await eventually(async () => (await newest()) !== before);
    await view.page.click("vscode-toolbar-button[label^='Pause']");
    await eventually(async () => (await newest()) === newestOf(events.slice(0, middle)));
    timeline.add(events);
    await grown();
    await view.frames(60);
    assert.equal(await newest(), newestOf(events.slice(0, middle)));
    await view.page.click("vscode-toolbar-button[label^='Follow']");
    await eventually(async () => (await newest()) === newestOf(events));
  });

  function newestOf(told: readonly TimelineEvent[]): string {
    const proposed = told.filter(({ kind }) => kind === "prePrepared");
    return `s${Math.max(...proposed.map(({ fields }) => Number(fields.seq)))}`;
  }

  it("keeps the rows in sight where they are when newer ones come, unless the newest is in sight", async () => {
    await openGrid();
    const look = async ([selector, grows]: readonly [string, boolean]): Promise<string | undefined> => {
      const grid = document.querySelector<DataTable<PhaseRow>>(selector)!;
      if (grows) {
        grid.items = [Object.create(grid.items[0]!, { key: { value: "s9999" } }) as PhaseRow, ...grid.items];
        await grid.updateComplete;
      }
      return grid.items[Math.floor((grid.querySelector(".table-scroller")?.scrollTop ?? 0) / 24)]?.key;
    };
    const firstInSight = (): Promise<string | undefined> => view.page.evaluate(look, [table, false] as const);
    /** As if one more row had come, until the source's next answer: so it is looked at in the same moment. @returns the first in sight then */
    const grow = (): Promise<string | undefined> => view.page.evaluate(look, [table, true] as const);
    await rowOf("s10");
    const before = await firstInSight();
    assert.equal(await grow(), before);
    await view.page.evaluate(
      (selector) => document.querySelector(`${selector} .table-scroller`)?.scrollTo(0, 0),
      table,
    );
    await view.frames(2);
    assert.equal(await grow(), "s9999");
  });

  it("scrolls through 100,000 rows without drawing more than those in sight", async () => {
    await openGrid();
    const { usualMs, drawn, last } = await view.page.evaluate(async (selector) => {
      const grid = document.querySelector<DataTable<PhaseRow>>(selector)!;
      const some = grid.items;
      grid.items = Array.from({ length: 100_000 }, (_, i) =>
        Object.create(some[i % some.length]!, { key: { value: `s${100_000 - i}` } }),
      );
      await grid.updateComplete;
      const scroller = grid.querySelector(".table-scroller")!;
      const took: number[] = [];
      let most = 0;
      for (let i = 1; i <= 40; i++) {
        scroller.scrollTop = (scroller.scrollHeight * i) / 40;
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const startedAt = performance.now();
        await grid.updateComplete;
        void scroller.getBoundingClientRect();
        took.push(performance.now() - startedAt);
        most = Math.max(most, grid.querySelectorAll("tbody tr").length);
      }
      took.sort((a, b) => a - b);
      const rows = grid.querySelectorAll<HTMLElement>("tbody tr[data-key]");
      return { usualMs: took[took.length / 2]!, drawn: most, last: rows[rows.length - 1]?.dataset.key };
    }, table);
    assert.equal(last, "s1", "to the very end");
    assert.ok(drawn < 80, `${drawn} rows are drawn`);
    // Some frames wait for what else the machine does; one that draws more than is in sight is always slow.
    assert.ok(usualMs < 50, `${usualMs} ms for a frame`);
  });
});
