import type { ClientRequest } from "../../contract/client.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import type { AgentId, ConsensusStatus, Entry, Snapshot } from "../../core/consensus.ts";
import type { Link } from "../../core/overlay/types.ts";
import { Agent } from "../agent.ts";
import { kindOf } from "../consensus/kind.ts";
import type { Machine } from "../machine.ts";
import type { AgentConfig, AgentInputs, CoreReport } from "../types.ts";
import type {
  ClientReply,
  DurableLog,
  Judgement,
  LogBatch,
  Measurement,
  Network,
  RecoveredLog,
  TaskEnd,
  World,
} from "../world.ts";
import type { Answer } from "./answers.ts";
import { sealBlock, signature } from "./blocks.ts";
import type { DigestName } from "./digests.ts";
import { Fingerprint, heldBytes, stateHash, statusHash } from "./fingerprint.ts";
import { encodeHeader, type RecordingHeader } from "./header.ts";
import { heard } from "./recorded-crypto.ts";
import { type InputRecord, type RecordingRecord, RecordWriter } from "./records.ts";
import { changedFields } from "./standing.ts";
import { LogTail } from "./tail.ts";
import { withoutUncounted } from "./uncounted-votes.ts";

/** Where a recording goes. Nothing here waits: whoever writes it does so later. */
export interface RecordingSink {
  /** Begins a segment with its first bytes. */
  begin(segment: number, bytes: Uint8Array): void;
  /** Memory for the next `append`, of exactly so many bytes, so that what was written before can be used again; absent: every block has its own. */
  roomFor?(bytes: number): Uint8Array;
  /** More of the segment that was begun last: whole blocks. */
  append(bytes: Uint8Array): void;
  /** Asked after a turn: whether the next segment is to begin; "soon": as soon as that costs little. */
  readonly full: "no" | "soon" | "now";
  /** Asked before a segment begins: whether the one before has lost some of its end. */
  readonly gap: boolean;
  /** False once nothing more is wanted; then nothing more is recorded. */
  readonly open: boolean;
}

/** An agent with what a recording of it compares. */
export interface RecordableAgent extends AgentInputs {
  readonly machine: Machine;
  /** Of a memory beside the consensus. */
  readonly memory?: Machine | undefined;
  readonly consensusStatus: ConsensusStatus;
  snapshot(): Uint8Array;
}

export interface RecordingOptions {
  /** A block is complete at this size, or when `flush` is called. */
  readonly blockBytes?: number;
  /** Which digest function the agent's world has. Needed where the consensus signs, or an agent votes. */
  readonly digest?: DigestName;
  /** Another agent than the real one, for tests. */
  readonly create?: (config: AgentConfig, world: World, recovered: RecoveredLog, now: number) => RecordableAgent;
}

const BLOCK_BYTES = 64 * 1024;
/** Hashes are recorded this often, ms; that of a large state less often: it takes a share of the time that does not grow with the state. */
const CHECK_EVERY_MS = 1_000;
const HASHED_BYTES_PER_MS = 100;
/** A larger one would hold up a turn for too long. Snapshots for the log, which are part of the output, compare it then. */
const MAX_HASHED_BYTES = 8 * 1024 * 1024;

/**
 * An agent whose every input is recorded, with the log's word that something is durable, and what its cryptography answered. What it does is not changed by it: it passes
 * everything on as it came, and reads no clock.
 *
 * An input is recorded when the agent has taken it, behind the answers that it got meanwhile and before what came of it: so a recording that ends anywhere never
 * ends with an input whose answers are missing.
 */
export class RecordingAgent implements RecordableAgent {
  readonly #agent: RecordableAgent;
  readonly #sink: RecordingSink;
  readonly #config: AgentConfig;
  readonly #digest: { readonly digest?: DigestName };
  /** Its log tells nobody else anything: its entries are recorded as they are applied. */
  readonly #journals: boolean;
  readonly #blockBytes: number;
  readonly #writer = new RecordWriter();
  readonly #fingerprint = new Fingerprint();
  #tail: LogTail;
  /** What came of the input that the agent is taking; undefined between two. */
  #effects: RecordingRecord[] | undefined;
  #answers: Answer[] = [];
  /** Appends that are not durable yet, by number, oldest first. */
  readonly #appending: number[] = [];
  #appends = 0;
  #segment = 0;
  /** Raft's status as it was recorded last; undefined in the first segment, where the inputs tell it. */
  #stood: ConsensusStatus | undefined;
  #stoodApplied = 0;
  #nextCheckMs = Number.NEGATIVE_INFINITY;
  #machineHash = { indices: "", hash: "" };
  #nextHashMs = Number.NEGATIVE_INFINITY;
  /** One that the agent made for its log in this turn: the next segment can begin with it for nothing. */
  #snapshot: { readonly index: number; readonly data: Uint8Array } | undefined;
  /** One that is being made for the next segment, a step a turn. */
  #taking: { readonly index: number; readonly steps: Generator<void, Uint8Array> } | undefined;
  /** Of the latest snapshot. */
  #stateBytes: number;

  constructor(
    config: AgentConfig,
    world: World,
    recovered: RecoveredLog,
    now: number,
    sink: RecordingSink,
    { blockBytes = BLOCK_BYTES, digest, create = (...given) => new Agent(...given) }: RecordingOptions = {},
  ) {
    this.#journals = kindOf(config).journals;
    if (this.#journals && digest === undefined)
      throw new RangeError("a recording of an agent that signs names its digest function");
    this.#digest = digest === undefined ? {} : { digest };
    this.#config = config;
    this.#sink = sink;
    this.#blockBytes = blockBytes;
    this.#tail = new LogTail(this.#journals ? { entries: [] } : recovered);
    this.#stateBytes = recovered.snapshot?.data.length ?? 0;
    this.#effects = [];
    try {
      this.#agent = create(config, this.#watched(world), recovered, now);
    } finally {
      this.#effects = undefined;
      const answers = this.#takeAnswers();
      const base = { type: "life", recovered, ...(answers.length > 0 && { answers }) } as const;
      this.#begin({ config, segment: 0, now, ...this.#digest, base });
    }
  }

  get machine(): Machine {
    return this.#agent.machine;
  }

  get memory(): Machine | undefined {
    return this.#agent.memory;
  }

  get consensusStatus(): ConsensusStatus {
    return this.#agent.consensusStatus;
  }

  snapshot(): Uint8Array {
    return this.#agent.snapshot();
  }

  // --- inputs ---

  start(now: number): void {
    this.#input({ type: "start", now }, () => this.#agent.start(now));
  }

  linkUp(peer: AgentId, now: number): void {
    this.#input({ type: "linkUp", peer, now }, () => this.#agent.linkUp(peer, now));
  }

  linkDown(peer: AgentId, now: number): void {
    this.#input({ type: "linkDown", peer, now }, () => this.#agent.linkDown(peer, now));
  }

  receive(peer: AgentId, frame: Uint8Array, now: number): void {
    this.#input({ type: "receive", peer, frame, now }, () => this.#agent.receive(peer, frame, now));
  }

  rosterChanged(roster: readonly AgentId[], links: readonly Link[], now: number): void {
    this.#input({ type: "rosterChanged", roster, links, now }, () => this.#agent.rosterChanged(roster, links, now));
  }

  alarm(now: number): void {
    this.#input({ type: "alarm", now }, () => this.#agent.alarm(now));
  }

  clientRequests(connection: number, requests: readonly ClientRequest[], now: number): void {
    this.#input({ type: "requests", connection, requests, now }, () =>
      this.#agent.clientRequests(connection, requests, now),
    );
  }

  clientGone(connection: number): void {
    this.#input({ type: "clientGone", connection }, () => this.#agent.clientGone(connection));
  }

  taskEnded(end: TaskEnd, now: number): void {
    this.#input({ type: "taskEnded", end, now }, () => this.#agent.taskEnded(end, now));
  }

  judged(judgement: Judgement, now: number): void {
    this.#input({ type: "judged", judgement, now }, () => this.#agent.judged(judgement, now));
  }

  measured(measurement: Measurement, now: number): void {
    this.#input({ type: "measured", measurement, now }, () => this.#agent.measured(measurement, now));
  }

  leave(now: number): void {
    this.#input({ type: "leave", now }, () => this.#agent.leave(now));
  }

  report(now: number): CoreReport {
    return this.#input({ type: "report", now }, () => this.#agent.report(now));
  }

  turn(now: number): void {
    this.#input({ type: "turn", now }, () => this.#agent.turn(now));
    if (!this.#sink.open) return;
    if (now >= this.#nextCheckMs) this.check(now);
    else if (this.#stood !== undefined) this.#recordStanding("withoutFollowers");
    const { full } = this.#sink;
    // One that journals makes none for its log that would do.
    if (full === "now" || (full === "soon" && this.#journals)) this.#takeSnapshot();
    if (full !== "no" && this.#snapshot !== undefined) this.#nextSegment(this.#snapshot, now);
    this.#snapshot = undefined;
  }

  // --- the recording ---

  /** Records what a replay is to be compared with. Only between turns and inputs. */
  check(now: number): void {
    if (!this.#sink.open) return;
    if (this.#stood !== undefined) this.#recordStanding("all");
    const { machine } = this.#agent;
    this.#nextCheckMs = now + CHECK_EVERY_MS;
    this.#record({
      type: "check",
      now,
      applied: machine.index,
      machine: this.#hashOfMachine(now),
      raft: statusHash(this.#agent.consensusStatus),
      outputs: this.#fingerprint.hex,
    });
  }

  /** Hands all that was recorded to the sink. */
  flush(): void {
    const sink = this.#sink;
    if (this.#writer.length === 0 || !sink.open) return;
    const roomFor = (bytes: number): Uint8Array => sink.roomFor?.(bytes) ?? new Uint8Array(bytes);
    sink.append(this.#writer.take(roomFor));
  }

  #input<Result>(record: InputRecord, give: () => Result): Result {
    if (!this.#sink.open) return give();
    if (this.#effects !== undefined) {
      // While another one is taken: a log that is durable at once.
      this.#record(record);
      return give();
    }
    this.#effects = [];
    try {
      return give();
    } finally {
      const effects = this.#effects;
      this.#effects = undefined;
      const answers = this.#takeAnswers();
      if (answers.length > 0) this.#record({ type: "answers", answers });
      this.#record(record);
      for (const effect of effects) this.#record(effect);
    }
  }

  #takeAnswers(): readonly Answer[] {
    const answers = this.#answers;
    if (answers.length > 0) this.#answers = [];
    return answers;
  }

  #record(record: RecordingRecord): void {
    if (this.#effects !== undefined) {
      this.#effects.push(record);
      return;
    }
    this.#writer.write(record);
    if (this.#writer.length >= this.#blockBytes) this.flush();
  }

  #begin(header: RecordingHeader): void {
    const block = sealBlock(encodeHeader(header));
    const mark = signature();
    const bytes = new Uint8Array(mark.length + block.length);
    bytes.set(mark);
    bytes.set(block, mark.length);
    this.#sink.begin(header.segment, bytes);
  }

  /** For a segment that cannot wait until the agent makes one. */
  #takeSnapshot(): void {
    if (this.#snapshot !== undefined) return;
    const { machine } = this.#agent;
    this.#taking ??= { index: machine.index, steps: machine.snapshotInSteps() };
    const { done, value } = this.#taking.steps.next();
    if (done) this.#snapshot = { index: this.#taking.index, data: value };
  }

  #nextSegment({ index, data }: { readonly index: number; readonly data: Uint8Array }, now: number): void {
    this.#taking = undefined;
    this.#stateBytes = data.length;
    this.#tail.drop(index);
    // Who replays from the segment before goes on into this one.
    if (this.#stood !== undefined) this.#recordStanding("all");
    this.flush();
    const agent = this.#agent;
    const raft = agent.consensusStatus;
    const applied = agent.machine.index;
    // A number that is left out tells that this segment does not go on where the one before ends.
    this.#segment += this.#sink.gap ? 2 : 1;
    const memory = agent.memory && { memory: agent.memory.snapshot() };
    const base = { type: "state", machine: data, applied, raft, tail: this.#tail.after(index), ...memory } as const;
    this.#writer.nextSegment();
    this.#begin({ config: this.#config, segment: this.#segment, now, ...this.#digest, base });
    if (this.#journals) this.#tail = new LogTail({ entries: [] });
    this.#stood = raft;
    this.#stoodApplied = applied;
    this.check(now);
  }

  #hashOfMachine(now: number): string {
    const { machine, memory } = this.#agent;
    const indices = `${machine.index} ${memory?.index}`;
    if (indices === this.#machineHash.indices) return this.#machineHash.hash;
    if (now < this.#nextHashMs || this.#stateBytes > MAX_HASHED_BYTES) return "";
    const snapshot = heldBytes(this.#agent);
    this.#stateBytes = snapshot.length;
    this.#nextHashMs = now + snapshot.length / HASHED_BYTES_PER_MS;
    this.#machineHash = { indices, hash: stateHash(snapshot) };
    return this.#machineHash.hash;
  }

  /** @param what what a leader knows of each follower changes all the time: it is told with every check, the rest at once. */
  #recordStanding(what: "withoutFollowers" | "all"): void {
    const applied = this.#agent.machine.index;
    const status = this.#agent.consensusStatus;
    const raft = changedFields(this.#stood, status, what);
    if (raft === undefined && applied === this.#stoodApplied) return;
    this.#record({ type: "stood", applied, raft: raft ?? {} });
    if (what === "all") this.#stood = status;
    else Object.assign(this.#stood as ConsensusStatus, raft);
    this.#stoodApplied = applied;
  }

  // --- the world, watched ---

  #watched(world: World): World {
    const fingerprint = this.#fingerprint;
    const network: Network = {
      send: (to, frame) => {
        fingerprint.sent(to, frame);
        world.network.send(to, frame);
      },
    };
    const log: DurableLog = {
      append: (batch, durable) => {
        if (!this.#journals) this.#logged(batch);
        this.#append(world.log, batch, durable);
      },
    };
    const { memoryLog } = world;
    const beside = memoryLog && {
      memoryLog: { append: (batch: LogBatch, durable: () => void) => this.#append(memoryLog, batch, durable) },
    };
    const watched: World = {
      network,
      ...(world.dialler && { dialler: world.dialler }),
      log,
      ...beside,
      executor: world.executor,
      judge: world.judge,
      crypto: heard(world.crypto, (answer) => this.#effects !== undefined && this.#answers.push(answer)),
      requestTurn: () => world.requestTurn(),
      setAlarm: (atMs) => world.setAlarm(atMs),
      measure: () => world.measure(),
      observe: (event: TimelineEvent) => world.observe(event),
      applied: (entries) => {
        this.#applied(entries);
        world.applied?.(entries);
      },
      restored: (snapshot) => {
        this.#restored(snapshot);
        world.restored?.(snapshot);
      },
      remembered: (batch) => {
        if (this.#stood !== undefined && this.#sink.open) this.#record({ type: "remembered", batch });
        world.remembered?.(batch);
      },
      taskOutput: (taskId, token, stream, text) => world.taskOutput(taskId, token, stream, text),
      reply: (replies: readonly ClientReply[]) => world.reply(replies),
    };
    return world.observing === undefined
      ? watched
      : { ...watched, observing: (sort) => world.observing?.(sort) ?? true };
  }

  #append(log: DurableLog, batch: LogBatch, durable: () => void): void {
    this.#fingerprint.appended(batch);
    const append = this.#appends++;
    this.#appending.push(append);
    log.append(batch, () => {
      const place = this.#appending.indexOf(append);
      this.#appending.splice(place, 1);
      this.#input({ type: "durable", place }, durable);
    });
  }

  #logged(batch: LogBatch): void {
    this.#tail.appended(batch);
    if (batch.snapshot !== undefined) {
      this.#snapshot = batch.snapshot.snapshot;
      // Entries that one begun before would need are dropped here.
      this.#taking = undefined;
      this.#stateBytes = this.#snapshot.data.length;
      this.#tail.drop(this.#snapshot.index);
    }
    if (this.#stood !== undefined && this.#sink.open)
      this.#record({ type: "appended", batch: withoutKnown(batch, this.#stoodApplied) });
  }

  #applied(applied: readonly Entry[]): void {
    if (!this.#journals) return;
    const entries = withoutUncounted(applied, this.#agent.machine.proposals);
    if (this.#taking !== undefined) this.#tail.appended({ entries });
    if (this.#stood !== undefined && this.#sink.open) this.#record({ type: "appended", batch: { entries } });
  }

  /** What came before is not needed any more, not for the next segment either. */
  #restored(snapshot: Snapshot): void {
    if (!this.#journals) return;
    this.#taking = undefined;
    this.#tail = new LogTail({ entries: [] });
    const batch: LogBatch = { snapshot: { snapshot, discardLog: true }, entries: [] };
    if (this.#stood !== undefined && this.#sink.open) this.#record({ type: "appended", batch });
  }
}

/** A snapshot of what was applied here says nothing new. */
function withoutKnown(batch: LogBatch, applied: number): LogBatch {
  const { snapshot, ...rest } = batch;
  return snapshot === undefined || snapshot.snapshot.index > applied ? batch : rest;
}
