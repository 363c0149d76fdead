import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { AgentId, Outgoing } from "../../../server/core/consensus.ts";
import type { Crypto } from "../../../server/core/crypto.ts";
import { Pbft } from "../../../server/core/pbft/pbft.ts";
import { quorumOf } from "../../../server/core/pbft/replicas.ts";
import type { PbftMessage } from "../../../server/core/pbft/types.ts";
import { cryptoOf } from "./cluster.ts";
import { bytes } from "./subject.ts";

/**
 * What one batch costs where nobody lies and nothing gets lost: exactly the paper's messages (OSDI '99, §4.2 and Figure 1), and the signatures beneath them. With q = 2f+1 of n = 3f+1 and one request
 * in the batch, from a backup:
 *
 *                 messages        signatures made        and verified, by each replica
 *   request       1               1 by its origin        1, but 0 by its origin
 *   pre-prepare   n - 1           1 by the primary       1 by each backup
 *   prepare       (n - 1)^2       1 by each backup       q - 1 by the primary, q - 2 by each backup: its own counts
 *   commit        n (n - 1)       1                      q - 1: its own counts
 *   checkpoint    n (n - 1) / K   1 / K                  (q - 1) / K
 *
 * So each of 4 replicas makes 2 signatures a batch and verifies 5 (of 7: 9, of 10: 13), the request's verification among them: what arrives when it changes nothing any more costs no look.
 */
const EVERY = 4;

interface Work {
  signed: number;
  verified: number;
}

/** Replicas whose messages arrive in the order they were sent, and whose disks take no time. */
class Quiet {
  readonly sent = new Map<string, number>();
  readonly work = new Map<AgentId, Work>();
  readonly #replicas = new Map<AgentId, Pbft>();
  readonly #network: (Outgoing<PbftMessage> & { readonly from: AgentId })[] = [];

  constructor(n: number) {
    const replicas = Array.from({ length: n }, (_, at) => `n${String(at).padStart(2, "0")}`);
    for (const id of replicas) {
      const config = {
        id,
        replicas,
        incarnation: 1,
        viewTimeoutMs: 1000,
        heartbeatMs: 100,
        maxInflightBatches: 4,
        maxBatchBytes: 10_000,
        maxPendingBytes: 100_000,
        checkpointEvery: EVERY,
        maxAheadMs: 1000,
        maxStateChunkBytes: 1000,
        compactJournalBytes: 1_000_000,
      };
      const restored = { hardState: { term: 0, votedFor: "", commit: 0 }, entries: [] };
      this.work.set(id, { signed: 0, verified: 0 });
      this.#replicas.set(id, new Pbft(config, restored, this.#counted(id), 0));
    }
  }

  get ids(): readonly AgentId[] {
    return [...this.#replicas.keys()];
  }

  /** One agent asks for one thing, and all is done that comes of it. @returns how many replicas have executed it. */
  order(by: AgentId, ...texts: readonly string[]): number {
    const before = new Map([...this.#replicas].map(([id, pbft]) => [id, pbft.status().executedSeq]));
    this.sent.clear();
    for (const work of this.work.values()) Object.assign(work, { signed: 0, verified: 0 });
    this.#replica(by).propose(texts.map(bytes), 0);
    this.#turn(by);
    for (let packet = this.#network.shift(); packet !== undefined; packet = this.#network.shift()) {
      this.#replica(packet.to).step(packet.from, packet.message, 0);
      this.#turn(packet.to);
    }
    return [...this.#replicas].filter(([id, pbft]) => pbft.status().executedSeq > (before.get(id) as number)).length;
  }

  #replica(id: AgentId): Pbft {
    return this.#replicas.get(id) as Pbft;
  }

  #turn(id: AgentId): void {
    const pbft = this.#replica(id);
    for (let ready = pbft.take(0); ready !== undefined; ready = pbft.take(0)) {
      if (ready.persist !== undefined) pbft.persisted(ready.persist.id);
      for (const out of [...ready.messages, ...ready.messagesAfterPersist]) {
        this.#network.push({ ...out, from: id });
        this.sent.set(out.message.type, (this.sent.get(out.message.type) ?? 0) + 1);
      }
      if (ready.checkpoint !== undefined) pbft.compact({ index: ready.checkpoint, data: bytes("state") });
    }
  }

  #counted(id: AgentId): Crypto {
    const { digest, sign, verify } = cryptoOf(id);
    const work = this.work.get(id) as Work;
    return {
      digest,
      sign: (data) => {
        work.signed++;
        return sign(data);
      },
      verify: (signer, data, signature) => {
        work.verified++;
        return verify(signer, data, signature);
      },
    };
  }
}

for (const n of [4, 7, 10]) {
  const quorum = quorumOf(n);

  describe(`one batch among ${n} replicas`, () => {
    it("costs the paper's messages and no others when a backup asks", () => {
      const swarm = new Quiet(n);
      assert.equal(swarm.order(swarm.ids[1] as AgentId, "x"), n);
      assert.deepEqual(Object.fromEntries(swarm.sent), {
        request: 1,
        prePrepare: n - 1,
        prepare: (n - 1) ** 2,
        commit: n * (n - 1),
      });
    });

    it("costs no request when the primary asks", () => {
      const swarm = new Quiet(n);
      assert.equal(swarm.order(swarm.ids[0] as AgentId, "x"), n);
      assert.deepEqual(Object.fromEntries(swarm.sent), {
        prePrepare: n - 1,
        prepare: (n - 1) ** 2,
        commit: n * (n - 1),
      });
    });

    it("costs the same however much is asked for at once", () => {
      const swarm = new Quiet(n);
      swarm.order(swarm.ids[1] as AgentId, ...Array.from({ length: 50 }, (_, at) => `${at}`));
      assert.equal(swarm.sent.get("commit"), n * (n - 1));
      assert.equal(swarm.work.get(swarm.ids[2] as AgentId)?.signed, 2);
    });

    it("costs two signatures a replica, and the request's", () => {
      const swarm = new Quiet(n);
      swarm.order(swarm.ids[1] as AgentId, "x");
      assert.deepEqual(
        swarm.ids.map((id) => swarm.work.get(id)?.signed),
        swarm.ids.map((_, at) => (at === 1 ? 3 : 2)),
      );
    });

    it("costs no more verifications than change anything", () => {
      const swarm = new Quiet(n);
      swarm.order(swarm.ids[1] as AgentId, "x");
      const primary = 1 + (quorum - 1) + (quorum - 1);
      const backup = 1 + 1 + (quorum - 2) + (quorum - 1);
      assert.deepEqual(
        swarm.ids.map((id) => swarm.work.get(id)?.verified),
        swarm.ids.map((_, at) => (at === 0 ? primary : at === 1 ? backup - 1 : backup)),
      );
    });

    it(`with the checkpoint that every ${EVERY}th takes costs n (n - 1) messages, and a signature a replica`, () => {
      const swarm = new Quiet(n);
      const checkpoints = Array.from({ length: 2 * EVERY }, () => {
        swarm.order(swarm.ids[0] as AgentId, "x");
        return swarm.sent.get("checkpoint") ?? 0;
      });
      const none = Array<number>(EVERY - 1).fill(0);
      assert.deepEqual(checkpoints, [...none, n * (n - 1), ...none, n * (n - 1)]);
      const work = swarm.work.get(swarm.ids[2] as AgentId);
      assert.equal(work?.signed, 3);
      assert.equal(work?.verified, 1 + 1 + (quorum - 2) + (quorum - 1) + (quorum - 1));
    });
  });
}
