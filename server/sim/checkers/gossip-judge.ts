import { type AgentCommand, readAgentCommand } from "../../agent/command.ts";
import type { ClientReply, LogBatch, RecoveredLog } from "../../agent/world.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import { sameBytes } from "../../core/bytes.ts";
import type { Entry } from "../../core/consensus.ts";
import { decodeState, operationIn } from "../../core/gossip/journal.ts";
import { type Change, decodeChange } from "../../core/gossip/roll.ts";
import type { Vector } from "../../core/gossip/types.ts";
import type { MemoryItem } from "../../core/memory/types.ts";
import { compareText } from "../../core/text.ts";
import type { Broken } from "./broken.ts";
import { CountedMembers } from "./counted-members.ts";
import { EventualRegisters } from "./eventual-register.ts";
import { EventualTypes } from "./eventual-types.ts";
import type { ProtocolJudge } from "./protocol-judge.ts";

/** What an agent holds, once it has applied so many operations. */
export interface HeldState {
  readonly index: number;
  readonly memory: {
    list(namespace: string, prefix: string, limit: number): readonly MemoryItem[];
    snapshot(): Uint8Array;
  };
  readonly proposals: { snapshot(): Uint8Array };
}

/** More than the workload has keys. */
const ITEMS = 1000;

/** One that is on a disk for good. */
interface Known {
  readonly origin: number;
  readonly seq: number;
  readonly stamp: number;
  readonly timeMs: number;
  readonly data: Uint8Array;
  readonly command: AgentCommand | undefined;
  /** Of who counts. */
  readonly change: Change | undefined;
  /** What its origin had before it. */
  readonly past: Vector;
  /** By key: the newest version that its origin had shown to anybody until then. */
  readonly shown: ReadonlyMap<string, number>;
}

/** One agent's journal, as the world sees it. */
interface Journal {
  /** How many operations of each member were given to its disk, and how many are on it. */
  have: number[];
  durable: number[];
  /** Those given to it after the index that was looked at last, in their order. */
  toApply: Known[];
  applied: number;
  /** By all that was given to its disk. */
  members: CountedMembers;
  /** What those up to there come to. */
  registers: EventualRegisters;
  types: EventualTypes;
  /** Its own that are not on its disk yet, as far as it has said. */
  pending: Known[];
  lastStamp: number;
  /** By key: the newest version that it has shown. */
  readonly shown: Map<string, number>;
  /** It says that all have so many, and the turn is not over. */
  convergedAt: number | undefined;
  /** It says that these count, by so many operations, and the turn is not over. */
  said: { readonly voters: readonly string[]; readonly operations: number } | undefined;
}

/**
 * The promises of gossip (Demers et al. 1987; Birman and Joseph 1987), held against what agents give to their disks, what they answer and what they hold.
 *
 * Of each member all are given the same operations, each once, in its order, and after all that it knew when it issued them; nobody passes on what its own disk could forget, and no disk
 * forgets. Only who counts issues any, and all say that those count who do by the changes that they were given; whoever leaves by itself leaves nothing behind that only it had. What an agent answers is on its disk, and shows nothing without what that depends on. Its memory is what the operations that it was given come to, in whatever order; and in
 * the end all have all of them, and hold the same memory and the same proposals.
 */
export class GossipJudge implements ProtocolJudge {
  readonly elections = 0;
  readonly #names: readonly string[];
  readonly #broken: Broken;
  readonly #namespace: string;
  /** In the order of their places: the founders' names sorted, then those who may join. */
  readonly #members: readonly string[];
  readonly #founders: number;
  /** By agent, whether it was forced. */
  readonly #left = new Map<number, boolean>();
  /** By member: so many of its operations, and no more, were on the disk of anybody who stayed when somebody was removed while it was down. */
  readonly #kept = new Map<number, number>();
  readonly #journals: readonly Journal[];
  /** By member, in their order. */
  readonly #known: Known[][];
  readonly #byStamp = new Map<number, Known[]>();
  #count = 0;
  #acknowledged = 0;

  /** @param names all that there may be, the founders first. @param founders how many those are */
  constructor(names: readonly string[], founders: number, namespace: string, broken: Broken) {
    this.#names = names;
    this.#namespace = namespace;
    this.#broken = broken;
    this.#members = [...names.slice(0, founders).toSorted(compareText), ...names.slice(founders)];
    this.#founders = founders;
    this.#known = names.map(() => []);
    this.#journals = names.map(() => ({
      have: names.map(() => 0),
      durable: names.map(() => 0),
      toApply: [],
      applied: 0,
      members: new CountedMembers(founders),
      registers: new EventualRegisters(),
      types: new EventualTypes(),
      pending: [],
      lastStamp: 0,
      shown: new Map(),
      convergedAt: undefined,
      said: undefined,
    }));
  }

  /** Operations that are on a disk. */
  get committed(): number {
    return this.#count;
  }

  /** Puts that a client was told of. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  started(agent: number, _incarnation: number, { snapshot, entries }: RecoveredLog): void {
    const journal = this.#journals[agent] as Journal;
    const { durable, pending } = journal;
    journal.have = snapshot === undefined ? this.#names.map(() => 0) : this.#vectorIn(snapshot.data);
    journal.pending = [];
    this.#restart(journal, journal.have);
    for (const entry of entries) this.#delivers(agent, entry, pending);
    // What the disk gave back is on it, whether it had said so or not.
    this.#keeps(agent, journal.have.slice());
    for (const [member, seq] of durable.entries())
      if ((journal.have[member] as number) < seq)
        this.#says(
          `${this.#names[agent]} starts with ${journal.have[member]} operations of ${this.#members[member]}, and had ${seq} on its disk`,
        );
  }

  crashed(agent: number): void {
    const journal = this.#journals[agent] as Journal;
    journal.convergedAt = undefined;
    journal.said = undefined;
  }

  /** It does not come back. Nothing may be lost of what it issued, unless others removed it while it was down: then what only it had is. */
  left(agent: number, forced: boolean): void {
    this.#left.set(agent, forced);
    const { durable } = this.#journals[agent] as Journal;
    const most = (member: number, disks: (other: number) => boolean): number =>
      Math.max(0, ...this.#journals.flatMap((other, at) => (disks(at) ? [other.durable[member] as number] : [])));
    const own = this.#members.indexOf(this.#names[agent] as string);
    const safe = most(own, (other) => other !== agent && this.#left.get(other) !== false);
    if (!forced && safe < (durable[own] as number))
      this.#says(
        `${this.#names[agent]} leaves, and of its ${durable[own]} operations nobody else has more than ${safe}`,
      );
    for (const [member, known] of this.#known.entries()) {
      // Of one that was removed itself something may be had alone by whoever gets it after it has said that it leaves.
      if (!forced && this.#left.get(this.#names.indexOf(this.#members[member] as string)) !== true) continue;
      const kept = most(member, (other) => !this.#left.has(other));
      if (kept < known.length) this.#kept.set(member, Math.min(kept, this.#kept.get(member) ?? kept));
    }
  }

  /** Something is known to be lost, with those that were removed while they were down. */
  get lost(): boolean {
    return this.#kept.size > 0;
  }

  appended(agent: number, { snapshot, entries }: LogBatch): void {
    const journal = this.#journals[agent] as Journal;
    if (snapshot?.discardLog) this.#installs(agent, this.#vectorIn(snapshot.snapshot.data));
    else if (snapshot !== undefined && !covers(journal.have, this.#vectorIn(snapshot.snapshot.data)))
      this.#says(`${this.#names[agent]} has a snapshot of more than it was given`);
    for (const entry of entries) this.#delivers(agent, entry);
  }

  durable(agent: number, { snapshot, entries }: LogBatch): void {
    const journal = this.#journals[agent] as Journal;
    const durable = journal.durable.slice();
    const reach = (have: Vector): void => {
      for (const [member, seq] of have.entries()) durable[member] = Math.max(durable[member] as number, seq);
    };
    if (snapshot !== undefined) reach(this.#vectorIn(snapshot.snapshot.data));
    for (const entry of entries) {
      const { origin, seq } = operationIn(entry);
      durable[origin] = Math.max(durable[origin] as number, seq);
    }
    this.#keeps(agent, durable);
  }

  observed(agent: number, { kind, fields, state }: TimelineEvent): void {
    const journal = this.#journals[agent] as Journal;
    if (kind === "converged") journal.convergedAt = Number(fields.operations);
    if (kind === "configurationChanged" && state !== undefined)
      journal.said = { voters: fields.voters as readonly string[], operations: state.commit };
  }

  turned(agent: number): void {
    const journal = this.#journals[agent] as Journal;
    const { convergedAt, have, said, members } = journal;
    journal.convergedAt = undefined;
    journal.said = undefined;
    if (said === undefined && convergedAt === undefined) return;
    const counted = members.counted.map((place) => this.#members[place] as string).sort(compareText);
    if (said !== undefined && said.operations === sum(have) && said.voters.join() !== counted.join())
      this.#says(
        `${this.#names[agent]} says that ${said.voters.join(", ")} count, and by what it was given ${counted.join(", ")} do`,
      );
    const waitedFor = new Set(counted);
    if (convergedAt === undefined || convergedAt !== sum(have)) return;
    for (const [other, { durable }] of this.#journals.entries())
      if (other !== agent && waitedFor.has(this.#names[other] as string) && !covers(durable, have))
        this.#says(
          `${this.#names[agent]} says that all have its ${convergedAt} operations; ${this.#names[other]} lacks some`,
        );
  }

  /** Where each has an order of its own, two states after as many operations may differ. */
  snapshot(): void {}

  /** How agents can lie here is to be silent, late or to say things again: what they say is judged all the same. */
  lies(): void {}

  /** At the moment at which an agent answers. */
  replied(agent: number, replies: readonly ClientReply[]): void {
    for (const { result } of replies) {
      if (!result.ok) continue;
      const { value } = result;
      if (value.type === "written") this.#acknowledges(agent, value.version);
      else if (value.type === "item" && value.item !== null) this.#shows(agent, [value.item]);
      else if (value.type === "items") this.#shows(agent, value.items);
    }
  }

  /** What an agent holds now, in the middle of things. */
  holds(agent: number, { index, memory }: HeldState): void {
    const journal = this.#journals[agent] as Journal;
    if (!this.#apply(journal, index)) {
      this.#says(`${this.#names[agent]} has applied ${index} operations, and its disk was given ${journal.applied}`);
      return;
    }
    const items = memory.list(this.#namespace, "", ITEMS);
    const problem =
      journal.registers.differs(
        this.#namespace,
        items.filter(({ type }) => type === undefined),
      ) ??
      journal.types.differs(
        this.#namespace,
        items.filter(({ type }) => type !== undefined),
      );
    if (problem !== undefined)
      this.#says(`${this.#names[agent]} holds ${problem} among the ${index} operations it was given`);
  }

  /** How these agents do not hold the same; undefined: they do. */
  difference(states: readonly (readonly [agent: number, state: HeldState])[]): string | undefined {
    const [first, ...others] = states;
    if (first === undefined) return undefined;
    const [agent, state] = first;
    const two = (other: number): string => `${this.#names[agent]} and ${this.#names[other]}`;
    for (const [other, { index }] of others)
      if (index !== state.index) return `${two(other)} have applied ${state.index} and ${index} operations`;
    const { have } = this.#journals[agent] as Journal;
    for (const [other] of states) {
      const its = (this.#journals[other] as Journal).have;
      if (!covers(have, its) || !covers(its, have)) return `${two(other)} were not given the same operations`;
      if (sum(its) !== state.index) return `${this.#names[other]} has applied ${state.index} of ${sum(its)} operations`;
    }
    const [memory, proposals] = [state.memory.snapshot(), state.proposals.snapshot()];
    for (const [other, its] of others) {
      if (!sameBytes(its.memory.snapshot(), memory)) return `${two(other)} differ in their memory`;
      if (!sameBytes(its.proposals.snapshot(), proposals)) return `${two(other)} differ in their proposals`;
    }
    return undefined;
  }

  /** All is quiet, and they hold the same: they must have all that is on any disk, and so all that was ever acknowledged. */
  end(agents: readonly number[]): void {
    for (const agent of agents)
      for (const [member, known] of this.#known.entries()) {
        const { have } = this.#journals[agent] as Journal;
        if ((have[member] as number) < Math.min(known.length, this.#kept.get(member) ?? known.length))
          this.#says(
            `when all is quiet ${this.#names[agent]} has ${have[member]} of the ${known.length} operations of ${this.#members[member]}`,
          );
      }
  }

  /** What a snapshot stands for: of members that its agent did not know of nothing. */
  #vectorIn(state: Uint8Array): number[] {
    const have = decodeState(state).have;
    return this.#names.map((_, member) => have[member] ?? 0);
  }

  #says(detail: string): void {
    this.#broken("convergence", detail);
  }

  /** @param lost its own, of which it is not known whether they came to its disk in its life before */
  #delivers(agent: number, entry: Entry, lost: readonly Known[] = []): void {
    const journal = this.#journals[agent] as Journal;
    const { origin, seq, stamp, data, changes } = operationIn(entry);
    const [name, member] = [this.#names[agent], this.#members[origin]];
    const before = journal.have[origin] as number;
    if (seq !== before + 1) this.#says(`${name} is given operation ${seq} of ${member} after ${before}`);
    let known = this.#known[origin]?.[seq - 1];
    if (known === undefined && member === name) {
      const [past, shown] = [journal.have.slice(), new Map(journal.shown)];
      const change = changes && decodeChange(data);
      const command = changes ? undefined : readAgentCommand(data);
      known =
        lost.find((one) => one.seq === seq && one.stamp === stamp) ??
        ({ origin, seq, stamp, timeMs: entry.timeMs, data, command, change, past, shown } as const);
      if (!journal.members.counted.includes(origin)) this.#says(`${name} issues operation ${seq}, and does not count`);
      if (stamp <= journal.lastStamp)
        this.#says(`${name}'s operation ${seq} is of ${stamp}, and it knew one of ${journal.lastStamp}`);
      journal.pending.push(known);
    }
    if (known === undefined) {
      this.#says(`${name} is given operation ${seq} of ${member}, which ${member} has not on its disk`);
      return;
    }
    if (known.stamp !== stamp || !sameBytes(known.data, data))
      this.#says(`operation ${seq} of ${member} is another to ${name} than it was`);
    if (!covers(journal.have, known.past))
      this.#says(`${name} is given operation ${seq} of ${member} without all that ${member} knew before it`);
    journal.have[origin] = Math.max(before, seq);
    journal.lastStamp = Math.max(journal.lastStamp, stamp);
    if (known.change !== undefined) journal.members.apply(known.change, stamp);
    journal.toApply.push(known);
  }

  #installs(agent: number, have: Vector): void {
    const journal = this.#journals[agent] as Journal;
    const name = this.#names[agent];
    if (!covers(have, journal.have)) this.#says(`${name} takes a state for its own that lacks what it has`);
    for (const [member, seq] of have.entries()) {
      const last = seq === 0 ? undefined : this.#known[member]?.[seq - 1];
      if (seq > 0 && last === undefined)
        this.#says(`${name} takes a state with ${seq} operations of ${this.#members[member]}, which are on no disk`);
      else if (last !== undefined && !covers(have, last.past))
        this.#says(`${name} takes a state without all that ${this.#members[member]} knew`);
    }
    journal.have = have.slice();
    this.#restart(journal, have);
  }

  /** So many of each member are on its disk. */
  #keeps(agent: number, durable: number[]): void {
    const journal = this.#journals[agent] as Journal;
    journal.durable = journal.durable.map((seq, member) => Math.max(seq, durable[member] as number));
    const own = durable[this.#members.indexOf(this.#names[agent] as string)] as number;
    for (let first = journal.pending[0]; first !== undefined && first.seq <= own; first = journal.pending[0]) {
      journal.pending.shift();
      this.#known[first.origin]?.push(first);
      this.#byStamp.set(first.stamp, [...(this.#byStamp.get(first.stamp) ?? []), first]);
      this.#count++;
    }
  }

  /** The journal begins with a state that stands for these. */
  #restart(journal: Journal, have: Vector): void {
    journal.toApply = [];
    journal.applied = sum(have);
    journal.members = new CountedMembers(this.#founders);
    journal.registers = new EventualRegisters();
    journal.types = new EventualTypes();
    journal.lastStamp = 0;
    for (const [member, seq] of have.entries())
      for (const known of this.#known[member]?.slice(0, seq) ?? []) {
        give(journal, known);
        if (known.change !== undefined) journal.members.apply(known.change, known.stamp);
        journal.lastStamp = Math.max(journal.lastStamp, known.stamp);
      }
  }

  /** @returns whether it could be followed up to there. */
  #apply(journal: Journal, index: number): boolean {
    while (journal.applied < index) {
      const next = journal.toApply.shift();
      if (next === undefined) return false;
      give(journal, next);
      journal.applied++;
    }
    return journal.applied === index;
  }

  #acknowledges(agent: number, version: number): void {
    this.#acknowledged++;
    const { durable } = this.#journals[agent] as Journal;
    const kept = this.#byStamp.get(version)?.some(({ origin, seq }) => seq <= (durable[origin] as number));
    if (!kept) this.#says(`${this.#names[agent]} acknowledges version ${version}, which is not on its disk`);
  }

  #shows(agent: number, all: readonly MemoryItem[]): void {
    // Of a set the version falls when what was added last is removed; those have no order that could be shown wrongly.
    const items = all.filter(({ type }) => type === undefined);
    const { shown } = this.#journals[agent] as Journal;
    const name = this.#names[agent];
    for (const { key, version } of items) {
      const before = shown.get(key) ?? 0;
      if (version < before) this.#says(`${name} shows ${key} of version ${version}, and has shown ${before}`);
      shown.set(key, Math.max(before, version));
    }
    if (items.length < 2) return;
    for (const { key, value, version } of items)
      for (const writer of (this.#byStamp.get(version) ?? []).filter((one) => wrote(one, key, value)))
        for (const [other, needed] of writer.shown) {
          const item = items.find((one) => one.key === other);
          if (item !== undefined && item.version < needed)
            this.#says(
              `${name} shows ${key} of version ${version}, whose writer had seen ${other} of version ${needed}, and ${other} of version ${item.version}`,
            );
        }
  }
}

/** Two that know nothing of each other may have the same stamp. */
function wrote({ command }: Known, key: string, value: Uint8Array): boolean {
  if (command?.type !== "session" || command.command.on !== "memory") return false;
  const { memory } = command.command;
  return memory.type === "put" && memory.key === key && sameBytes(memory.value, value);
}

function give({ registers, types }: Journal, { command, stamp, timeMs }: Known): void {
  registers.passed(timeMs);
  if (command?.type !== "session" || command.command.on !== "memory") return;
  registers.write(command.command.memory, stamp, timeMs);
  types.write(command.command.memory, command);
}

function covers(vector: Vector, other: Vector): boolean {
  return other.every((seq, member) => seq <= (vector[member] as number));
}

function sum(vector: Vector): number {
  return vector.reduce((total, seq) => total + seq, 0);
}
