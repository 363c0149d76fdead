import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { EventKind, Fields, TimelineEvent } from "../../../server/contract/timeline.ts";
import {
  againWords,
  cellTitle,
  lieWords,
  quorumWords,
  requestsWords,
  viewChangeWords,
} from "../../../webview/rounds/phases/phase-words.ts";
import { keyEvent, type Place, Places, type ViewChangeRow } from "../../../webview/rounds/phases/places.ts";
import { phasesOf, summaryOf, viewChangeOf } from "../../../webview/rounds/phases/summary.ts";

const QUORUM = 3;
const ALL = ["a1", "a2", "a3", "a4"];

/** Tells of events one millisecond after another. */
class Story {
  readonly events: TimelineEvent[] = [];

  tell(agents: readonly string[], kind: EventKind, fields: Fields, primary = "a1"): this {
    for (const agent of agents) {
      const at = this.events.length + 1;
      const state = { role: "backup", term: 0, leader: primary, commit: 0, lastIndex: 0, applied: 0 } as const;
      this.events.push({ id: `${agent}.1:${at}`, agent, hlc: { wallMs: at, counter: 0 }, kind, fields, state });
    }
    return this;
  }

  /** All three phases. */
  decide(seq: number, view: number, digest: string, agents = ALL): this {
    return this.tell(agents, "prePrepared", { view, seq, digest, requests: 2 })
      .tell(agents, "prepared", { view, seq, by: agents, needed: QUORUM })
      .tell(agents, "committed", { term: view, seq, digest, fromIndex: 0, toIndex: 1, acks: agents });
  }

  get places(): Places {
    const places = new Places();
    places.add(this.events);
    return places;
  }

  get place(): Place {
    return this.places.rows.find((row): row is Place => row.kind === "place") as Place;
  }
}

describe("the rows of a PBFT swarm's phases", () => {
  it("say how far each agent came, and how many of a quorum prepared and committed", () => {
    const story = new Story()
      .tell(ALL, "prePrepared", { view: 0, seq: 7, digest: "aa", requests: 2 })
      .tell(["a1", "a2", "a4"], "prepared", { view: 0, seq: 7, by: ALL, needed: 3 })
      .tell(["a4"], "committed", { term: 0, seq: 7, digest: "aa", fromIndex: 0, toIndex: 1, acks: ALL });
    const { place } = story;
    assert.deepEqual([...phasesOf(place, "a3")], ["prePrepared"]);
    assert.deepEqual([...phasesOf(place, "a4")], ["prePrepared", "prepared", "committed"]);
    assert.deepEqual([...phasesOf(place, "a5")], []);
    assert.equal(quorumWords(summaryOf(place), QUORUM), "prepared 3 of 3 · committed 1 of 3");
    assert.match(cellTitle(place, "a4"), /^a4: pre-prepared in view 0 \(.*\), prepared in view 0 \(\+3 ms\), /);
    assert.equal(cellTitle(place, "a5"), "a5: nothing told");
    assert.equal(summaryOf(place).requests, 2);
    assert.equal(keyEvent(place), "a4.1:8", "its first decision stands for it");
  });

  it("count nobody who prepared another batch", () => {
    const { place } = new Story()
      .tell(["a1", "a2"], "prePrepared", { view: 0, seq: 7, digest: "aa", requests: 1 })
      .tell(["a3"], "prePrepared", { view: 0, seq: 7, digest: "bb", requests: 1 })
      .tell(ALL.slice(0, 3), "prepared", { view: 0, seq: 7, by: ALL, needed: 3 });
    assert.equal(summaryOf(place).digest, "aa");
    assert.deepEqual(summaryOf(place).prepared, ["a1", "a2"]);
  });

  it("say that a place was proposed again, and whether it was decided before", () => {
    const story = new Story().decide(7, 0, "aa");
    assert.equal(againWords(summaryOf(story.place)), "");
    story.tell(ALL, "prePrepared", { view: 2, seq: 7, digest: "aa", requests: 2 });
    const summary = summaryOf(story.place);
    assert.equal(againWords(summary), "proposed again in view 2, after it was decided");
    assert.equal(summary.view, 0, "the view that decided it");
    const later = new Story()
      .tell(ALL, "prePrepared", { view: 0, seq: 7, digest: "aa", requests: 2 })
      .decide(7, 1, "00");
    assert.equal(againWords(summaryOf(later.place)), "proposed again in view 1");
    assert.equal(summaryOf(later.place).view, 1);
    assert.deepEqual(summaryOf(later.place).lies, [], "another batch in another view is no lie");
  });

  it("call two batches in one view a lie of its primary, and name who holds proof of it", () => {
    const story = new Story()
      .tell(["a1", "a2"], "prePrepared", { view: 0, seq: 7, digest: "aa", requests: 1 })
      .tell(["a3", "a4"], "prePrepared", { view: 0, seq: 7, digest: "bb", requests: 1 });
    const seen = summaryOf(story.place).lies;
    assert.deepEqual(seen, [{ culprit: "a1", signed: "prePrepare", view: 0, digests: ["aa", "bb"], provenAt: [] }]);
    story.tell(["a4", "a2"], "equivocation", { culprit: "a1", kind: "prePrepare", view: 0, seq: 7, evidence: "00" });
    const proven = summaryOf(story.place).lies;
    assert.equal(proven.length, 1);
    assert.equal(lieWords(proven[0]!), "a1 signed two pre-prepares in view 0 (aa and bb); proof at a2, a4");
  });

  it("say so when two batches were decided at one place", () => {
    const { place } = new Story().decide(7, 0, "aa", ["a1", "a2"]).decide(7, 0, "bb", ["a3", "a4"]);
    assert.deepEqual(summaryOf(place).decided, ["aa", "bb"]);
  });

  it("tell a null request from a number that nobody told", () => {
    const nothing = new Story().tell(ALL, "prePrepared", { view: 1, seq: 7, digest: "00", requests: 0 });
    assert.equal(requestsWords(summaryOf(nothing.place).requests), "none");
    const unknown = new Story().tell(["a2"], "committed", { term: 1, seq: 7, digest: "00" });
    assert.equal(requestsWords(summaryOf(unknown.place).requests), "–");
  });

  it("stand newest first, a view change above all that was proposed before it", () => {
    const story = new Story()
      .decide(1, 0, "aa")
      .decide(2, 0, "bb")
      .tell(["a2", "a4"], "viewChangeStarted", { view: 1, reason: "timeout" })
      .tell(["a3"], "viewChangeStarted", { view: 1, reason: "others" })
      .tell(ALL, "viewEntered", { view: 1, primary: "a2", by: ["a2", "a3", "a4"], reproposed: 2 })
      .tell(ALL, "prePrepared", { view: 1, seq: 2, digest: "bb", requests: 1 }, "a2")
      .decide(3, 1, "cc");
    const { places } = story;
    const keys = places.rows.map(({ key }) => key);
    assert.deepEqual(keys, ["s3", "v1", "s2", "s1"]);
    const change = viewChangeOf(places.rows[1] as ViewChangeRow);
    assert.deepEqual(change, { primary: "a2", gaveUp: ["a2", "a3", "a4"], entered: ALL, tookMs: 3 });
    assert.equal(viewChangeWords(change), "primary a2 · a2, a3, a4 gave up · took 3 ms");
    const given = new Story().tell(["a2"], "viewChangeStarted", { view: 5, reason: "timeout" }).places.rows[0];
    assert.equal(viewChangeWords(viewChangeOf(given as ViewChangeRow)), "has not begun · a2 gave up");
  });

  it("are the same in whatever order and however often the events come", () => {
    const story = new Story().decide(1, 0, "aa").decide(2, 1, "bb");
    const places = new Places();
    places.add([...story.events].reverse());
    places.add(story.events);
    assert.deepEqual(
      places.rows.map(({ key }) => key),
      ["s2", "s1"],
    );
    assert.equal((places.rows[0] as Place).steps.length, 12);
    assert.equal(places.rows, places.rows, "and the same list until something is new");
  });

  it("are not shown while only a later view's repetition of their place is known", () => {
    const before = new Story().decide(1, 0, "aa").decide(2, 0, "bb");
    const after = new Story()
      .tell(ALL, "viewEntered", { view: 1, primary: "a2", by: ALL, reproposed: 2 })
      .tell(ALL, "prePrepared", { view: 1, seq: 1, digest: "aa", requests: 2 })
      .tell(ALL, "prePrepared", { view: 1, seq: 2, digest: "bb", requests: 2 })
      .decide(3, 1, "cc");
    const { places } = after;
    const whole = (): readonly string[] => places.wholeRows(0).map(({ key }) => key);
    assert.deepEqual(whole(), ["s3"]);
    places.add(before.events.map((event) => ({ ...event, id: `${event.id}0000` })));
    assert.deepEqual(whole(), ["s3", "v1", "s2", "s1"]);
    assert.deepEqual(
      places.wholeRows(Number.POSITIVE_INFINITY),
      [],
      "nor where they began too close to what is not known",
    );
  });

  it("are forgotten from the oldest on", () => {
    const story = new Story();
    for (let seq = 1; seq <= 20; seq++) story.decide(seq, 0, "aa");
    const { places } = story;
    assert.equal(places.trim(20), null);
    const oldest = story.events[0]!.id;
    assert.ok(places.rowOf(oldest));
    const keptFrom = places.trim(5);
    assert.deepEqual(
      places.rows.map(({ key }) => key),
      ["s20", "s19", "s18", "s17", "s16"],
    );
    assert.equal(keptFrom, 15 * 12 + 1, "when the oldest that is kept began");
    assert.equal(places.rowOf(oldest), undefined);
  });
});
