import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ByteWriter } from "../../../server/core/bytes.ts";
import type { AgentId } from "../../../server/core/consensus.ts";
import { encodeGossipMessage } from "../../../server/core/gossip/codec.ts";
import type { GossipMessage } from "../../../server/core/gossip/types.ts";
import { Cluster, type ClusterOptions } from "./cluster.ts";
import { only, operation, SubjectAgent } from "./subject.ts";

/** Its own place is 0; `others` more. */
function among(others: number, more: ConstructorParameters<typeof SubjectAgent>[0] = {}): SubjectAgent {
  return new SubjectAgent({ id: "a000", members: ids(others + 1), ...more });
}

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, place) => `a${String(place).padStart(3, "0")}`);
}

function bytesOf(message: GossipMessage): number {
  const writer = new ByteWriter();
  encodeGossipMessage(writer, message);
  return writer.length;
}

/** What two that keep their disks say to each other until neither has anything to say. */
function talk(one: SubjectAgent, oneId: AgentId, other: SubjectAgent, otherId: AgentId): GossipMessage[] {
  const said: GossipMessage[] = [];
  for (let quiet = 0; quiet < 2; ) {
    quiet++;
    for (const [from, fromId, to, toId] of [
      [one, oneId, other, otherId],
      [other, otherId, one, oneId],
    ] as const)
      for (const { to: addressee, message } of from.settle().messages) {
        if (addressee !== toId) continue;
        quiet = 0;
        said.push(message);
        to.step(fromId, message);
      }
  }
  return said;
}

/** Asks that one next. */
function ask(subject: SubjectAgent, peer: AgentId): GossipMessage {
  for (let asked = 0; asked < 5000; asked++) {
    subject.timeOut();
    const { messages } = subject.settle();
    const question = messages.find(({ to }) => to === peer)?.message;
    // The first of a round is a digest.
    if (question?.type === "checksum") return question;
  }
  throw new Error(`${peer} is not asked`);
}

describe("anti-entropy by checksums", () => {
  it("says as much to one that has the same among 1,000 as among 100: a few bytes each way", () => {
    for (const others of [99, 999]) {
      const subject = among(others);
      const question = ask(subject, "a007");
      assert.ok(bytesOf(question) <= 20, `${bytesOf(question)} bytes`);
      subject.step("a007", { ...question, answer: false } as GossipMessage);
      const [answer, ...more] = subject.settle().messages;
      assert.deepEqual(more, []);
      assert.ok(answer?.message.type === "checksum" && answer.message.answer && answer.to === "a007");
      assert.equal(subject.status.gossip.sameVector, others + 1);
    }
  });

  it("explains a difference by what changed lately, and sends it at once", () => {
    const one = among(99);
    one.rumour("a005", operation(5, 1), operation(5, 2));
    one.settle();
    const other = new SubjectAgent({ id: "a001", members: ids(100) });
    one.step("a001", ask(other, "a000"));
    const said = talk(one, "a000", other, "a001").map(({ type }) => type);
    assert.deepEqual(said, ["ranges", "ranges", "ranges", "delta", "checksum"]);
    assert.deepEqual(other.given, ["5 1", "5 2"]);

    // The other way round the question itself says it.
    const late = new SubjectAgent({ id: "a002", members: ids(100) });
    late.step("a000", ask(one, "a002"));
    const answers = late.settle().messages.map(({ message }) => message);
    assert.deepEqual(
      answers.map(({ type }) => type),
      ["checksum"],
    );
    one.step("a002", answers[0] as GossipMessage);
    assert.deepEqual(
      only(one.settle().messages, "delta").map(({ message }) => message.operations.length),
      [2],
    );
  });

  it("finds some differences among 1,000 in a few messages, that say nothing of what is the same", () => {
    const one = new SubjectAgent({ id: "a000", members: ids(1000) });
    const other = new SubjectAgent({ id: "a001", members: ids(1000) });
    const all = Array.from({ length: 998 }, (_, at) => operation(at + 2, 1));
    for (const subject of [one, other]) {
      subject.delta("a002", ...all);
      subject.settle();
    }
    const places = [17, 400, 401, 990];
    one.delta("a003", ...places.map((place) => operation(place, 2)));
    one.settle();
    one.step("a001", ask(other, "a000"));
    const said = talk(one, "a000", other, "a001");
    const sent = said.flatMap((message) => (message.type === "delta" ? message.operations : []));
    assert.deepEqual(
      sent.map(({ origin, seq }) => [origin, seq]),
      places.map((place) => [place, 2]),
    );
    const bytes = said.reduce((sum, message) => sum + (message.type === "ranges" ? bytesOf(message) : 0), 0);
    assert.ok(bytes < 1200, `${bytes} bytes of ranges`);
    assert.ok(said.length <= 9, said.map(({ type }) => type).join());
    assert.equal(other.status.lastIndex, one.status.lastIndex);
  });

  it("listens to no ranges of other members, nor to a count that its disk has forgotten", () => {
    const subject = among(19);
    const { roster } = subject;
    const counts = (length: number) => Array.from({ length }, () => ({ have: 0, everywhere: 0 }));
    for (const leaf of [
      { index: 1, counts: counts(5) },
      { index: 2, counts: counts(1) },
    ]) {
      subject.step("a001", { type: "ranges", roster, answer: false, splits: [], leaves: [leaf] });
      assert.deepEqual(subject.settle().messages, []);
    }
    const sum = { high: 1, low: 2 };
    const recent = [{ member: 20, have: 1, everywhere: 0 }];
    subject.step("a001", { type: "checksum", roster, answer: true, sum, recent, complete: [] });
    assert.deepEqual(subject.settle().messages, []);
    for (const forgotten of [
      { member: 0, have: 1, everywhere: 0 },
      { member: 3, have: 1, everywhere: 1 },
    ])
      assert.throws(
        () => subject.step("a001", { type: "checksum", roster, answer: true, sum, recent: [forgotten], complete: [] }),
        /disk has forgotten/,
      );
  });

  const apart = (drops: ClusterOptions["drops"]): Cluster => {
    const cluster = new Cluster({
      members: 20,
      seed: "collision",
      config: { antiEntropyMs: 20 },
      drops: (message) => message.type === "rumour" || drops?.(message) === true,
    });
    for (const agent of cluster.agents) cluster.propose(agent, 2);
    cluster.run(3000, () => cluster.converged);
    return cluster;
  };

  it("is not what convergence rests on: where no checksum ever shows a difference the digest of each round does", () => {
    const unseen = (message: GossipMessage): boolean => message.type === "checksum" || message.type === "ranges";
    assert.ok(apart(unseen).converged);
    assert.ok(!apart((message) => unseen(message) || message.type === "digest").converged);
  });

  it("comes to the same where every checksum is a wrong one", () => {
    const cluster = new Cluster({
      members: 20,
      seed: "wrong",
      config: { antiEntropyMs: 20 },
      tampers: (message) => (message.type === "checksum" ? { ...message, sum: { high: 1, low: 1 } } : message),
    });
    for (const agent of cluster.agents) cluster.propose(agent, 2);
    assert.ok(cluster.run(5000, () => cluster.converged));
  });
});

describe("agents of which some are near", () => {
  it("compare with others the less often the more links are on the way there: no more messages are passed on for those than for the near", () => {
    const [questions, near] = [360, ["a004", "a005"]];
    // A round of all comes by the near ones, too, two times of a hundred.
    const askedFar = (meanHops: number): number => {
      const subject = among(100, { listedMembers: 0 });
      Object.assign(subject, { near, meanHops });
      let far = 0;
      for (let question = 0; question < questions; question++) {
        subject.timeOut();
        for (const { to, message } of subject.settle().messages)
          if (message.type === "checksum" || message.type === "digest") far += near.includes(to) ? 0 : 1;
      }
      return far;
    };
    for (const [meanHops, every] of [
      [1, 4],
      [3.4, 4],
      [5.3, 6],
      [7.7, 9],
      [59, 60],
    ] as const) {
      const far = askedFar(meanHops);
      assert.ok(far <= questions / every && far >= questions / every - 3, `${far} of ${questions}, ${meanHops} links`);
    }
  });

  it("compare with those three times of four, and with everybody within four rounds", () => {
    const asked: string[] = [];
    const subject = among(19, { listedMembers: 0 });
    subject.near = ["a004", "a005"];
    for (let question = 0; question < 4 * 19; question++) {
      subject.timeOut();
      for (const { to, message } of subject.settle().messages)
        if (message.type === "checksum" || message.type === "digest") asked.push(to);
    }
    assert.equal(new Set(asked).size, 19);
    const near = asked.filter((to) => subject.near.includes(to)).length;
    assert.equal(near, 3 * 19 + 2);
    // Links come and go.
    subject.near = ["a009"];
    subject.timeOut();
    subject.timeOut();
    subject.settle();
    subject.timeOut();
    assert.deepEqual(
      subject.settle().messages.map(({ to }) => to),
      ["a009"],
    );
    // Where most are near none is nearer.
    subject.near = ids(20).slice(1, 15);
    const drawn = new Set<string>();
    for (let question = 0; question < 19 * 2; question++) {
      subject.timeOut();
      for (const { to } of subject.settle().messages) drawn.add(to);
    }
    assert.equal(drawn.size, 19);
  });
});
