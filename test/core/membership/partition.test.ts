import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import type { Configuration } from "../../../server/core/consensus.ts";
import { neverHeard, Partition, type PartitionConfig } from "../../../server/core/membership/partition.ts";
import type { Member, MemberState } from "../../../server/core/membership/types.ts";
import { quorumOf } from "../../../server/core/pbft/replicas.ts";

const SILENT_MS = 300;
const UNHEARD_MS = 10_000;
const START_MS = 1_000_000;
const majorityOf = (voters: number): number => Math.floor(voters / 2) + 1;

/** One agent, a1, of so many, and what it is told of the others. */
class Script {
  readonly partition: Partition;
  readonly members: Member[];
  configuration: Configuration;
  decides = false;
  now = START_MS;

  constructor(agents: number, config: Partial<PartitionConfig> = {}, configuration: Partial<Configuration> = {}) {
    const ids = Array.from({ length: agents }, (_, place) => `a${place + 1}`);
    this.members = ids.map((id) => ({ id, state: "alive", incarnation: 1, heartbeat: 1, sinceMs: START_MS }));
    this.configuration = {
      voters: ids,
      outgoing: [],
      learners: [],
      learnersNext: [],
      autoLeave: false,
      ...configuration,
    };
    const whole = {
      id: "a1",
      silentAfterMs: SILENT_MS,
      unheardAfterMs: UNHEARD_MS,
      aloneAfterMs: Number.POSITIVE_INFINITY,
      quorumOf: majorityOf,
      ...config,
    };
    this.partition = new Partition(whole, START_MS);
    this.look();
  }

  are(state: MemberState, ...ids: readonly string[]): this {
    for (const [place, member] of this.members.entries())
      if (ids.includes(member.id)) this.members[place] = { ...member, state, sinceMs: this.now };
    return this;
  }

  look(): string {
    const { members, configuration, decides } = this;
    const roster = members.map(({ id }) => id);
    const absent = members.filter(({ state }) => state !== "alive");
    this.partition.look({ roster, absent, configuration, decides }, this.now);
    return this.partition.state;
  }

  after(ms: number): this {
    this.now += ms;
    return this;
  }

  said(): string[] {
    return this.partition.takeObservations().map(({ type }) => type);
  }
}

describe("an agent is cut off", () => {
  it("when fewer than half of its peers answer, and no earlier; it is then read-only, where all vote and a majority decides", () => {
    for (let agents = 2; agents <= 9; agents++)
      for (let gone = 0; gone < agents; gone++) {
        const script = new Script(agents);
        script.are("failed", ...script.members.slice(agents - gone).map(({ id }) => id));
        const side = agents - gone;
        const fewer = 2 * (side - 1) < agents - 1;
        equal(script.look(), fewer ? "readOnly" : "whole", `${side} of ${agents}`);
        equal(side < majorityOf(agents), fewer, "the rule of half the peers and that of a majority are one");
      }
  });

  it("and can decide all the same, where the consensus takes no quorum, or hears one: apart, not read-only", () => {
    const gossip = new Script(5, { quorumOf: () => 1 });
    equal(gossip.are("failed", "a3", "a4", "a5").look(), "apart");
    const hears = new Script(5);
    hears.decides = true;
    equal(hears.are("failed", "a3", "a4", "a5").look(), "apart");
    hears.decides = false;
    equal(hears.look(), "readOnly");
    deepEqual(hears.said(), ["partitioned", "partitioned"], "told again when it comes to be read-only");
  });

  it("where more than a majority must agree it is read-only although half of its peers answer", () => {
    const script = new Script(7, { quorumOf });
    equal(script.are("failed", "a5", "a6", "a7").look(), "readOnly");
    const counts = { known: 7, voters: 4, votersTotal: 7, quorum: 5 };
    deepEqual(script.partition.reach, { answering: ["a1", "a2", "a3", "a4"], ...counts });
    deepEqual(script.partition.counts, { answering: 4, ...counts });
  });

  it("not by suspicion alone: only by one that is so old that it would have been refuted, and says when that will be", () => {
    const script = new Script(5).are("suspected", "a3", "a4", "a5");
    equal(script.look(), "whole");
    equal(script.partition.deadline(), START_MS + SILENT_MS);
    equal(script.after(SILENT_MS - 1).look(), "whole");
    equal(script.after(1).look(), "readOnly");
    equal(script.partition.deadline(), Number.POSITIVE_INFINITY);
  });

  it("asks for no second look where the suspects make no difference", () => {
    const script = new Script(5).are("suspected", "a5");
    equal(script.look(), "whole");
    equal(script.partition.deadline(), Number.POSITIVE_INFINITY);
  });

  it("not by those that never came up, for a while after its own start", () => {
    const script = new Script(3);
    for (const [place, member] of script.members.entries())
      if (place > 0) script.members[place] = { ...member, incarnation: 0 };
    equal(script.after(1000).are("failed", "a2", "a3").look(), "whole");
    equal(script.partition.deadline(), START_MS + UNHEARD_MS);
    script.now = START_MS + UNHEARD_MS;
    equal(script.look(), "readOnly");
  });

  it("not by those that said goodbye, nor by those that are no members", () => {
    const left = new Script(5, { quorumOf: () => 1 });
    equal(left.are("left", "a3", "a4", "a5").look(), "whole");
    equal(left.partition.reach.known, 2);
    const removed = new Script(5, {}, { voters: ["a1", "a2", "a3"] });
    equal(removed.are("failed", "a4", "a5").look(), "whole");
    equal(
      new Script(3, {}, { voters: ["a2", "a3"] }).are("failed", "a2", "a3").look(),
      "whole",
      "it is no member itself",
    );
  });

  it("when it has been silent all around for long enough, whatever membership holds; and not any more with the first frame", () => {
    const script = new Script(5, { aloneAfterMs: 2000, unheardAfterMs: 0 });
    script.partition.heard(neverHeard("a2"), script.after(100).now);
    equal(script.look(), "whole");
    equal(script.partition.deadline(), script.now + 2000);
    equal(script.after(1999).look(), "whole");
    equal(script.after(1).look(), "readOnly");
    deepEqual(script.partition.reach.answering, ["a1"]);
    equal(script.partition.alone, true);
    equal(script.partition.heard(neverHeard("a3"), script.after(500).now), true, "it is back");
    equal(script.look(), "recovering");
    equal(script.partition.alone, false);
    equal(script.partition.heard(neverHeard("a3"), script.after(10).now), false);
  });

  it("not when it did not run itself for so long: the look comes long after it was due", () => {
    const script = new Script(5, { aloneAfterMs: 2000, unheardAfterMs: 0 });
    equal(script.after(3001).look(), "whole");
    equal(script.partition.deadline(), script.now + 2000);
    equal(script.after(2000).look(), "readOnly");
  });

  it("voters that said goodbye still count among those that a quorum is of", () => {
    equal(new Script(5).are("left", "a3", "a4", "a5").look(), "readOnly");
  });

  it("in a joint phase where either set of voters has no quorum", () => {
    const joint = { voters: ["a1", "a2", "a3"], outgoing: ["a1", "a4", "a5"] };
    equal(new Script(5, {}, joint).are("failed", "a4", "a5").look(), "readOnly");
    equal(new Script(5, {}, joint).are("failed", "a3", "a5").look(), "whole");
  });
});

describe("an agent that was cut off", () => {
  const cutOff = (): Script => {
    const script = new Script(5);
    for (const peer of ["a2", "a3", "a4", "a5"]) script.partition.heard(neverHeard(peer), script.now);
    script.after(1000).partition.heard(neverHeard("a2"), script.now);
    script.are("failed", "a3", "a4", "a5").look();
    deepEqual(script.said(), ["partitioned"]);
    return script;
  };

  it("recovers once enough answer: from the first frame of another side until it says that it has caught up", () => {
    const script = cutOff();
    script.after(5000).partition.heard(neverHeard("a2"), script.now);
    equal(script.after(10).partition.heard(neverHeard("a4"), script.now), true, "it is back");
    equal(script.after(20).partition.heard(neverHeard("a4"), script.now), false, "once");
    equal(script.after(30).are("alive", "a3", "a4").look(), "recovering");
    script.after(40).partition.caughtUp(script.now);
    equal(script.partition.state, "whole");
    deepEqual(script.partition.takeObservations(), [
      { type: "healed", apartMs: 5060, answering: 4, known: 5 },
      { type: "recovered", tookMs: 90 },
    ]);
    deepEqual(script.partition.figures(script.now), {
      seen: 1,
      apartMs: 5060,
      readOnlyMs: 5060,
      recovered: 1,
      recoveryMs: 90,
    });
  });

  it("counts from when it healed where the other side was heard all along, and did not hear it", () => {
    const script = new Script(5);
    const heardAll = (): void => {
      for (const peer of ["a2", "a3", "a4", "a5"]) script.partition.heard(neverHeard(peer), script.now);
    };
    heardAll();
    script.after(100).are("failed", "a3", "a4", "a5").look();
    for (let at = 0; at < 50; at++) {
      script.after(100);
      heardAll();
    }
    script.are("alive", "a3", "a4").look();
    script.after(7).partition.caughtUp(script.now);
    equal(script.partition.figures(script.now).recoveryMs, 7);
  });

  it("takes one that came to its side for one of it, and does not count its return as the healing", () => {
    const script = new Script(7);
    for (const peer of ["a2", "a3", "a4", "a5", "a6", "a7"]) script.partition.heard(neverHeard(peer), script.now);
    script.after(1000).are("failed", "a2", "a3", "a4", "a5", "a6", "a7").look();
    script.after(1000).partition.heard(neverHeard("a2"), script.now);
    script.are("alive", "a2").look();
    for (let at = 0; at < 60; at++) script.after(100).partition.heard(neverHeard("a2"), script.now);
    script.partition.heard(neverHeard("a3"), script.now);
    equal(script.after(10).are("alive", "a3", "a4", "a5").look(), "recovering");
    script.after(5).partition.caughtUp(script.now);
    equal(script.partition.figures(script.now).recoveryMs, 15);
  });

  it("and is cut off again before it has caught up does not count that recovery", () => {
    const script = cutOff();
    equal(script.after(100).are("alive", "a3", "a4").look(), "recovering");
    deepEqual(script.partition.returned(), ["a3", "a4"]);
    equal(script.after(10).are("failed", "a3", "a4").look(), "readOnly");
    throws(() => script.partition.caughtUp(script.now), /only who recovers/);
    deepEqual(script.partition.figures(script.now), {
      seen: 2,
      apartMs: 100,
      readOnlyMs: 100,
      recovered: 0,
      recoveryMs: null,
    });
  });
});
