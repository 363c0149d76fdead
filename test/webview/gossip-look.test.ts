import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { CONSENSUS, CONSENSUS_KINDS } from "../../server/contract/consensus.ts";
import { agreementText, behindText, spreadText } from "../../server/contract/gossip.ts";
import type { AgentView, GossipReport } from "../../server/contract/swarm.ts";
import {
  BROADCAST_MESSAGE_TYPES,
  EVENT_KINDS,
  type EventKind,
  type Fields,
  type TimelineEvent,
} from "../../server/contract/timeline.ts";
import { agentLegend } from "../../webview/elements/legend.ts";
import { formatBriefly, formatNumber, formatWithUnit } from "../../webview/format.ts";
import { agentGlyph, type Glyph, lookOf, stateName } from "../../webview/glyphs.ts";
import { DENSITY_LAYERS } from "../../webview/rounds/draw-density.ts";
import { GOSSIP_LEGEND } from "../../webview/rounds/gossip-marks.ts";
import { describe as describeEvent, GROUPS, groupOf, groupsOf, kindName } from "../../webview/rounds/kinds.ts";
import { layLanes } from "../../webview/rounds/lanes.ts";
import {
  isFilled,
  type MessageStyle,
  markOf,
  markOfKind,
  messageStyle,
  STALE_RUMOUR,
} from "../../webview/rounds/marks.ts";
import { placeWindow } from "../../webview/rounds/placed.ts";
import { toldByGossip } from "./harness/gossip-events.ts";
import { gossipSwarm } from "./harness/swarm-data.ts";

const told = (kind: EventKind, fields: Fields = {}): TimelineEvent => ({
  id: "a1.1:1",
  agent: "a1",
  hlc: { wallMs: 0, counter: 0 },
  kind,
  fields,
});

/** What of a glyph is seen without its colours. */
const shapeOf = (glyph: Glyph = []): string =>
  JSON.stringify(glyph.map(({ d, fill, stroke, dash }) => [d, fill === "background", stroke === undefined, dash]));

describe("the look of a swarm by gossip", () => {
  it("is one plain disc for all, and never a star", () => {
    const { agents } = gossipSwarm();
    const glyphs = new Set(agents.map((agent) => JSON.stringify(agentGlyph(lookOf(agent, 1)))));
    assert.equal(glyphs.size, 1);
    const follower: AgentView = { ...(agents[0] as AgentView), role: "follower" };
    assert.ok(glyphs.has(JSON.stringify(agentGlyph(lookOf(follower, 1)))));
    assert.equal(stateName(agents[0] as AgentView, lookOf(agents[0] as AgentView, 1)), "peer");
  });

  it("draws a newcomer as a small disc until it counts, and says that it does not", () => {
    const peer = gossipSwarm().agents[0] as AgentView;
    const joining: AgentView = { ...peer, member: "joining" };
    const look = lookOf(joining, 1);
    assert.notDeepEqual(agentGlyph(look), agentGlyph(lookOf(peer, 1)));
    assert.equal(stateName(joining, look), "peer, joining");
    assert.equal(
      stateName({ ...joining, process: "paused" }, lookOf({ ...joining, process: "paused" }, 1)),
      "paused, joining",
    );
    assert.ok(agentLegend("gossip").some(({ label }) => label === "peer that joins"));
    const { gossip } = peer;
    assert.equal(
      spreadText({ ...(gossip as GossipReport), counted: false }),
      "it does not count: it has not heard yet that it does, or leaves",
    );
  });

  it("says how sure an agent is, and never 1 of what is not known", () => {
    const report: GossipReport = {
      members: 5,
      counted: true,
      sameVector: 2,
      behind: 2,
      unshared: 0,
      waiting: 0,
      convergedAtMs: null,
      agreement: 0.9996,
    };
    assert.deepEqual([1, 0.94, 0.9996, 1 - 1e-12, 0].map(agreementText), ["1", "0.94", "0.99", "0.99", "0.00"]);
    assert.equal(formatNumber(0.99999), "0.999");
    assert.equal(formatNumber(1), "1");
    assert.deepEqual(
      [formatWithUnit(1, "operations"), formatBriefly(1, "operations"), formatBriefly(1, "ms")],
      ["1 operation", "1", "1 ms"],
    );
    assert.equal(spreadText(report), "2 of 5 are known to have what it has");
    assert.equal(spreadText({ ...report, sameVector: 5 }), "all 5 have what it has");
    assert.equal(behindText(report), "2 of its own writes");
    assert.equal(behindText({ ...report, behind: 0 }), "nothing of its own");
  });
});

describe("gossip in the rounds view", () => {
  it("has marks of its own, told apart from every other without colours", () => {
    const seen = new Map<string, string>();
    for (const kind of EVENT_KINDS) {
      if (kind === "send" || kind === "receive") continue;
      if (!CONSENSUS.gossip.events.includes(kind)) seen.set(shapeOf(markOfKind(kind)?.glyph), kind);
    }
    const hops = [1, 2, 3].map((count) => told("rumourHeard", { hops: count }));
    for (const event of [told("issued"), ...hops, told("antiEntropy"), told("heldBack"), told("converged")]) {
      const shape = shapeOf(markOf(event)?.glyph);
      assert.ok(shape !== "[]", event.kind);
      assert.equal(seen.get(shape), undefined, `${event.kind} looks like ${seen.get(shape)}`);
      seen.set(shape, event.kind);
    }
    assert.equal(markOf(told("rumourHeard", { hops: 7 })), markOf(hops[2] as TimelineEvent));
    assert.equal(markOf(told("rumourHeard")), markOf(hops[0] as TimelineEvent));
    assert.equal(GOSSIP_LEGEND.length, 7);
    for (const { glyph, label } of GOSSIP_LEGEND) assert.ok(seen.has(shapeOf(glyph)), label);
  });

  it("has a line or a head of its own for each message, told apart without colours, also from a rumour that is none any more", () => {
    const seen = new Map<string, string>();
    const styles: readonly (readonly [string, MessageStyle])[] = [
      ...CONSENSUS.gossip.messageTypes.map((type) => [type, messageStyle(type)] as const),
      ["a rumour heard before", STALE_RUMOUR],
    ];
    for (const [name, { dash, head, width }] of styles) {
      const look = JSON.stringify([dash, head, isFilled(head), width >= 2]);
      assert.equal(seen.get(look), undefined, `${name} looks like ${seen.get(look)}`);
      seen.set(look, name);
    }
    assert.equal(new Set(styles.map(([, { head }]) => head)).size, styles.length, "each head is another one");
    for (const type of BROADCAST_MESSAGE_TYPES) {
      const { dash, head, width } = messageStyle(type);
      const look = JSON.stringify([dash, head, isFilled(head), width >= 2]);
      assert.equal(seen.get(look), undefined, `${type} looks like ${seen.get(look)}`);
      seen.set(look, type);
    }
  });

  it("has a name for each kind, message, group and layer; what it has nothing of has none", () => {
    for (const name of [...CONSENSUS.gossip.events, ...CONSENSUS.gossip.messageTypes]) {
      assert.ok(kindName(name).length > 2, name);
      const group = groupOf(name);
      assert.ok(
        groupsOf("gossip").some(({ id }) => id === group),
        `${name} is in ${group}, which is not shown`,
      );
    }
    const names = groupsOf("gossip").map(({ name }) => name);
    assert.ok(
      ["Rumours", "Digests", "Anti-entropy", "State", "Convergence", "Proposals"].every((one) => names.includes(one)),
    );
    assert.ok(!names.some((name) => /election|vote|append|task|view/i.test(name)), names.join(", "));
    for (const consensus of CONSENSUS_KINDS) {
      for (const type of [...CONSENSUS[consensus].events, ...CONSENSUS[consensus].messageTypes])
        assert.ok(
          GROUPS.some(({ id, name }) => id === groupOf(type) && name[consensus] !== null),
          `${consensus} ${type}`,
        );
      const ids = groupsOf(consensus).map(({ name }) => name);
      assert.equal(new Set(ids).size, ids.length, ids.join(", "));
      for (const { name } of DENSITY_LAYERS) assert.ok(name[consensus].length > 0);
    }
    for (const { id } of GROUPS) assert.equal(DENSITY_LAYERS.filter(({ groups }) => groups.includes(id)).length, 1, id);
  });

  it("says what happened in sentences that name who has it from whom, and no term", () => {
    const said = (kind: EventKind, fields: Fields): string => describeEvent(told(kind, fields));
    assert.equal(
      said("issued", { fromSeq: 3, toSeq: 5, fromIndex: 10, toIndex: 12 }),
      "issued (operations 4 to 5 of its own)",
    );
    assert.equal(
      said("rumourHeard", { from: "a2", origin: "a3", seq: 4, operations: 1, hops: 2 }),
      "heard a rumour (1 operation of a3, up to 4, from a2, after 2 hops)",
    );
    assert.equal(said("antiEntropy", { peer: "a5", sent: 1, received: 0 }), "anti-entropy (a5 lacked 1 operation)");
    assert.equal(said("antiEntropy", { peer: "a5", sent: 0, received: 3 }), "anti-entropy (got 3 operations from a5)");
    assert.equal(
      said("heldBack", { origin: "a4", seq: 9, aheadMs: 90_000 }),
      "held back (operation 9 of a4: its clock is 1 min 30 s ahead)",
    );
    assert.equal(said("converged", { members: 5, operations: 12 }), "converged (all 5 have the same 12 operations)");
    assert.equal(
      said("committed", { term: 0, fromIndex: 4, toIndex: 5, acks: ["a3"] }),
      "committed (entry 5 durable here)",
    );
    // Whatever is told, also by a newer agent, is shown and not a crash.
    for (const kind of CONSENSUS.gossip.events) assert.ok(said(kind, {}).startsWith(kindName(kind)), kind);
    for (const event of toldByGossip().events) assert.doesNotMatch(describeEvent(event), /term|undefined|NaN/);
  });

  it("tells the rumours that were news from those that came too late", () => {
    const { events } = toldByGossip();
    const [fromMs, toMs] = [(events[0] as TimelineEvent).hlc.wallMs, (events.at(-1) as TimelineEvent).hlc.wallMs + 1];
    const { arrows } = placeWindow(
      {
        swarm: "s",
        fromMs,
        toMs,
        total: events.length,
        events,
        buckets: [],
        terms: [],
        landmarks: [],
        firstMs: fromMs,
        lastMs: toMs,
        stored: events.length,
      },
      100,
    );
    const rumours = arrows.filter(({ message, fate }) => message.type === "rumour" && fate === "received");
    const news = rumours.filter(({ stale }) => !stale);
    const heard = events.filter(({ kind }) => kind === "rumourHeard");
    assert.equal(news.length, heard.length, "each that heard has it from one");
    assert.ok(rumours.length > news.length);
    for (const { kind, agent, fields } of heard)
      assert.ok(
        news.some(({ message }) => message.from === fields.from && message.to === agent),
        kind,
      );
    assert.ok(arrows.every(({ message, stale }) => message.type === "rumour" || !stale));
    assert.ok(
      arrows.some(({ fate }) => fate === "lost"),
      "what a cut swallowed is known to be lost, without terms",
    );
  });

  it("leaves no room for terms below its lanes", () => {
    const settings = { order: [], hidden: [], folded: [] };
    const [with_, without] = [true, false].map((bars) => layLanes(["a1"], settings, 100, bars)[0]);
    assert.ok((without?.lineY ?? 0) > (with_?.lineY ?? 0));
  });
});
