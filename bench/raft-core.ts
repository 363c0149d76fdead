import { ByteReader, ByteWriter } from "../server/core/bytes.ts";
import { decodeRaftMessage, encodeRaftMessage } from "../server/core/raft/codec.ts";
import { Raft } from "../server/core/raft/raft.ts";
import type { RaftMessage } from "../server/core/raft/types.ts";
import { seededRandom } from "../server/core/random.ts";
import { type BenchOptions, type BenchReport, type Figure, machine } from "./report.ts";

const IDS = ["a", "b", "c"];
const COMMAND_BYTES = 256;
const MAX_ENTRIES = 200_000;
const NOTHING = { hardState: { term: 0, votedFor: "", commit: 0 }, entries: [] };

/**
 * How fast the Raft core alone is: three agents in one thread, messages handed over as objects or through the codec, everything durable at once.
 */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const figures: Figure[] = [];
  for (const encoded of [false, true])
    for (const batch of [1, 64]) {
      const name = `batches of ${batch}, ${encoded ? "encoded" : "objects"}`;
      say(`raft-core: ${name}`);
      const { entriesPerSecond, roundMicros } = measure(batch, encoded, quick ? 0.2 : 2);
      figures.push(
        { name: `${name}: entries`, value: entriesPerSecond, unit: "/s", goal: "", met: true },
        { name: `${name}: a round`, value: roundMicros, unit: "µs", goal: "", met: true },
      );
    }
  return { bench: "raft-core", machine: machine(), figures };
}

class Trio {
  now = 1000;
  committedByLeader = 0;
  readonly rafts = new Map<string, Raft>();
  readonly #encoded: boolean;
  #queue: { from: string; to: string; message: RaftMessage }[] = [];

  constructor(encoded: boolean) {
    this.#encoded = encoded;
    for (const id of IDS) {
      const config = {
        id,
        voters: IDS,
        electionTimeoutMinMs: 150,
        electionTimeoutMaxMs: 300,
        heartbeatMs: 50,
        maxInflightAppends: 64,
        maxAppendBytes: 1 << 20,
        maxUncommittedBytes: 1 << 26,
      };
      this.rafts.set(id, new Raft(config, NOTHING, seededRandom(id), this.now));
    }
  }

  leader(): Raft {
    for (;;) {
      for (const raft of this.rafts.values()) if (raft.status().role === "leader") return raft;
      this.now = Math.min(...[...this.rafts.values()].map((raft) => raft.deadline()));
      for (const raft of this.rafts.values()) if (raft.deadline() <= this.now) raft.tick(this.now);
      this.settle();
    }
  }

  /** Turns until nothing is left to do. */
  settle(): void {
    let busy = true;
    while (busy) {
      busy = false;
      for (const raft of this.rafts.values()) if (this.#turn(raft)) busy = true;
      const queue = this.#queue;
      this.#queue = [];
      for (const { from, to, message } of queue) {
        busy = true;
        (this.rafts.get(to) as Raft).step(from, this.#encoded ? reencoded(message) : message, this.now);
      }
    }
  }

  #turn(raft: Raft): boolean {
    const ready = raft.take(this.now);
    if (ready === undefined) return false;
    if (ready.persist !== undefined) raft.persisted(ready.persist.id, this.now);
    for (const { to, message } of ready.messages) this.#queue.push({ from: raft.id, to, message });
    for (const { to, message } of ready.messagesAfterPersist) this.#queue.push({ from: raft.id, to, message });
    if (raft.id === this.#leaderId) this.committedByLeader += ready.committed.length;
    return true;
  }

  #leaderId = "";
  follow(leader: Raft): void {
    this.#leaderId = leader.id;
    this.committedByLeader = 0;
  }
}

function reencoded(message: RaftMessage): RaftMessage {
  const writer = new ByteWriter(message.type === "append" ? 64 + message.entries.length * (COMMAND_BYTES + 24) : 64);
  encodeRaftMessage(writer, message);
  return decodeRaftMessage(new ByteReader(writer.view()));
}

interface Speed {
  readonly entriesPerSecond: number;
  readonly roundMicros: number;
}

/** Rounds of `batch` proposals, each settled before the next. */
function measure(batch: number, encoded: boolean, seconds: number): Speed {
  const commands = Array.from({ length: batch }, () => new Uint8Array(COMMAND_BYTES));
  let rounds = 0;
  let elapsedMs = 0;
  // A log is never compacted yet, so memory is bounded by starting over.
  while (elapsedMs < seconds * 1000) {
    const trio = new Trio(encoded);
    const leader = trio.leader();
    trio.settle();
    trio.follow(leader);
    const start = performance.now();
    let own = 0;
    while (own * batch < MAX_ENTRIES) {
      leader.propose(commands, trio.now);
      trio.settle();
      own++;
    }
    elapsedMs += performance.now() - start;
    if (trio.committedByLeader !== own * batch)
      throw new Error(`committed ${trio.committedByLeader} of ${own * batch}`);
    rounds += own;
  }
  return { entriesPerSecond: (rounds * batch * 1000) / elapsedMs, roundMicros: (elapsedMs * 1000) / rounds };
}
