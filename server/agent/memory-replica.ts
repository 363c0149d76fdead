import { type ClientRequest, MEMORY_OPERATIONS } from "../contract/client.ts";
import type { GossipReport } from "../contract/swarm.ts";
import type { AgentId, Entry, Snapshot } from "../core/consensus.ts";
import { Gossip } from "../core/gossip/gossip.ts";
import type { GossipMessage, GossipObservation, GossipReady, Near } from "../core/gossip/types.ts";
import type { Random } from "../core/random.ts";
import { Clients } from "./clients.ts";
import { Compaction } from "./compaction.ts";
import { observationFields } from "./consensus/observation-fields.ts";
import { Disk } from "./disk.ts";
import { Machine } from "./machine.ts";
import type { Mail } from "./mail.ts";
import { restore } from "./replica.ts";
import { gossipConfig, keptProposalRetryMs } from "./settings.ts";
import type { Cause, Timeline } from "./timeline.ts";
import type { AgentConfig } from "./types.ts";
import type { DurableLog, RecoveredLog, World } from "./world.ts";

export interface MemoryParts {
  readonly config: AgentConfig;
  readonly log: DurableLog;
  readonly recovered: RecoveredLog;
  readonly world: Pick<World, "remembered">;
  readonly mail: Mail;
  readonly timeline: Timeline;
  readonly near: () => Near;
  readonly wake: () => void;
}

/** Told to people: of the others, the consensus has events of the same name. */
const TOLD: ReadonlySet<GossipObservation["type"]> = new Set([
  "issued",
  "rumourHeard",
  "antiEntropy",
  "heldBack",
  "converged",
]);

const OPERATIONS: ReadonlySet<unknown> = new Set(MEMORY_OPERATIONS);

/** Whether a request is about the memory, and so not the consensus's where that is eventual. */
export function isMemoryRequest(request: ClientRequest): boolean {
  return OPERATIONS.has(request.op === "outcome" ? request.of : request.op);
}

/** What a configuration asks for; undefined where the memory is the consensus's. @throws RangeError where it has no log of its own */
export function memoryReplicaOf(
  parts: Omit<MemoryParts, "log" | "recovered"> & { readonly world: World; readonly recovered: RecoveredLog },
  random: Random,
  now: number,
): MemoryReplica | undefined {
  const { config, world, recovered } = parts;
  if (config.memory !== "eventual") return undefined;
  if (world.memoryLog === undefined) throw new RangeError(`${config.id}'s memory is eventual, and has no log`);
  const { memory = NOTHING } = recovered;
  return new MemoryReplica({ ...parts, log: world.memoryLog, recovered: memory }, random.fork("memory"), now);
}

const NOTHING: RecoveredLog = { hardState: { term: 0, votedFor: "", commit: 0 }, entries: [] };

/**
 * A memory that does not go through the consensus (`memory: eventual`): replicated by gossip beside it, with a machine, clients and a log of its own. Any agent takes writes at once, also where nothing
 * can be decided; all come to the same.
 */
export class MemoryReplica {
  readonly clients: Clients;
  readonly machine = new Machine({ ordered: false });
  readonly #parts: MemoryParts;
  readonly #gossip: Gossip;
  readonly #compaction: Compaction;
  readonly #disk: Disk;
  #cause: Cause | undefined;

  constructor(parts: MemoryParts, random: Random, now: number) {
    const { config, log, recovered, wake } = parts;
    const { id, incarnation, voters, roster, timing } = config;
    this.#parts = parts;
    this.#gossip = new Gossip(gossipConfig(config), recovered, random.fork("gossip"), now, parts.near);
    const { snapshotEveryEntries: everyEntries, snapshotEveryBytes: everyBytes } = config;
    const share = random.fork("snapshots").float();
    this.#compaction = new Compaction(this.machine, { everyEntries, everyBytes, share });
    const initial = this.#gossip.initial();
    if (initial !== undefined) restore(this.machine, this.#compaction, initial);
    this.#disk = new Disk(log, wake);
    this.clients = new Clients(this.machine, {
      name: `${id}.${incarnation}`,
      writeRetryMs: keptProposalRetryMs(config),
      keepsProposals: true,
      ordered: false,
      beside: true,
      refusedRetryMs: timing.heartbeatMs,
      members: () => ({ members: roster, voters }),
      refusal: () => undefined,
      counts: () => this.#gossip.status().gossip.counted,
    });
  }

  step(from: AgentId, message: GossipMessage, cause: Cause, now: number): void {
    this.#gossip.step(from, message, now);
    this.#cause = cause;
  }

  /** All that it wants of a turn. @returns whether it wants another one */
  turn(now: number): boolean {
    const durable = this.#disk.takeDurable();
    if (durable !== undefined) {
      this.#gossip.persisted(durable.batchId, now);
      for (const held of durable.held) this.#parts.mail.send(held.messages, held.cause, now);
    }
    this.#compact(this.#compaction.step(), now);
    if (this.#gossip.deadline() <= now) this.#gossip.tick(now);
    this.clients.expire(now, true);
    const commands = this.clients.takeCommands(now);
    if (commands.length > 0) this.#gossip.propose(commands, now);
    const ready = this.#gossip.take(now);
    if (ready !== undefined) this.#handle(ready, now);
    this.#cause = undefined;
    this.#disk.flush();
    this.#compaction.begin();
    return this.#compaction.active;
  }

  /** When it is to be looked at again, ms. */
  deadline(): number {
    return Math.min(this.#gossip.deadline(), this.clients.expiryMs(), this.clients.retryMs());
  }

  report(): GossipReport {
    return this.#gossip.status().gossip;
  }

  #handle(ready: GossipReady, now: number): void {
    const { mail, timeline, world } = this.#parts;
    let cause = this.#cause;
    for (const observation of ready.observations)
      if (TOLD.has(observation.type))
        cause = timeline.record(observation.type, now, this.#cause, observationFields(observation)) ?? cause;
    if (ready.persist !== undefined) this.#disk.add(ready.persist);
    if (ready.messagesAfterPersist.length > 0) {
      const free = this.#disk.hold({ messages: ready.messagesAfterPersist, cause });
      if (free !== undefined) mail.send(free.messages, free.cause, now);
    }
    if (ready.droppedProposals.length > 0) this.clients.dropped(ready.droppedProposals, now);
    if (ready.install !== undefined) this.#install(ready.install);
    if (ready.committed.length > 0) {
      this.#apply(ready.committed);
      world.remembered?.({ entries: ready.committed });
    }
    if (ready.checkpoint === undefined) return;
    this.#compact(this.#compaction.finish(), now);
    this.#compaction.beginNow();
  }

  #apply(entries: readonly Entry[]): void {
    this.#compaction.applied(entries);
    for (const entry of entries) {
      const applied = this.machine.apply(entry);
      if (applied?.type === "write") this.clients.applied(applied);
    }
  }

  #install(snapshot: Snapshot): void {
    restore(this.machine, this.#compaction, snapshot);
    this.#parts.world.remembered?.({ snapshot: { snapshot, discardLog: true }, entries: [] });
    this.clients.restored();
  }

  #compact(snapshot: { readonly index: number; readonly data: Uint8Array } | undefined, now: number): void {
    if (snapshot !== undefined) this.#gossip.compact(snapshot, now);
  }
}
