import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { Linker } from "../../server/agent/linker.ts";
import { type Linked, Linking } from "../../server/agent/linking.ts";
import type { HyParViewMessage } from "../../server/core/overlay/hyparview/types.ts";
import { PAPER_VIEWS } from "../../server/core/overlay/hyparview/types.ts";
import { seededRandom } from "../../server/core/random.ts";
import { advert, cryptoOf, SWARM } from "../core/overlay/link-state/adverts.ts";

const ANSWER_MS = 100;
const INTERVAL_MS = 1000;
const ROSTER = ["me", "a", "b", "c", "d", "e", "f", "g"];
const accepted = (number: number): HyParViewMessage => ({ type: "neighbourReply", number, accepted: true });

/** One agent's linking, `me`, by hand: what it has its world do. */
class Subject {
  readonly opened: string[] = [];
  readonly closed: string[] = [];
  readonly linking: Linking;
  now = 0;

  constructor(contacts: readonly string[] = [], roster: readonly string[] = ROSTER) {
    const views = {
      ...PAPER_VIEWS,
      id: "me",
      contacts,
      activeSize: 2,
      shuffleIntervalMs: INTERVAL_MS * 100,
      answerMs: ANSWER_MS,
    };
    const links = roster.slice(1).map((b) => ({ a: "me", b }));
    const options = { views, swarm: SWARM, incarnation: 1, intervalMs: INTERVAL_MS, roster, links, trust: () => 1 };
    const dialler = { open: (peer: string) => this.opened.push(peer), close: (peer: string) => this.closed.push(peer) };
    this.linking = new Linking(options, dialler, 0, seededRandom(1), cryptoOf("me"));
  }

  at(now: number): Linked {
    this.now = now;
    return this.linking.turn(now);
  }

  turn(): Linked {
    return this.linking.turn(this.now);
  }

  /** It has dialled, and asks to be its neighbour. */
  comes(peer: string, priority: "low" | "high" = "low"): Linked {
    this.linking.connected(peer, this.now);
    this.linking.heardViews(peer, { type: "neighbour", number: 1, priority }, this.now);
    return this.turn();
  }
}

const nameOf = (one: string | { readonly origin: string }): string => (typeof one === "string" ? one : one.origin);

/** Messages about views, in words. */
const said = ({ views }: Linked): string[] => views.map(({ to, message }) => `${to} ${message.type}`);

describe("an agent that looks for its links itself", () => {
  it("has a connection opened for what it has to say, says it once that is there, and has a link once it is a neighbour", () => {
    const subject = new Subject(["a"]);
    deepEqual(said(subject.turn()), []);
    deepEqual(subject.opened, ["a"]);
    subject.linking.connected("a", 0);
    const [join] = subject.turn().views;
    ok(join?.to === "a" && join.message.type === "join");
    deepEqual(subject.turn().up, [], "a connection is no link");
    subject.linking.heardViews("a", accepted(join.message.number), 0);
    const linked = subject.turn();
    deepEqual(linked.up, ["a"]);
    deepEqual(linked.links, [{ a: "me", b: "a" }]);
    deepEqual(linked.observations, [{ type: "neighbourUp", peer: "a" }]);
  });

  it("takes in who comes, tells it of all links that are known, and all others of it", () => {
    const subject = new Subject();
    subject.comes("a");
    subject.linking.heardLinks("a", { type: "adverts", adverts: [advert("a", 1, 1, [0])] });
    subject.turn();
    const { linkState, up, broadcast } = subject.comes("b");
    deepEqual(up, ["b"]);
    deepEqual(
      linkState.map(({ to, message }) => [to, ...(message.type === "known" ? message.known : [])].map(nameOf)),
      [["b", "me", "a"]],
    );
    deepEqual([broadcast?.origin, broadcast?.peers], ["me", [1, 2]]);
  });

  it("closes a connection that it has no use for any more, only after an answer may have come, and keeps neighbours'", () => {
    const subject = new Subject();
    subject.comes("a");
    subject.comes("b");
    deepEqual(said(subject.comes("c")), ["c neighbourReply"], "there is no room for it");
    ok(subject.linking.deadline() <= ANSWER_MS);
    subject.at(ANSWER_MS - 1);
    deepEqual(subject.closed, []);
    subject.at(ANSWER_MS);
    deepEqual(subject.closed, ["c"]);
    subject.linking.disconnected("c", ANSWER_MS);
    subject.at(INTERVAL_MS * 50);
    deepEqual(subject.closed, ["c"]);
  });

  it("says goodbye over the link that it lets go, which is none from then on, and says that it was not closed on the way", () => {
    const subject = new Subject();
    subject.comes("a");
    subject.comes("b");
    const dropping = subject.comes("c", "high");
    const [gone] = dropping.down;
    ok(gone !== undefined && !gone.closed);
    deepEqual(said(dropping).sort(), [`${gone.peer} disconnect`, "c neighbourReply"].sort());
    deepEqual(dropping.up, ["c"]);
    subject.at(ANSWER_MS);
    deepEqual(subject.closed, [gone.peer]);
  });

  it("puts another in the place of a neighbour whose connection closed, or that membership holds for failed", () => {
    for (const lose of ["closed", "failed"] as const) {
      const subject = new Subject();
      subject.comes("a");
      subject.comes("b");
      subject.comes("c", "high");
      const [known] = ["a", "b"].filter((id) => subject.linking.links.every((link) => link.b !== id && link.a !== id));
      if (lose === "closed") subject.linking.disconnected("c", 0);
      else subject.linking.failed("c", 0);
      const { down, observations, views } = subject.turn();
      deepEqual(down, [{ peer: "c", closed: lose === "closed" }]);
      deepEqual(observations, [{ type: "neighbourDown", peer: "c", reason: "failed" }]);
      deepEqual(
        views.map(({ to, message }) => [to, message.type]),
        [[known, "neighbour"]],
        "it is still connected",
      );
    }
  });

  it("forgets whom it cannot reach, and tries the next", () => {
    const subject = new Subject();
    subject.comes("a");
    const ids = ["c", "d"];
    subject.linking.heardViews("a", { type: "shuffle", origin: "b", number: 1, ttl: 0, ids }, 0);
    subject.turn();
    const [first] = subject.opened.filter((id) => ids.includes(id));
    subject.linking.disconnected(first as string, 0);
    subject.turn();
    const tried = subject.opened.filter((id) => ids.includes(id));
    deepEqual([...tried].sort(), ids, "each once");
    subject.linking.disconnected(tried[1] as string, 0);
    subject.turn();
    deepEqual(
      subject.opened.filter((id) => ids.includes(id)),
      tried,
    );
  });

  it("asks those whom no link leads to in turn, one an interval, and after each round waits twice as long", () => {
    const subject = new Subject();
    const times: number[] = [];
    for (let now = 0; now < INTERVAL_MS * 150; now += INTERVAL_MS / 4) {
      const before = subject.opened.length;
      subject.at(now);
      if (subject.opened.length === before) continue;
      times.push(now);
      for (const peer of subject.opened.slice(before)) subject.linking.disconnected(peer, now);
    }
    const others = ROSTER.slice(1);
    for (let round = 0; round < 3; round++)
      deepEqual(subject.opened.slice(round * 7, round * 7 + 7).sort(), others, `round ${round}`);
    const waits = times.slice(1).map((ms, at) => Math.round((ms - (times[at] as number)) / INTERVAL_MS));
    deepEqual(waits.slice(0, 7), new Array(7).fill(1));
    deepEqual(waits.slice(7, 14), new Array(7).fill(2));
    ok(Math.max(...waits) === 8, waits.join());
  });

  it("does not believe a neighbour what another agent has not signed, and says so", () => {
    const subject = new Subject();
    subject.comes("a");
    const forged = advert("b", 1, 1, [0, 1], { signer: "a" });
    subject.linking.heardLinks("a", { type: "adverts", adverts: [forged] });
    deepEqual(subject.turn().forged, [{ origin: "b", from: "a" }]);
    subject.linking.heardBroadcast([forged]);
    deepEqual(subject.turn().forged, [{ origin: "b" }]);
  });

  it("looks for nobody as long as links lead to all", () => {
    const subject = new Subject([], ["me", "a", "b"]);
    subject.comes("a");
    const adverts = [advert("a", 1, 1, [0, 2]), advert("b", 1, 1, [1])];
    subject.linking.heardLinks("a", { type: "adverts", adverts });
    for (let now = 0; now < INTERVAL_MS * 20; now += INTERVAL_MS) subject.at(now);
    deepEqual(subject.opened, []);
  });

  it("keeps only so much for one connection that does not come about", () => {
    const subject = new Subject();
    subject.comes("a");
    for (let number = 1; number <= 50; number++)
      subject.linking.heardViews("a", { type: "shuffle", origin: "c", number, ttl: 0, ids: [] }, 0);
    subject.turn();
    equal(subject.opened.filter((id) => id === "c").length, 1);
    subject.linking.connected("c", 0);
    deepEqual(said(subject.turn()), new Array(8).fill("c shuffleReply"));
  });

  it("says goodbye to all when it leaves, and opens nothing any more", () => {
    const subject = new Subject();
    subject.comes("a");
    subject.comes("b");
    subject.linking.leave();
    deepEqual(said(subject.turn()).sort(), ["a disconnect", "b disconnect"]);
    subject.at(INTERVAL_MS * 50);
    deepEqual(subject.opened, []);
  });

  it("needs a world that opens connections", () => {
    const config = { overlay: { degree: 4 } };
    const parts = { config, world: {} } as unknown as Parameters<typeof Linker.of>[0];
    throws(() => Linker.of(parts, 0, seededRandom(1)), /needs a world that opens them/);
  });
});
