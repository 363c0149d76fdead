import {
  type AgentId,
  type Configuration,
  type Entry,
  EntryKind,
  type MemberChange,
  type Outgoing,
  type Snapshot,
} from "../../../server/core/consensus.ts";
import { decodeConfiguration } from "../../../server/core/raft/configuration.ts";
import { Raft } from "../../../server/core/raft/raft.ts";
import type { RaftMessage, RaftObservation, RaftReady } from "../../../server/core/raft/types.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { bytes, text } from "./subject.ts";

interface Agent {
  readonly id: AgentId;
  readonly raft: Raft;
  unsynced: { readonly id: number; readonly messages: readonly Outgoing<RaftMessage>[] }[];
}

/**
 * A cluster that does one command at a time and prints what came of it, for transcripts that people read and compare.
 *
 *     reads lease            how agents that start from now on serve reads
 *     voters a b c           starts agents
 *     joins d                starts one that is no member yet
 *     time out a             lets the time of a's next deadline come, for a alone
 *     propose a x y          proposes commands at a
 *     compact a 3            a's state up to entry 3 is snapshotted
 *     change a add d         changes the members: add, promote, remove; to a,d,e replaces the voters
 *     transfer a b           hands the leadership over
 *     read a 1               asks for a read at a
 *     sync a                 what a has been writing becomes durable
 *     deliver a b            delivers what is under way from a to b, one turn of b for each message
 *     drop a b               loses it instead
 *     settle                 syncs and delivers until nothing is under way
 *     settle without c       the same, with all to and from c lost
 *     status                 one line an agent
 */
export class Transcript {
  readonly #agents = new Map<AgentId, Agent>();
  #now = 1000;
  #network: { readonly from: AgentId; readonly to: AgentId; readonly message: RaftMessage }[] = [];
  #lines: string[] = [];
  #reads: "readIndex" | "lease" = "readIndex";

  /** @returns what it printed. @throws Error on a command that there is not. */
  run(command: string): string {
    const [verb, ...words] = command.split(" ");
    this.#lines = [];
    if (verb === "voters") this.#start(words, words);
    else if (verb === "joins") this.#start(words, []);
    else if (verb === "reads") this.#reads = words[0] === "lease" ? "lease" : "readIndex";
    else if (verb === "compact") this.#act(words[0], (agent) => this.#compact(agent, Number(words[1])));
    else if (verb === "change")
      this.#act(words[0], (agent) => this.#told(agent.raft.changeMembers(changeOf(words[1], words[2]), this.#now)));
    else if (verb === "transfer")
      this.#act(words[0], (agent) => this.#told(agent.raft.transferLeadership(words[1], this.#now)));
    else if (verb === "time" && words[0] === "out") this.#timeOut(this.#agent(words[1]));
    else if (verb === "propose")
      this.#act(words[0], (agent) => agent.raft.propose(words.slice(1).map(bytes), this.#now));
    else if (verb === "read") this.#act(words[0], (agent) => agent.raft.read(Number(words[1]), this.#now));
    else if (verb === "sync") this.#sync(this.#agent(words[0]));
    else if (verb === "deliver" || verb === "drop") this.#deliver(verb === "drop", words[0], words[1]);
    else if (verb === "settle") this.#settle(words[0] === "without" ? words.slice(1) : []);
    else if (verb === "status") this.#status();
    else throw new Error(`no such command: ${command}`);
    return this.#lines.length === 0 ? "nothing" : this.#lines.join("\n");
  }

  #agent(id: string | undefined): Agent {
    const agent = this.#agents.get(id ?? "");
    if (agent === undefined) throw new Error(`no agent ${id}`);
    return agent;
  }

  #compact({ raft }: Agent, index: number): void {
    raft.compact({ index, data: bytes(`state ${index}`) }, this.#now);
  }

  #told(answer: { readonly ok: true } | { readonly ok: false; readonly reason: string }): void {
    if (!answer.ok) this.#lines.push(`refused: ${answer.reason}`);
  }

  #start(ids: readonly AgentId[], voters: readonly AgentId[]): void {
    for (const id of ids) {
      const config = {
        id,
        voters,
        electionTimeoutMinMs: 100,
        electionTimeoutMaxMs: 200,
        heartbeatMs: 20,
        maxInflightAppends: 2,
        maxAppendBytes: 8,
        maxUncommittedBytes: 64,
        keepEntries: 0,
        maxSnapshotChunkBytes: 4,
        reads: this.#reads,
      };
      const restored = { hardState: { term: 0, votedFor: "", commit: 0 }, entries: [] };
      const raft = new Raft(config, restored, seededRandom(id), this.#now);
      this.#agents.set(id, { id, raft, unsynced: [] });
      this.#lines.push(`${id} starts`);
    }
  }

  #timeOut(agent: Agent): void {
    this.#now = Math.max(this.#now, agent.raft.deadline());
    agent.raft.tick(this.#now);
    this.#turn(agent);
  }

  #act(id: string | undefined, act: (agent: Agent) => void): void {
    const agent = this.#agent(id);
    act(agent);
    this.#turn(agent);
  }

  #sync(agent: Agent): void {
    const batches = agent.unsynced;
    agent.unsynced = [];
    for (const { id, messages } of batches) {
      agent.raft.persisted(id, this.#now);
      this.#send(agent, messages, "");
    }
    this.#turn(agent);
  }

  #deliver(drop: boolean, from: string | undefined, to: string | undefined): void {
    const arriving = this.#network.filter((packet) => packet.from === from && packet.to === to);
    this.#network = this.#network.filter((packet) => !arriving.includes(packet));
    for (const { message } of arriving) {
      if (drop) {
        this.#lines.push(`lost: ${from}>${to} ${describe(message)}`);
      } else {
        const agent = this.#agent(to);
        agent.raft.step(from ?? "", message, this.#now);
        this.#turn(agent);
      }
    }
  }

  #settle(without: readonly AgentId[]): void {
    const cut = (id: AgentId): boolean => without.includes(id);
    for (;;) {
      const agents = [...this.#agents.values()].filter(({ id }) => !cut(id));
      const writing = agents.find(({ unsynced }) => unsynced.length > 0);
      const packet = this.#network.shift();
      if (packet !== undefined) {
        if (cut(packet.from) || cut(packet.to)) continue;
        const agent = this.#agent(packet.to);
        agent.raft.step(packet.from, packet.message, this.#now);
        this.#turn(agent);
      } else if (writing !== undefined) {
        this.#sync(writing);
      } else {
        return;
      }
    }
  }

  #turn(agent: Agent): void {
    const ready = agent.raft.take(this.#now);
    if (ready === undefined) return;
    this.#print(agent, ready);
    this.#send(agent, ready.messages, "");
    if (ready.persist !== undefined)
      agent.unsynced.push({ id: ready.persist.id, messages: ready.messagesAfterPersist });
    else if (agent.unsynced.length > 0) {
      const last = agent.unsynced.pop() as Agent["unsynced"][number];
      agent.unsynced.push({ id: last.id, messages: [...last.messages, ...ready.messagesAfterPersist] });
    } else this.#send(agent, ready.messagesAfterPersist, "");
  }

  #send(agent: Agent, messages: readonly Outgoing<RaftMessage>[], indent: string): void {
    for (const { to, message } of messages) {
      this.#lines.push(`${indent}${agent.id}>${to} ${describe(message)}`);
      this.#network.push({ from: agent.id, to, message });
    }
  }

  #print(agent: Agent, ready: RaftReady): void {
    for (const observation of ready.observations) this.#lines.push(`${agent.id} ${describe(observation)}`);
    const { persist } = ready;
    if (persist !== undefined) {
      const state = persist.hardState === undefined ? "" : ` ${fields(persist.hardState)}`;
      const snapshot =
        persist.snapshot === undefined
          ? ""
          : ` snapshot=${shown(persist.snapshot.snapshot)}${persist.snapshot.discardLog ? " instead of the log" : ""}`;
      this.#lines.push(`${agent.id} writes #${persist.id}${state}${snapshot} entries=${entries(persist.entries)}`);
    }
    if (ready.install !== undefined) this.#lines.push(`${agent.id} restores ${shown(ready.install)}`);
    if (ready.committed.length > 0) this.#lines.push(`${agent.id} applies ${entries(ready.committed)}`);
    for (const { readId, index } of ready.reads) this.#lines.push(`${agent.id} reads ${readId} at ${index}`);
    for (const readId of ready.failedReads) this.#lines.push(`${agent.id} cannot read ${readId}`);
    for (const { command, reason } of ready.droppedProposals)
      this.#lines.push(`${agent.id} drops ${text(command)}: ${reason}`);
  }

  #status(): void {
    for (const { id, raft } of this.#agents.values()) {
      const { role, term, leader, commit, lastIndex, durableIndex, followers } = raft.status();
      const known = followers.map((f) => `${f.id}:${f.state}/${f.match}/${f.next}/${f.inflight}`).join(" ");
      this.#lines.push(
        `${id} ${role} term=${term} leader=${leader} commit=${commit} last=${lastIndex} durable=${durableIndex} ${known}`.trim(),
      );
    }
  }
}

function shown({ index, term, data }: Snapshot): string {
  return `${index}/${term}:${text(data)}`;
}

/** @throws Error on a word that names no change. */
function changeOf(verb: string | undefined, whom = ""): MemberChange {
  if (verb === "add") return { add: whom };
  if (verb === "promote") return { promote: whom };
  if (verb === "remove") return { remove: whom };
  if (verb === "to") return { voters: whom.split(","), learners: [] };
  throw new Error(`no such change: ${verb}`);
}

function describe(what: RaftMessage | RaftObservation): string {
  const { type, ...rest } = what;
  return `${type} ${fields(rest)}`;
}

function fields(record: object): string {
  return Object.entries(record)
    .map(([name, value]) => `${name}=${name === "entries" ? entries(value as readonly Entry[]) : plain(value)}`)
    .join(" ");
}

function plain(value: unknown): string {
  if (value instanceof Uint8Array) return text(value);
  if (typeof value === "object" && value !== null && "voters" in value) return members(value as Configuration);
  if (Array.isArray(value)) return `[${value.map((item) => (item instanceof Uint8Array ? text(item) : plain(item)))}]`;
  return String(value);
}

function entries(list: readonly Entry[]): string {
  const content = ({ kind, data }: Entry): string =>
    kind === EntryKind.noop
      ? ""
      : `:${kind === EntryKind.configuration ? members(decodeConfiguration(data)) : text(data)}`;
  return `[${list.map((entry) => `${entry.index}/${entry.term}${content(entry)}`)}]`;
}

/** `voters` or `voters and outgoing`, then `+learners`. */
function members({ voters, outgoing, learners }: Configuration): string {
  const both = outgoing.length === 0 ? voters.join(" ") : `${voters.join(" ")} and ${outgoing.join(" ")}`;
  return `(${both}${learners.length === 0 ? "" : ` + ${learners.join(" ")}`})`;
}
