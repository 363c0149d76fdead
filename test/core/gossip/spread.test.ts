import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ByteWriter } from "../../../server/core/bytes.ts";
import { encodeGossipMessage } from "../../../server/core/gossip/codec.ts";
import { agreementOf, lackingShare, unheardShare } from "../../../server/core/gossip/epidemic.ts";
import { Gossip } from "../../../server/core/gossip/gossip.ts";
import type { GossipMessage } from "../../../server/core/gossip/types.ts";
import { seededRandom } from "../../../server/core/random.ts";

/** Agents that all take their turn at once: a round. Disks and links take no time. */
class Rounds {
  readonly agents = new Map<string, Gossip>();
  readonly sent = { messages: 0, operations: 0, digestBytes: 0 };
  now = 1_000_000;
  #mail: { readonly from: string; readonly to: string; readonly message: GossipMessage }[] = [];

  constructor(members: number, fanout: number, seed: string, antiEntropyMs = 1e9) {
    const ids = Array.from({ length: members }, (_, at) => `n${at}`);
    const restored = { hardState: { term: 0, votedFor: "", commit: 0 }, entries: [] };
    for (const id of ids) {
      const random = seededRandom(seed).fork(id);
      this.agents.set(id, new Gossip({ id, members: ids, fanout, antiEntropyMs }, restored, random, this.now));
    }
  }

  /** What was sent in the last round arrives, and all take their turn. Returns how many messages they sent. */
  round(): number {
    const arriving = this.#mail;
    this.#mail = [];
    const awake = new Set<string>();
    for (const { from, to, message } of arriving) {
      this.agents.get(to)?.step(from, message, this.now);
      awake.add(to);
    }
    for (const id of awake) this.#turn(id);
    return this.#mail.length;
  }

  tick(): void {
    for (const [id, gossip] of this.agents) {
      this.now = Math.max(this.now, gossip.deadline());
      gossip.tick(this.now);
      this.#turn(id);
    }
  }

  /** The share of agents that have delivered anything. */
  share(): number {
    return [...this.agents.values()].filter((gossip) => gossip.status().lastIndex > 0).length / this.agents.size;
  }

  propose(id: string, texts: readonly string[]): void {
    const command = (text: string): Uint8Array => new TextEncoder().encode(text);
    this.agents.get(id)?.propose(texts.map(command), this.now);
    this.#turn(id);
  }

  /** Rounds until nothing is under way. */
  settle(): void {
    while (this.round() > 0);
  }

  loseAll(): void {
    this.#mail = [];
  }

  #turn(id: string): void {
    const gossip = this.agents.get(id) as Gossip;
    for (let ready = gossip.take(this.now); ready !== undefined; ready = gossip.take(this.now)) {
      if (ready.persist !== undefined) gossip.persisted(ready.persist.id, this.now);
      for (const { to, message } of ready.messagesAfterPersist) {
        this.#mail.push({ from: id, to, message });
        this.sent.messages++;
        if (message.type === "rumour") this.sent.operations += message.rumours.length;
        if (message.type === "delta") this.sent.operations += message.operations.length;
        if (message.type === "digest") this.sent.digestBytes = Math.max(this.sent.digestBytes, bytesOf(message));
      }
    }
  }
}

function bytesOf(message: GossipMessage): number {
  const writer = new ByteWriter();
  encodeGossipMessage(writer, message);
  return writer.length;
}

/** The mean over runs of what a run gives for each round. */
function meansOf(runs: number, run: (seed: string) => readonly number[]): number[] {
  const sums: number[] = [];
  for (let seed = 0; seed < runs; seed++)
    for (const [round, value] of run(`${seed}`).entries()) sums[round] = (sums[round] ?? 0) + value;
  return sums.map((sum) => sum / runs);
}

const ROUNDS = 12;

describe("the spreading of a rumour", function () {
  this.timeout(60_000);

  for (const { members, runs, tolerance } of [
    { members: 10, runs: 200, tolerance: 0.05 },
    { members: 100, runs: 20, tolerance: 0.03 },
    { members: 1000, runs: 2, tolerance: 0.03 },
  ])
    it(`among ${members} reaches in each round the share that the epidemic model expects, within ${tolerance}`, () => {
      for (const fanout of members > 100 ? [3] : [2, 3]) {
        const means = meansOf(runs, (seed) => {
          const rounds = new Rounds(members, fanout, seed);
          rounds.propose("n0", ["x"]);
          return Array.from({ length: ROUNDS }, () => {
            const share = rounds.share();
            rounds.round();
            return share;
          });
        });
        for (const [round, share] of means.entries()) {
          const expected = 1 - unheardShare(members, fanout, round);
          assert.ok(
            Math.abs(share - expected) <= tolerance,
            `round ${round}: ${share} of ${members}, expected ${expected}`,
          );
        }
      }
    });

  it("costs each member a message to each of its fanout at most, however many operations are proposed at once", () => {
    for (const members of [4, 10, 100]) {
      const rounds = new Rounds(members, 3, "cost");
      rounds.propose(
        "n0",
        Array.from({ length: 50 }, (_, at) => `x${at}`),
      );
      rounds.settle();
      assert.ok(rounds.sent.messages <= 3 * members, `${rounds.sent.messages} messages among ${members}`);
      assert.ok(rounds.sent.operations <= 3 * members * 50);
    }
  });

  it("leaves what the model says to anti-entropy, which brings it to all no later than the model says", () => {
    const members = 100;
    const means = meansOf(6, (seed) => {
      const rounds = new Rounds(members, 3, seed, 100);
      rounds.propose("n0", ["x"]);
      rounds.loseAll();
      return Array.from({ length: ROUNDS }, () => {
        const lacking = 1 - rounds.share();
        rounds.tick();
        rounds.settle();
        return lacking;
      });
    });
    for (const [round, lacking] of means.entries()) {
      const expected = lackingShare(members, (members - 1) / members, round);
      assert.ok(lacking <= expected + 0.05, `after ${round} rounds ${lacking} lack it, expected ${expected}`);
    }
    assert.equal(means.at(-1), 0);
  });

  it("between members that have the same is a digest each way, of a size that only their number makes", () => {
    const sizeOf = (operations: number): number => {
      const rounds = new Rounds(10, 3, "equal", 100);
      for (let at = 0; at < operations; at++) rounds.propose(`n${at % 10}`, [`x${at}`]);
      for (let turn = 0; turn < 30; turn++) {
        rounds.tick();
        rounds.settle();
      }
      const { messages, operations: before } = rounds.sent;
      rounds.sent.digestBytes = 0;
      rounds.tick();
      rounds.settle();
      assert.equal(rounds.sent.operations, before);
      assert.equal(rounds.sent.messages - messages, 20);
      return rounds.sent.digestBytes;
    };
    const [few, many] = [sizeOf(100), sizeOf(4000)];
    // A tag, the members' hash, a flag, a count; two numbers and a bit for each member. Two bytes instead of one for the number of each one's operations.
    assert.ok(few <= 30 && many <= few + 10, `${few} bytes after 100 operations, ${many} after 4,000`);
  });
});

describe("the model of an epidemic", () => {
  it("has nobody reached before the first round but the one, and fewer lacking after every further one", () => {
    for (const members of [2, 3, 12, 1000]) {
      assert.equal(unheardShare(members, 3, 0), (members - 1) / members);
      for (let round = 0; round < 20; round++) {
        assert.ok(unheardShare(members, 3, round + 1) <= unheardShare(members, 3, round));
        assert.ok(lackingShare(members, 0.9, round + 1) <= lackingShare(members, 0.9, round));
      }
      assert.ok(lackingShare(members, 0.9, 20) < 1e-9);
    }
  });

  it("comes to where a share s = e^(-f(1 - s)) has not heard (Demers et al., §1.4, of Kermack and McKendrick 1927)", () => {
    for (const fanout of [2, 3, 4]) {
      const unheard = unheardShare(100_000, fanout, 100);
      assert.ok(Math.abs(unheard - Math.exp(-fanout * (1 - unheard))) < 0.001, `${fanout}: ${unheard}`);
    }
  });

  it("squares and more what lacks in a round of anti-entropy (§1.3: pull gives p²)", () => {
    for (const share of [0.5, 0.1, 0.01])
      assert.ok(lackingShare(1000, share, 1) < share * share && lackingShare(1000, share, 1) > (share * share) / 3);
  });

  it("tells of agreement from rounds alone, surely only of what is known, and not of whom it knows to lack something", () => {
    const none = { rumour: 0, antiEntropy: 0 };
    const after = { rumour: 6, antiEntropy: 1 };
    const unknown = { unknown: 11, someLack: false };
    assert.equal(agreementOf(12, 3, none, { unknown: 0, someLack: false }), 1);
    assert.ok(agreementOf(12, 3, none, unknown) < 1e-9);
    const probable = agreementOf(12, 3, after, unknown);
    assert.ok(probable > 0.9 && probable < 1, `${probable}`);
    assert.ok(agreementOf(12, 3, after, { unknown: 2, someLack: false }) > probable);
    assert.ok(agreementOf(12, 3, { rumour: 200, antiEntropy: 200 }, unknown) < 1);
    assert.equal(agreementOf(12, 3, after, { unknown: 2, someLack: true }), 0);
    assert.ok(agreementOf(2, 1, { rumour: 1, antiEntropy: 0 }, { unknown: 1, someLack: false }) < 1);
  });
});
