import {
  type AgentId,
  type Entry,
  EntryKind,
  type MemberChange,
  type Outgoing,
  type Snapshot,
} from "../../../server/core/consensus.ts";
import { Gossip } from "../../../server/core/gossip/gossip.ts";
import { decodeState, operationIn } from "../../../server/core/gossip/journal.ts";
import { decodeChange } from "../../../server/core/gossip/roll.ts";
import type { GossipMessage, GossipObservation, GossipReady, Operation } from "../../../server/core/gossip/types.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { bytes, START_MS, START_STAMP, text } from "./subject.ts";

interface Agent {
  readonly id: AgentId;
  readonly gossip: Gossip;
  applied: string[];
  unsynced: { readonly id: number; readonly messages: readonly Outgoing<GossipMessage>[] }[];
}

/**
 * A cluster that does one command at a time and prints what came of it, for transcripts that people read and compare. Members are shown by name, times by what has passed since the start:
 * an operation is its origin and number, @ its stamp in µs, what it depends on, and its command. The members' hash is left out.
 *
 *     retain 100             bytes that agents which start from now on keep for others
 *     members a b c          starts agents, who tell one peer each of what is new
 *     join d                 starts one more, who has come after them
 *     tell a                 a is told of all that there are
 *     add a d, remove a d    asks a for a change of who counts
 *     time out a             lets the time of a's next deadline come, for a alone
 *     propose a x y          proposes commands at a
 *     compact a              a's state is snapshotted
 *     sync a                 what a has been writing becomes durable
 *     deliver a b            delivers what is under way from a to b, one turn of b for each message
 *     drop a b               loses it instead
 *     settle                 syncs and delivers until nothing is under way
 *     settle without c       the same, with all to and from c lost
 *     status                 one line an agent
 */
export class Transcript {
  readonly #agents = new Map<AgentId, Agent>();
  #now = START_MS;
  #network: { readonly from: AgentId; readonly to: AgentId; readonly message: GossipMessage }[] = [];
  #lines: string[] = [];
  #retainBytes = 1_000_000;
  #founders: readonly AgentId[] = [];
  #later: readonly AgentId[] = [];

  /** @returns what it printed. @throws Error on a command that there is not. */
  run(command: string): string {
    const [verb, ...words] = command.split(" ");
    this.#lines = [];
    if (verb === "members") this.#found(words);
    else if (verb === "join") this.#join(words[0] ?? "");
    else if (verb === "tell") this.#act(words[0], ({ gossip }) => gossip.grow(this.#later, this.#now));
    else if (verb === "add") this.#change(words[0], { add: words[1] ?? "" });
    else if (verb === "remove") this.#change(words[0], { remove: words[1] ?? "" });
    else if (verb === "retain") this.#retainBytes = Number(words[0]);
    else if (verb === "compact") this.#act(words[0], (agent) => this.#compact(agent));
    else if (verb === "time" && words[0] === "out") this.#act(words[1], (agent) => this.#timeOut(agent));
    else if (verb === "propose")
      this.#act(words[0], ({ gossip }) => gossip.propose(words.slice(1).map(bytes), this.#now));
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

  #found(members: readonly AgentId[]): void {
    this.#founders = members;
    for (const id of members) this.#start(id);
  }

  #join(id: AgentId): void {
    this.#later = [...this.#later, id];
    this.#start(id);
  }

  #start(id: AgentId): void {
    const kept = { retainBytes: this.#retainBytes, maxChunkBytes: 64 };
    const config = { id, members: this.#founders, later: this.#later, fanout: 1, antiEntropyMs: 100, ...kept };
    const restored = { hardState: { term: 0, votedFor: "", commit: 0 }, entries: [] };
    this.#agents.set(id, {
      id,
      gossip: new Gossip(config, restored, seededRandom(id), this.#now),
      applied: [],
      unsynced: [],
    });
    this.#lines.push(`${id} starts`);
  }

  #change(id: string | undefined, change: MemberChange): void {
    this.#act(id, ({ gossip }) => {
      const answer = gossip.changeMembers(change, this.#now);
      if (!answer.ok) this.#lines.push(`${id} refuses: ${answer.reason}`);
    });
  }

  #compact({ gossip, applied }: Agent): void {
    gossip.compact({ index: applied.length, data: bytes(applied.join(" ")) }, this.#now);
  }

  #timeOut({ gossip }: Agent): void {
    this.#now = Math.max(this.#now, Math.ceil(gossip.deadline()));
    gossip.tick(this.#now);
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
      agent.gossip.persisted(id, this.#now);
      this.#send(agent, messages);
    }
    this.#turn(agent);
  }

  #deliver(drop: boolean, from: string | undefined, to: string | undefined): void {
    const arriving = this.#network.filter((packet) => packet.from === from && packet.to === to);
    this.#network = this.#network.filter((packet) => !arriving.includes(packet));
    for (const { message } of arriving) {
      if (drop) this.#lines.push(`lost: ${from}>${to} ${this.#describe(message)}`);
      else this.#act(to, ({ gossip }) => gossip.step(from ?? "", message, this.#now));
    }
  }

  #settle(without: readonly AgentId[]): void {
    const cut = (id: AgentId): boolean => without.includes(id);
    for (;;) {
      const writing = [...this.#agents.values()].find(({ id, unsynced }) => !cut(id) && unsynced.length > 0);
      const packet = this.#network.shift();
      if (packet !== undefined) {
        if (!cut(packet.from) && !cut(packet.to))
          this.#act(packet.to, ({ gossip }) => gossip.step(packet.from, packet.message, this.#now));
      } else if (writing !== undefined) this.#sync(writing);
      else return;
    }
  }

  #turn(agent: Agent): void {
    const ready = agent.gossip.take(this.#now);
    if (ready === undefined) return;
    this.#print(agent, ready);
    const last = agent.unsynced.at(-1);
    if (ready.persist !== undefined)
      agent.unsynced.push({ id: ready.persist.id, messages: ready.messagesAfterPersist });
    else if (last !== undefined)
      agent.unsynced.splice(-1, 1, { id: last.id, messages: [...last.messages, ...ready.messagesAfterPersist] });
    else this.#send(agent, ready.messagesAfterPersist);
  }

  #send(agent: Agent, messages: readonly Outgoing<GossipMessage>[]): void {
    for (const { to, message } of messages) {
      this.#lines.push(`${agent.id}>${to} ${this.#describe(message)}`);
      this.#network.push({ from: agent.id, to, message });
    }
  }

  #print(agent: Agent, ready: GossipReady): void {
    for (const observation of ready.observations) this.#lines.push(`${agent.id} ${this.#describe(observation)}`);
    const { persist, install } = ready;
    if (persist !== undefined) {
      const { snapshot } = persist;
      const shown =
        snapshot === undefined
          ? ""
          : ` snapshot=${this.#snapshot(snapshot.snapshot)}${snapshot.discardLog ? " instead of the log" : ""}`;
      const logged = persist.entries.map((entry) => `${entry.index}/${this.#operation(operationIn(entry))}`);
      this.#lines.push(`${agent.id} writes #${persist.id}${shown} entries=[${logged}]`);
    }
    if (install !== undefined) {
      agent.applied = text(install.data).split(" ");
      this.#lines.push(`${agent.id} restores ${install.index}:${text(install.data)}`);
    }
    if (ready.committed.length > 0) {
      const shown = ready.committed.map((entry) => `${entry.index}:${this.#given(entry)}`);
      this.#lines.push(`${agent.id} applies [${shown}]`);
    }
    agent.applied.push(...ready.committed.map((entry) => this.#given(entry)));
    if (ready.checkpoint !== undefined) this.#lines.push(`${agent.id} wants a snapshot of ${ready.checkpoint}`);
    for (const { command, reason } of ready.droppedProposals)
      this.#lines.push(`${agent.id} drops ${text(command)}: ${reason}`);
  }

  #status(): void {
    for (const { id, gossip } of this.#agents.values()) {
      const { role, commit, lastIndex, snapshotIndex, gossip: spread } = gossip.status();
      const { agreement, convergedAtMs, counted, unshared, ...counts } = spread;
      // Most count, and share what they have.
      const alone = `${counted ? "" : " does not count"}${unshared === 0 ? "" : ` unshared=${unshared}`}`;
      const since = convergedAtMs === null ? "never" : `${convergedAtMs - START_MS}ms`;
      this.#lines.push(
        `${id} ${role} commit=${commit} last=${lastIndex} snapshot=${snapshotIndex} ${fields(counts)} converged=${since} agreement=${agreement.toFixed(3)}${alone}`,
      );
    }
  }

  #snapshot({ index, data }: Snapshot): string {
    const { have, dropped, retained, machine } = decodeState(data);
    const kept = retained.map((one) => this.#operation(one));
    return `${index}:${text(machine)} of [${have}] without [${dropped}] keeping [${kept}]`;
  }

  #describe(what: GossipMessage | GossipObservation): string {
    switch (what.type) {
      case "rumour":
        return `rumour [${what.rumours.map(({ operation, hops }) => `${this.#operation(operation)} hops=${hops}`)}]`;
      case "delta":
        return `delta [${what.operations.map((one) => this.#operation(one))}]`;
      case "digest": {
        const { answer, view, have, everywhere, complete } = what;
        return `digest ${view === undefined ? "" : "changed "}${answer ? "answer " : ""}have=[${have}] everywhere=[${everywhere}] complete=[${complete.map((member) => this.#name(member))}]`;
      }
      case "state":
        return `state of ${what.index}, ${what.data.length} bytes from ${what.offset} of ${what.totalBytes}`;
      case "stateReply":
        return `stateReply of ${what.index}, from ${what.offset}`;
      default: {
        const { type, ...rest } = what;
        return `${type} ${fields(rest)}`;
      }
    }
  }

  /** What an entry is about: a command, or who comes or goes. */
  #given({ kind, data }: Pick<Entry, "kind" | "data">): string {
    if (kind !== EntryKind.configuration) return text(data);
    const change = decodeChange(data);
    return `${change.kind} ${this.#name(change.place)}`;
  }

  #operation({ origin, seq, stamp, deps, data, changes }: Operation): string {
    const needs = deps.map((dependency) => ` after ${this.#name(dependency.member)}${dependency.seq}`).join("");
    return `${this.#name(origin)}${seq}@${stamp - START_STAMP}${needs} ${this.#given({ kind: changes ? EntryKind.configuration : EntryKind.command, data })}`;
  }

  #name(member: number): string {
    return [...this.#founders.toSorted(), ...this.#later][member] as string;
  }
}

function fields(record: object): string {
  return Object.entries(record)
    .map(([name, value]) => `${name}=${Array.isArray(value) ? `[${value}]` : String(value)}`)
    .join(" ");
}
