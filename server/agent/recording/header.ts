import { ByteReader, ByteWriter, MalformedBytes } from "../../core/bytes.ts";
import type { ConsensusStatus, Entry } from "../../core/consensus.ts";
import type { AgentConfig } from "../types.ts";
import type { RecoveredLog } from "../world.ts";
import type { Answer } from "./answers.ts";
import { DIGEST_NAMES, type DigestName } from "./digests.ts";
import { asFields, NamesIn, NamesOut, readValue, writeValue } from "./values.ts";

/** What a segment begins with: all that is needed to understand it without those before it. */
export interface RecordingHeader {
  readonly config: AgentConfig;
  /** Counts from 0 in each life of the agent. */
  readonly segment: number;
  /** The agent's time when the segment began, ms since the epoch. */
  readonly now: number;
  /** Of an agent that signs: which function its digests are made with. */
  readonly digest?: DigestName;
  readonly base: LifeBase | StateBase;
}

/** The agent began: its inputs give all that it ever was. */
export interface LifeBase {
  readonly type: "life";
  readonly recovered: RecoveredLog;
  /** What its cryptography answered before its first input. Absent: it was asked nothing. */
  readonly answers?: readonly Answer[];
}

/** The agent was running. Its replicated state and Raft's can be told from here on without the segments before; the rest needs them. */
export interface StateBase {
  readonly type: "state";
  /** `Machine.snapshot()`, of this moment or a little before it. */
  readonly machine: Uint8Array;
  /** The last entry applied at this moment. */
  readonly applied: number;
  readonly raft: ConsensusStatus;
  /** Entries after those in `machine`: of the log, or where that is a journal those that have been applied since. */
  readonly tail: readonly Entry[];
  /** The same of the machine of a memory beside the consensus, at this moment. Absent: there is none. */
  readonly memory?: Uint8Array;
}

export function encodeHeader(header: RecordingHeader): Uint8Array {
  const writer = new ByteWriter(4096);
  writeValue(writer, new NamesOut(), header);
  return writer.view();
}

/** @throws MalformedBytes */
export function decodeHeader(content: Uint8Array): RecordingHeader {
  const reader = new ByteReader(content);
  const header = asFields(readValue(reader, new NamesIn()), "the header", ["config", "segment", "now", "base"]);
  reader.end();
  const config = asFields(header.config, "the configuration", ["swarm", "links", "timing", "slots", "taskLeaseMs"]);
  if (typeof config.id !== "string" || typeof config.seed !== "string" || !Array.isArray(config.roster))
    throw new MalformedBytes("the configuration names no agent");
  asFields(config.timing, "the timing", ["heartbeatMs", "electionTimeoutMinMs", "electionTimeoutMaxMs"]);
  for (const value of [config.incarnation, header.segment])
    if (!Number.isSafeInteger(value)) throw new MalformedBytes("the header counts no life or no segment");
  if (!Number.isFinite(header.now)) throw new MalformedBytes("the header has no time");
  if (header.digest !== undefined && !DIGEST_NAMES.some((name) => name === header.digest))
    throw new MalformedBytes(`the digests are made with ${JSON.stringify(header.digest)}, which is unknown`);
  checkBase(asFields(header.base, "the base", ["type"]));
  return header as unknown as RecordingHeader;
}

function checkBase(base: Readonly<Record<string, unknown>>): void {
  if (base.type === "life") {
    const recovered = asFields(base.recovered, "the recovered log", ["entries"]);
    asFields(recovered.hardState, "the hard state", ["term", "votedFor", "commit"]);
    checkEntries(recovered.entries);
    if (recovered.memory !== undefined)
      checkEntries(asFields(recovered.memory, "the memory's recovered log", ["entries", "hardState"]).entries);
    checkAnswers(base.answers);
    return;
  }
  if (base.type !== "state" || !(base.machine instanceof Uint8Array)) throw new MalformedBytes("the base is unknown");
  asFields(base.raft, "Raft's status", ["role", "term", "commit"]);
  if (!Number.isSafeInteger(base.applied)) throw new MalformedBytes("the base says not what was applied");
  checkEntries(base.tail);
  if (base.memory !== undefined && !(base.memory instanceof Uint8Array))
    throw new MalformedBytes("the memory beside the consensus is none");
}

function checkAnswers(answers: unknown): void {
  if (answers === undefined) return;
  const isAnswer = (one: unknown): boolean => typeof one === "boolean" || one instanceof Uint8Array;
  if (!Array.isArray(answers) || !answers.every(isAnswer))
    throw new MalformedBytes("what the cryptography answered is no list of signatures and verdicts");
}

function checkEntries(entries: unknown): void {
  if (!Array.isArray(entries)) throw new MalformedBytes("a log is no list");
  for (const entry of entries) {
    const { index, data } = asFields(entry, "an entry", ["term", "kind", "timeMs"]);
    if (!Number.isSafeInteger(index) || !(data instanceof Uint8Array)) throw new MalformedBytes("an entry is none");
  }
}
