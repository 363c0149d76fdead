import type { TimelineEvent } from "../../contract/timeline.ts";
import { MalformedBytes } from "../../core/bytes.ts";
import type { ConsensusStatus } from "../../core/consensus.ts";
import { Agent } from "../agent.ts";
import type { Machine } from "../machine.ts";
import type { CoreReport } from "../types.ts";
import type { Digest, DigestName } from "./digests.ts";
import { heldBytes, stateHash, statusHash } from "./fingerprint.ts";
import type { LifeBase, RecordingHeader } from "./header.ts";
import { NullWorld } from "./null-world.ts";
import { RecordedCrypto } from "./recorded-crypto.ts";
import type { CheckRecord, RecordingRecord } from "./records.ts";
import type { RecordedSegment } from "./segment.ts";
import { StateReplay } from "./state-replay.ts";

/** A recording and this program disagree about what its inputs lead to. */
export class ReplayDiverged extends Error {
  override readonly name = "ReplayDiverged";
}

export interface ReplayOptions {
  /** The moment asked for, ms since the epoch by the agent's clock: inputs up to and including it. Absent: all. */
  readonly untilMs?: number;
  /** Every event of the agent, recomputed, in order. There are none where the beginning of a life is missing. */
  readonly onEvent?: (event: TimelineEvent) => void;
  /** By name, those that recorded agents made their digests with. */
  readonly digests?: Readonly<Partial<Record<DigestName, Digest>>>;
}

/** What an agent was at a moment. */
export interface Replayed {
  readonly header: RecordingHeader;
  /** The time of the last input taken, ms since the epoch. */
  readonly atMs: number;
  readonly raft: ConsensusStatus;
  readonly machine: Machine;
  /** Of a memory beside the consensus; undefined: there is none. */
  readonly memory: Machine | undefined;
  /** `stateHash` of the machine's snapshot. */
  readonly stateHash: string;
  /** Null where the beginning of the life is missing: what only the inputs tell is then unknown. */
  readonly report: CoreReport | null;
  readonly inputs: number;
  /** How often what was recomputed was compared with what the agent had recorded of itself; every time it was the same. */
  readonly checks: number;
  /** The error that ended the agent; "" when none did. */
  readonly failure: string;
}

export type ReplayableSegment = Pick<RecordedSegment, "header" | "records">;

/** What is no input: it tells what came of some. */
const EFFECTS: ReadonlySet<RecordingRecord["type"]> = new Set(["appended", "remembered", "stood", "answers"]);

/** How one life is recomputed. */
export interface LifeReplay {
  readonly machine: Machine;
  readonly memory: Machine | undefined;
  readonly raft: ConsensusStatus;
  /** What left the agent since it began; undefined when that cannot be told. */
  readonly outputs: string | undefined;
  take(record: RecordingRecord): void;
  report(now: number): CoreReport | null;
}

/**
 * Recomputes one life of an agent: its inputs, in order, into the agent as it is, in a world that answers nothing.
 * @param segments of that life, consecutive; the first decides how much can be told.
 * @throws ReplayDiverged when a recorded hash is not met; RecordingDamaged
 */
export function replayLife(segments: readonly ReplayableSegment[], options: ReplayOptions = {}): Replayed {
  const { untilMs = Number.POSITIVE_INFINITY } = options;
  const { header } = segments[0] as ReplayableSegment;
  const { base } = header;
  const life = base.type === "life" ? new InputReplay(header, base, options) : new StateReplay(header.config, base);
  let [atMs, inputs, checks, failure] = [header.now, 0, 0, ""];
  for (const record of recordsOf(segments)) {
    if ("now" in record) {
      if (record.now > untilMs) break;
      atMs = record.now;
    }
    if (record.type === "check") {
      compare(life, header, record);
      checks++;
      continue;
    }
    if (!EFFECTS.has(record.type)) inputs++;
    try {
      life.take(record);
    } catch (error) {
      if (error instanceof ReplayDiverged) throw error;
      failure = (error as Error).message;
      break;
    }
  }
  const { machine, memory, raft } = life;
  return {
    header,
    atMs,
    raft,
    machine,
    memory,
    stateHash: stateHash(machine.snapshot()),
    report: life.report(atMs),
    inputs,
    checks,
    failure,
  };
}

/** @throws ReplayDiverged when one is missing */
function* recordsOf(segments: readonly ReplayableSegment[]): IterableIterator<RecordingRecord> {
  let last: RecordingHeader | undefined;
  for (const segment of segments) {
    const { config, segment: number } = segment.header;
    if (last !== undefined && number !== last.segment + 1)
      throw new ReplayDiverged(
        `The recording of ${config.id}.${config.incarnation} has no segment ${last.segment + 1}, though it has segment ${number}.`,
      );
    last = segment.header;
    yield* segment.records();
  }
}

function hashOf(life: LifeReplay): string {
  return stateHash(heldBytes(life));
}

function compare(life: LifeReplay, { config }: RecordingHeader, check: CheckRecord): void {
  const found: [string, string | number | undefined, string | number][] = [
    ["last applied entry", life.machine.index, check.applied],
    ["replicated state", check.machine === "" ? undefined : hashOf(life), check.machine],
    ["status of Raft", statusHash(life.raft), check.raft],
    ["output", life.outputs, check.outputs],
  ];
  for (const [what, here, recorded] of found)
    if (here !== undefined && here !== recorded)
      throw diverged(config, check.now, `its ${what} is ${here}, and was ${recorded} when it was recorded`);
}

function diverged({ id, incarnation }: RecordingHeader["config"], atMs: number, how: string): ReplayDiverged {
  return new ReplayDiverged(
    `The replay of ${id}.${incarnation} diverges: at ${atMs} ms since the epoch ${how}. Replay it with the version of Agent Mesh that recorded it.`,
  );
}

/** From the agent's start on: into a real agent. */
class InputReplay implements LifeReplay {
  readonly #world: NullWorld;
  readonly #agent: Agent;
  readonly #config: RecordingHeader["config"];
  #atMs: number;

  constructor(
    { config, now, digest }: RecordingHeader,
    { recovered, answers = [] }: LifeBase,
    { onEvent, digests }: ReplayOptions,
  ) {
    this.#config = config;
    this.#atMs = now;
    if (digest !== undefined && digests?.[digest] === undefined)
      throw new RangeError(`a replay of digests made with ${digest} is to be given that function`);
    const crypto = new RecordedCrypto(digest && digests?.[digest]);
    crypto.answers(answers);
    this.#world = new NullWorld(crypto, onEvent);
    this.#agent = this.#asRecorded(() => new Agent(config, this.#world, recovered, now));
  }

  get machine(): Machine {
    return this.#agent.machine;
  }

  get memory(): Machine | undefined {
    return this.#agent.memory;
  }

  get raft(): ConsensusStatus {
    return this.#agent.consensusStatus;
  }

  get outputs(): string {
    return this.#world.fingerprint.hex;
  }

  report(now: number): CoreReport {
    return this.#agent.report(now);
  }

  take(record: RecordingRecord): void {
    if ("now" in record) this.#atMs = record.now;
    if (record.type === "answers") this.#world.crypto.answers(record.answers);
    else if (record.type !== "appended" && record.type !== "stood" && record.type !== "remembered")
      this.#asRecorded(() => this.#input(record));
  }

  /** @throws ReplayDiverged when it asks its world for something else than it did when it was recorded, whatever came of that */
  #asRecorded<Result>(take: () => Result): Result {
    const { crypto } = this.#world;
    const check = (): void => {
      const problem = crypto.problem();
      if (problem !== "") throw diverged(this.#config, this.#atMs, problem);
      crypto.answers([]);
    };
    let result: Result;
    try {
      result = take();
    } catch (error) {
      check();
      throw error;
    }
    check();
    return result;
  }

  #input(record: RecordingRecord): void {
    const agent = this.#agent;
    switch (record.type) {
      case "start":
      case "alarm":
      case "turn":
      case "leave":
      case "report":
        agent[record.type](record.now);
        break;
      case "linkUp":
      case "linkDown":
        agent[record.type](record.peer, record.now);
        break;
      case "receive":
        this.#receive(record.peer, record.frame, record.now);
        break;
      case "requests":
        agent.clientRequests(record.connection, record.requests, record.now);
        break;
      case "clientGone":
        agent.clientGone(record.connection);
        break;
      case "taskEnded":
        agent.taskEnded(record.end, record.now);
        break;
      case "judged":
        agent.judged(record.judgement, record.now);
        break;
      case "measured":
        agent.measured(record.measurement, record.now);
        break;
      case "rosterChanged":
        agent.rosterChanged(record.roster, record.links, record.now);
        break;
      case "durable":
        this.#world.durable(record.place);
        break;
    }
  }

  /** A frame that is none closes its link; the agent goes on. */
  #receive(peer: string, frame: Uint8Array, now: number): void {
    try {
      this.#agent.receive(peer, frame, now);
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
    }
  }
}
