import { ByteReader, ByteWriter } from "../../../server/core/bytes.ts";
import type { AgentId, Entry, Outgoing } from "../../../server/core/consensus.ts";
import { decodePbftMessage, encodePbftMessage } from "../../../server/core/pbft/codec.ts";
import { Pbft } from "../../../server/core/pbft/pbft.ts";
import { batchBytes, orderBytes, requestBytes } from "../../../server/core/pbft/signed.ts";
import type {
  Batch,
  CheckpointCertificate,
  CommitCertificate,
  PbftHardState,
  PbftMessage,
  PbftObservation,
  PbftReady,
  PreparedCertificate,
} from "../../../server/core/pbft/types.ts";
import { cryptoOf } from "./cluster.ts";
import { bytes, HEARTBEAT_MS, text, VIEW_TIMEOUT_MS } from "./subject.ts";

interface Agent {
  readonly id: AgentId;
  readonly life: number;
  readonly pbft: Pbft;
  readonly disk: { hardState: PbftHardState; entries: Entry[] };
  unsynced: PbftReady[];
  /** Of all that it applied. */
  state: string;
}

interface Packet {
  readonly from: AgentId;
  readonly to: AgentId;
  readonly message: PbftMessage;
}

/**
 * Replicas that do one command at a time and print what came of it, for transcripts that people read and compare. A message to all is printed once.
 *
 *     replicas a b c d       starts them: a is the primary of view 0
 *     propose a x y          proposes commands at a
 *     read a 1               asks for a read at a
 *     wait a 200             lets so many ms pass, for a alone, which does what falls due
 *     sync a                 what a has been writing becomes durable
 *     deliver a b            delivers what is under way from a to b, one turn of b for each message
 *     drop a b               loses it instead
 *     settle                 syncs and delivers until nothing is under way
 *     settle without c       the same, with all to and from c lost
 *     crash a                a loses what is not synced, and starts again
 *     lie a b x              in place of what is under way from a to b as a proposal, a tells b another batch, of this command of its own, properly signed
 *     status                 one line a replica
 */
export class Transcript {
  readonly #agents = new Map<AgentId, Agent>();
  #now = 1000;
  #network: Packet[] = [];
  #lines: string[] = [];

  /** @returns what it printed. @throws Error on a command that there is not. */
  run(command: string): string {
    const [verb, ...words] = command.split(" ");
    this.#lines = [];
    if (verb === "replicas") for (const id of words) this.#start(id, words, 1);
    else if (verb === "propose") this.#act(words[0], ({ pbft }) => pbft.propose(words.slice(1).map(bytes), this.#now));
    else if (verb === "read") this.#act(words[0], ({ pbft }) => pbft.read(Number(words[1])));
    else if (verb === "wait") this.#wait(this.#agent(words[0]), Number(words[1]));
    else if (verb === "sync") this.#sync(this.#agent(words[0]));
    else if (verb === "deliver" || verb === "drop") this.#deliver(verb === "drop", words[0], words[1]);
    else if (verb === "settle") this.#settle(words[0] === "without" ? words.slice(1) : []);
    else if (verb === "crash") this.#crash(this.#agent(words[0]));
    else if (verb === "lie") this.#lie(words[0], words[1], words[2] ?? "");
    else if (verb === "status") this.#status();
    else throw new Error(`no such command: ${command}`);
    return this.#lines.length === 0 ? "nothing" : this.#lines.join("\n");
  }

  #agent(id: string | undefined): Agent {
    const agent = this.#agents.get(id ?? "");
    if (agent === undefined) throw new Error(`no agent ${id}`);
    return agent;
  }

  #start(id: AgentId, replicas: readonly AgentId[], life: number, disk?: Agent["disk"]): void {
    const config = {
      id,
      replicas,
      incarnation: life,
      viewTimeoutMs: VIEW_TIMEOUT_MS,
      heartbeatMs: HEARTBEAT_MS,
      maxInflightBatches: 8,
      maxBatchBytes: 1000,
      maxPendingBytes: 10_000,
      checkpointEvery: 2,
      maxAheadMs: 1000,
      maxStateChunkBytes: 20,
      compactJournalBytes: 1_000_000,
    };
    const kept = disk ?? { hardState: { term: 0, votedFor: "", commit: 0 }, entries: [] };
    const restored = { hardState: kept.hardState, entries: kept.entries.slice() };
    const agent = {
      id,
      life,
      pbft: new Pbft(config, restored, cryptoOf(id), this.#now),
      disk: kept,
      unsynced: [],
      state: "",
    };
    this.#agents.set(id, agent);
    this.#lines.push(`${id} starts`);
    this.#turn(agent);
  }

  #crash({ id, life, disk }: Agent): void {
    this.#start(id, [...this.#agents.keys()], life + 1, disk);
  }

  #act(id: string | undefined, act: (agent: Agent) => void): void {
    const agent = this.#agent(id);
    act(agent);
    this.#turn(agent);
  }

  #wait(agent: Agent, ms: number): void {
    const end = this.#now + ms;
    for (let due = agent.pbft.deadline(); due <= end; due = agent.pbft.deadline()) {
      this.#now = Math.max(this.#now, due);
      agent.pbft.tick(this.#now);
      this.#turn(agent);
    }
    this.#now = end;
  }

  #sync(agent: Agent): void {
    const turns = agent.unsynced;
    agent.unsynced = [];
    for (const { persist, messagesAfterPersist } of turns) {
      if (persist !== undefined) {
        agent.disk.entries.push(...persist.entries);
        agent.disk.hardState = persist.hardState ?? agent.disk.hardState;
        agent.pbft.persisted(persist.id);
      }
      this.#send(agent, messagesAfterPersist);
    }
    this.#turn(agent);
  }

  #deliver(drop: boolean, from: string | undefined, to: string | undefined): void {
    const arriving = this.#network.filter((packet) => packet.from === from && packet.to === to);
    this.#network = this.#network.filter((packet) => !arriving.includes(packet));
    for (const packet of arriving)
      if (drop) this.#lines.push(`lost: ${packet.from}>${packet.to} ${described(packet.message)}`);
      else this.#arrive(packet);
  }

  #arrive({ from, to, message }: Packet): void {
    const writer = new ByteWriter();
    encodePbftMessage(writer, message);
    const agent = this.#agent(to);
    agent.pbft.step(from, decodePbftMessage(new ByteReader(writer.finish())), this.#now);
    this.#turn(agent);
  }

  #settle(without: readonly AgentId[]): void {
    const cut = (id: AgentId): boolean => without.includes(id);
    for (;;) {
      const writing = [...this.#agents.values()].find(({ id, unsynced }) => !cut(id) && unsynced.length > 0);
      const packet = this.#network.shift();
      if (packet !== undefined) {
        if (!cut(packet.from) && !cut(packet.to)) this.#arrive(packet);
      } else if (writing !== undefined) this.#sync(writing);
      else return;
    }
  }

  #lie(from: string | undefined, to: string | undefined, command: string): void {
    const { id } = this.#agent(from);
    const { sign, digest } = cryptoOf(id);
    this.#network = this.#network.map((packet) => {
      const { message } = packet;
      if (packet.from !== id || packet.to !== to || message.type !== "prePrepare") return packet;
      const unsigned = { origin: id, life: 1, number: 1, floor: 1, commands: [bytes(command)] };
      const requests = [{ ...unsigned, signature: sign(requestBytes(unsigned)) }];
      const batch = { ...message.batch, requests };
      const of = digest(batchBytes(batch));
      const told = {
        ...message,
        batch,
        digest: of,
        signature: sign(orderBytes("prePrepare", message.view, message.seq, of)),
      };
      this.#lines.push(`${id}>${to} ${described(told)}`);
      return { ...packet, message: told };
    });
  }

  #turn(agent: Agent): void {
    for (let ready = agent.pbft.take(this.#now); ready !== undefined; ready = agent.pbft.take(this.#now)) {
      this.#print(agent, ready);
      this.#send(agent, ready.messages);
      if (ready.persist === undefined && agent.unsynced.length === 0) this.#send(agent, ready.messagesAfterPersist);
      else agent.unsynced.push(ready);
      if (ready.checkpoint === undefined) continue;
      agent.pbft.compact({ index: ready.checkpoint, data: bytes(agent.state) });
    }
  }

  #send(agent: Agent, messages: readonly Outgoing<PbftMessage>[]): void {
    for (let at = 0; at < messages.length; ) {
      const { message } = messages[at] as Outgoing<PbftMessage>;
      const same = messages
        .slice(at)
        .filter((one, from) => messages[at + from]?.message === message && one.message === message);
      const to = same.length === this.#agents.size - 1 && same.length > 1 ? "*" : same.map((one) => one.to).join(",");
      this.#lines.push(`${agent.id}>${to} ${described(message)}`);
      for (const one of same) this.#network.push({ from: agent.id, to: one.to, message });
      at += same.length;
    }
  }

  #print(agent: Agent, ready: PbftReady): void {
    const { id } = agent;
    for (const observation of ready.observations) this.#lines.push(`${id} ${described(observation)}`);
    const { persist, install, committed, checkpoint } = ready;
    if (persist !== undefined) {
      const state = persist.hardState === undefined ? "" : ` ${fields(persist.hardState)}`;
      this.#lines.push(`${id} writes #${persist.id}${state} records=${persist.entries.length}`);
    }
    if (install !== undefined) {
      agent.state = text(install.data);
      this.#lines.push(`${id} restores ${install.index}:${agent.state}`);
    }
    for (const { data } of committed) agent.state += text(data);
    if (committed.length > 0)
      this.#lines.push(
        `${id} applies ${committed.map((one) => `${one.index}/${one.term}:${text(one.data)}`).join(" ")}`,
      );
    if (checkpoint !== undefined) this.#lines.push(`${id} is asked for its state after ${checkpoint}`);
    for (const { readId, index } of ready.reads) this.#lines.push(`${id} reads ${readId} at ${index}`);
  }

  #status(): void {
    for (const { id, pbft, state } of this.#agents.values()) {
      const { role, term, leader, executedSeq, stableSeq, liars } = pbft.status();
      const caught = liars.length === 0 ? "" : ` liars=${liars}`;
      this.#lines.push(
        `${id} ${role} view=${term} primary=${leader} executed=${executedSeq} stable=${stableSeq} state=${state}${caught}`,
      );
    }
  }
}

function described(what: PbftMessage | PbftObservation): string {
  const { type, ...rest } = what;
  return `${type} ${fields("viewChange" in rest ? rest.viewChange : rest)}`;
}

/** Signatures are left out: they prove what is said, and say nothing. */
function fields(record: object): string {
  return Object.entries(record)
    .filter(([name]) => name !== "signature" && name !== "evidence" && !(name === "prePrepare"))
    .map(([name, value]) => `${name}=${plain(value)}`)
    .join(" ");
}

function plain(value: unknown): string {
  if (value instanceof Uint8Array) return value.length === 32 ? short(value) : text(value).replace(/[^ -~]/g, ".");
  if (Array.isArray(value)) return `[${value.map(plain)}]`;
  if (typeof value !== "object" || value === null) return String(value);
  if ("requests" in value) return batch(value as Batch);
  if ("prepares" in value) {
    const { view, seq, digest, prepares } = value as PreparedCertificate;
    return `${seq}:${short(digest)} in view ${view} by ${prepares.map(({ replica }) => replica).join("+")}`;
  }
  if ("commands" in value) return batch({ view: 0, timeMs: 0, requests: [value as Batch["requests"][0]] });
  if ("checkpoints" in value || "commits" in value) {
    const certificate = value as CheckpointCertificate | CommitCertificate;
    const { seq, digest } = certificate;
    const by = ("commits" in certificate ? certificate.commits : certificate.checkpoints).map(({ replica }) => replica);
    return `${seq}:${seq === 0 ? "genesis" : short(digest)}${by.length === 0 ? "" : ` by ${by.join("+")}`}`;
  }
  if ("replica" in value) return `${value.replica}`;
  if ("seq" in value && "digest" in value) return `${value.seq}:${short(value.digest as Uint8Array)}`;
  return fields(value);
}

function batch({ requests }: Batch): string {
  const one = ({ origin, number, commands }: Batch["requests"][0]): string =>
    `${origin}${number}(${commands.map(text).join(" ")})`;
  return requests.map(one).join("+");
}

function short(digest: Uint8Array): string {
  return Buffer.from(digest.subarray(0, 2)).toString("hex");
}
