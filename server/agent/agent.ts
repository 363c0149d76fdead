/**
 * One agent: a consensus, membership, memory, tasks, proposals and the overlay's routes, wired over a World. It never reads a clock, a socket, a disk or a random source: the same
 * inputs give the same outputs, bit for bit.
 *
 * A turn (`turn`): all inputs since the last one have been stepped into the cores already. Then the cores are asked what they want until they want nothing more, and it leaves
 * together: one frame a neighbour, one append to the log, one batch of replies. What must not leave before the log is durable leaves in the turn after the world said so. One
 * alarm serves all deadlines.
 *
 * Causes on the timeline: what a core wants after several inputs is put down to the last of them that concerned it; after none but time, to what time brought about in it (an
 * election timeout, say) if there is an event for that, else to nothing.
 */
import type { ClientRequest } from "../contract/client.ts";
import type { AgentStamp } from "../contract/timeline.ts";
import type { AgentId, Configuration, ConsensusStatus } from "../core/consensus.ts";
import { isGossipMessage } from "../core/gossip/codec.ts";
import type { Near } from "../core/gossip/types.ts";
import type { Membership } from "../core/membership/membership.ts";
import type { LinkAdvert } from "../core/overlay/link-state/types.ts";
import { Routes } from "../core/overlay/routes.ts";
import type { Link } from "../core/overlay/types.ts";
import { seededRandom } from "../core/random.ts";
import { Aggregating } from "./aggregating.ts";
import { Asking } from "./asking.ts";
import type { RumourMessage } from "./broadcast-content.ts";
import { Broadcasting } from "./broadcasting.ts";
import { Clients } from "./clients.ts";
import { HybridClock } from "./clock.ts";
import { Compaction } from "./compaction.ts";
import {
  type AgentConsensus,
  type AgentObservation,
  type AgentReady,
  type ConsensusKind,
  kindOf,
} from "./consensus/kind.ts";
import { observationFields } from "./consensus/observation-fields.ts";
import { Desks } from "./desks.ts";
import { detectorOf } from "./detector.ts";
import { Disk } from "./disk.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Duties } from "./duties.ts";
import { decodeFrame } from "./frame.ts";
import { Linker } from "./linker.ts";
import { Machine } from "./machine.ts";
import { type Content, Mail } from "./mail.ts";
import { MemberOperations } from "./members.ts";
import { type MemoryReplica, memoryReplicaOf } from "./memory-replica.ts";
import { DecisionMetrics } from "./metrics.ts";
import { Neighbours } from "./neighbours.ts";
import { News } from "./news.ts";
import { Outbox } from "./outbox.ts";
import { membersOf, votersOf } from "./participants.ts";
import { Replica, restore } from "./replica.ts";
import { coreReport, type ReportSources } from "./report.ts";
import { Roster } from "./roster.ts";
import { keptProposalRetryMs, laterOf, proposalRetryMs } from "./settings.ts";
import { Side } from "./side.ts";
import { type Cause, Timeline } from "./timeline.ts";
import type { AgentConfig, AgentInputs, CoreReport } from "./types.ts";
import { voteVerifier } from "./voting.ts";
import { Waking } from "./waking.ts";
import type { Judgement, Measurement, RecoveredLog, TaskEnd, World } from "./world.ts";

/** In one turn: the rest is the next one's. */
const MAX_ROUNDS_A_TURN = 4;

export class Agent implements AgentInputs {
  readonly #config: AgentConfig;
  readonly #world: World;
  readonly #clock = new HybridClock();
  readonly #kind: ConsensusKind;
  readonly #consensus: AgentConsensus;
  readonly #membership: Membership;
  readonly #machine: Machine;
  readonly #clients: Clients;
  /** Where the memory does not go through the consensus. */
  readonly #memory: MemoryReplica | undefined;
  readonly #members: MemberOperations;
  readonly #compaction: Compaction;
  readonly #duties: Duties;
  readonly #dispatcher: Dispatcher;
  readonly #asking: Asking;
  readonly #replica: Replica;
  readonly #side: Side;
  readonly #aggregating: Aggregating;
  readonly #desks: Desks;
  readonly #disk: Disk;
  readonly #outbox: Outbox;
  readonly #mail: Mail;
  readonly #timeline: Timeline;
  readonly #decisions: DecisionMetrics;
  readonly #neighbours: Neighbours;
  /** Absent where links are configured. */
  readonly #linker: Linker | undefined;
  /** Absent where nothing is for everybody. */
  readonly #broadcasting: Broadcasting | undefined;
  readonly #news: News;
  readonly #roster: Roster;

  /** As it was after the consensus was last stepped; undefined: it was since this was last asked for. */
  #statusThen: ConsensusStatus | undefined;
  /** The leader and term that proposals were last made under. */
  #followed = { leader: "", term: 0 };
  /** Who the members are, as this agent last acted upon it. */
  #configuration: Configuration;
  #startedMs = 0;
  readonly #waking: Waking;
  /** The last input event of this turn that concerned the consensus, and membership. */
  #decisionCause: Cause | undefined;
  #memberCause: Cause | undefined;
  /** The last thing applied that gave this agent something to do. */
  #dutyCause: Cause | undefined;

  constructor(config: AgentConfig, world: World, recovered: RecoveredLog, now: number) {
    const { id, timing, incarnation, taskLeaseMs: leaseMs } = config;
    this.#config = config;
    this.#world = world;
    this.#waking = new Waking(world);
    const random = seededRandom(config.seed);
    this.#kind = kindOf(config);
    const near = (): Near => this.#neighbours.near();
    this.#consensus = this.#kind.make(config, recovered, random.fork("raft"), world.crypto, now, near);
    this.#configuration = this.#status.configuration;
    this.#machine = new Machine({ verifyVote: voteVerifier(this.#kind, world.crypto), ordered: this.#kind.ordered });
    const { snapshotEveryEntries: everyEntries, snapshotEveryBytes: everyBytes } = config;
    const share = random.fork("snapshots").float();
    this.#compaction = new Compaction(this.#machine, { everyEntries, everyBytes, share });
    const initial = this.#consensus.initial();
    if (initial !== undefined) restore(this.#machine, this.#compaction, initial);
    const detector = detectorOf(config);
    const trust = (peer: AgentId): number => this.#neighbours.reputation.trust(peer);
    this.#membership = detector.make(config, now, random.fork("membership"), trust);
    this.#roster = new Roster(config.roster);
    const roster = this.#roster;
    const routes = new Routes(id, roster.ids, config.links);
    this.#neighbours = new Neighbours(id, routes, random.fork("samples"));
    this.#decisions = new DecisionMetrics(votersOf(this.#status), random.fork("samples").fork("decisions"));
    this.#outbox = new Outbox(id, incarnation, roster, routes, () => this.#neighbours.metrics);
    this.#timeline = new Timeline(world, id, incarnation, this.#clock, () => this.#stamp());
    const codec = detector.codec(roster.ids);
    this.#mail = new Mail(id, this.#kind, roster, this.#outbox, this.#timeline, this.#decisions, codec);
    const beside = {
      config,
      world,
      recovered,
      mail: this.#mail,
      timeline: this.#timeline,
      near,
      wake: () => this.#waking.wake(),
    };
    this.#memory = memoryReplicaOf(beside, random, now);
    this.#disk = new Disk(world.log, () => this.#waking.wake());
    const { keepsProposals } = this.#kind;
    const retryMs = keepsProposals ? keptProposalRetryMs(config) : proposalRetryMs(config);
    this.#clients = new Clients(this.#machine, {
      name: `${id}.${incarnation}`,
      writeRetryMs: retryMs,
      keepsProposals,
      ordered: this.#kind.ordered,
      refusedRetryMs: timing.heartbeatMs,
      members: () => ({ members: membersOf(this.#status, roster.ids), voters: this.#status.configuration.voters }),
      refusal: () => this.#side.refusal(),
      counts: () => this.#kind.takesWrites(this.#status),
    });
    const knows = (one: AgentId): boolean => roster.placeOf(one) !== undefined;
    const kind = { ordered: this.#kind.ordered, memory: config.memory };
    this.#members = new MemberOperations(id, knows, this.#consensus, () => this.#leads(), kind);
    const duties = { self: id, leaseMs, retryMs, recovered: () => this.#consensus.recovered() };
    this.#duties = new Duties(duties, world, (...told) => this.#timeline.record(...told));
    const cores = { kind: this.#kind, consensus: this.#consensus, membership: this.#membership };
    const status = (): ConsensusStatus => this.#status;
    this.#side = new Side({ ...cores, config, roster, status, applied: () => this.#machine.index }, now);
    this.#dispatcher = new Dispatcher({ slots: config.slots, leaseMs, retryMs: proposalRetryMs(config) });
    const own = { machine: this.#machine, clients: this.#clients, duties: this.#duties };
    const parts = { ...cores, ...own, dispatcher: this.#dispatcher, side: this.#side };
    this.#asking = new Asking({ ...parts, status, leads: () => this.#leads() });
    this.#replica = new Replica({ ...parts, self: id, compaction: this.#compaction, timeline: this.#timeline, world });
    const surroundings = { config, roster, world, mail: this.#mail, timeline: this.#timeline };
    const around = { ...surroundings, neighbours: this.#neighbours, membership: this.#membership };
    const [writes, links] = [this.#hearWrites.bind(this), (told: readonly LinkAdvert[]) => this.#linker?.told(told)];
    this.#broadcasting = Broadcasting.of({ ...around, writes, links });
    this.#linker = Linker.of({ ...around, broadcasting: this.#broadcasting }, now, random.fork("links"));
    this.#aggregating = new Aggregating({ ...surroundings, sources: () => this.#sources() }, random.fork("aggregates"));
    const [members, aggregating] = [this.#members, this.#aggregating];
    this.#desks = new Desks({ clients: this.#clients, memory: this.#memory?.clients, members, aggregating });
    this.#news = new News({ ...parts, ...around, aggregating, linker: this.#linker, leads: () => this.#leads() });
  }

  /** The replicated state as this agent has applied it. For tests and checkers: not to be changed. */
  get machine(): Machine {
    return this.#machine;
  }

  /** The same of a memory that does not go through the consensus. */
  get memory(): Machine | undefined {
    return this.#memory?.machine;
  }

  get consensusStatus(): ConsensusStatus {
    return this.#consensus.status();
  }

  // --- inputs ---

  start(now: number): void {
    this.#startedMs = now;
    const { swarm, incarnation } = this.#config;
    this.#timeline.record("started", now, undefined, { swarm, incarnation, lastIndex: this.#status.lastIndex });
    this.#waking.input(now);
  }

  linkUp(peer: AgentId, now: number): void {
    this.#linkChanged(peer, true, now);
  }

  linkDown(peer: AgentId, now: number): void {
    this.#linkChanged(peer, false, now);
  }

  receive(peer: AgentId, frame: Uint8Array, now: number): void {
    const { head, packets } = decodeFrame(frame);
    // All is read before anything is stepped: a frame is taken as a whole or not at all.
    const contents = packets.map((packet) => this.#mail.read(packet, peer));
    this.#clock.merge(head.hlc);
    const last = this.#neighbours.received(peer, frame.length, now - head.sentAtMs, now);
    const back = this.#side.heard(last, now);
    this.#waking.input(now, !back && contents.every(({ type }) => type === "relay"));
    for (const content of contents) {
      if (content.type === "relay") this.#outbox.relay(content.packet, peer);
      else if (content.type === "gossip") this.#membership.heard(content.from, content.message, now);
      else if (content.type === "aggregate") this.#aggregating.heard(content.from, content.message, now);
      else if (content.type === "views" || content.type === "links") this.#linker?.heard(content, now);
      else if (content.type === "unreadable") this.#mail.disbelieved(content, now);
      else if (content.type === "consensus") this.#step(peer, head.incarnation, content, now);
      else if (content.type === "broadcast") this.#broadcasting?.heard(peer, head.incarnation, content, now);
    }
  }

  rosterChanged(roster: readonly AgentId[], links: readonly Link[], now: number): void {
    this.#roster.grow(roster, links);
    this.#consensus.grow?.(laterOf(this.#config, roster), now);
    this.#statusThen = undefined;
    (this.#linker ?? this.#neighbours).grow(roster, links);
    this.#mail.rosterChanged();
    this.#membership.grow(roster, now);
    this.#side.changed();
    this.#dispatcher.changed();
    this.#waking.input(now);
  }

  alarm(now: number): void {
    this.#waking.alarm(now);
  }

  clientRequests(connection: number, requests: readonly ClientRequest[], now: number): void {
    for (const request of requests) this.#desks.request(connection, request, now);
    this.#waking.input(now);
  }

  clientGone(connection: number): void {
    this.#desks.gone(connection);
  }

  taskEnded(end: TaskEnd, now: number): void {
    this.#duties.taskEnded(end, now);
    this.#waking.input(now);
  }

  judged(judgement: Judgement, now: number): void {
    // What the vote is sent in is put down to its signing.
    this.#decisionCause = this.#duties.judged(judgement, now) ?? this.#decisionCause;
    this.#waking.input(now);
  }

  measured(measurement: Measurement, now: number): void {
    this.#aggregating.measured(measurement, now);
    this.#waking.input(now);
  }

  leave(now: number): void {
    this.#timeline.record("stopping", now, undefined, {});
    this.#desks.stop();
    this.#duties.stop(now);
    this.#side.stop();
    this.#membership.leave(now);
    this.#linker?.leave();
    this.#dispatcher.changed();
    this.#waking.input(now);
  }

  // --- the turn ---

  turn(now: number): void {
    if (!this.#waking.begins(now)) {
      this.#outbox.flush(now, this.#clock, this.#world.network);
      this.#waking.ends(now);
      return;
    }
    this.#becomeDurable(now);
    this.#memberCause = this.#linker?.turn(now, this.#memberCause) ?? this.#memberCause;
    // What the inputs made of the consensus: what follows looks at that, and steps it again.
    this.#statusThen ??= this.#consensus.status();
    this.#compact(this.#compaction.step(), now);
    this.#passTime(now);
    this.#noticeLeader(now);
    for (let round = 0; ; round++) {
      if (round === MAX_ROUNDS_A_TURN) {
        this.#waking.wake();
        break;
      }
      const asked = this.#asking.ask(now);
      const ready = this.#consensus.take(now);
      if (ready !== undefined) this.#handle(ready, now);
      else if (!asked) break;
      this.#duties.compare(this.#machine, now, this.#dutyCause);
      if (!this.#asking.wants(now)) break;
    }
    if (this.#news.turn(this.#memberCause, now)) this.#waking.wake();
    this.#aggregating.turn(now);
    if (this.#memory?.turn(now)) this.#waking.wake();
    this.#broadcasting?.turn(now);
    this.#outbox.flush(now, this.#clock, this.#world.network);
    this.#disk.flush();
    this.#desks.giveReplies(this.#world, this.#side);
    if (this.#kind.compactsAtWill) this.#compaction.begin();
    if (this.#compaction.active) this.#waking.wake();
    this.#decisionCause = undefined;
    this.#memberCause = undefined;
    this.#waking.ends(now, this.#deadline());
  }

  snapshot(): Uint8Array {
    return this.#machine.snapshot();
  }

  report(now: number, brief = false): CoreReport {
    return coreReport(this.#sources(), now, brief);
  }

  #sources(): ReportSources {
    return {
      config: this.#config,
      startedMs: this.#startedMs,
      status: this.#consensus.status(),
      applied: this.#machine.index,
      neighbours: this.#neighbours,
      members: this.#membership.members(),
      detector: this.#membership.figures(),
      side: this.#side,
      decisions: this.#decisions,
      tasksRunning: this.#duties.running,
      memory: this.#memory,
      broadcasting: this.#broadcasting,
    };
  }

  // --- inputs, inside ---

  #step(peer: AgentId, incarnation: number, content: Content & { readonly type: "consensus" }, now: number): void {
    const from = this.#mail.originOf(content.packet, peer);
    if (this.#memory && isGossipMessage(content.message))
      this.#memory.step(from, content.message, this.#mail.received(from, incarnation, content, now), now);
    else {
      this.#consensus.step(from, content.message, now);
      this.#statusThen = undefined;
      this.#decisionCause = this.#mail.received(from, incarnation, content, now);
    }
  }

  /** Of another agent, by a broadcast. */
  #hearWrites(origin: AgentId, message: RumourMessage, cause: () => Cause, now: number): void {
    if (this.#memory !== undefined) this.#memory.step(origin, message, cause(), now);
    else {
      this.#consensus.step(origin, message, now);
      this.#statusThen = undefined;
      this.#decisionCause = cause();
    }
  }

  #linkChanged(peer: AgentId, up: boolean, now: number): void {
    if (this.#linker !== undefined) this.#linker.changed(peer, up, now);
    else if (this.#neighbours.changed(peer, up)) {
      this.#memberCause = this.#timeline.record(up ? "linkUp" : "linkDown", now, undefined, { peer });
      this.#membership[up ? "linkUp" : "linkDown"](peer, now);
    } else return;
    this.#waking.input(now);
  }

  // --- the turn, inside ---

  #becomeDurable(now: number): void {
    const durable = this.#disk.takeDurable();
    if (durable === undefined) return;
    this.#consensus.persisted(durable.batchId, now);
    this.#statusThen = undefined;
    for (const held of durable.held) this.#mail.send(held.messages, held.cause, now);
  }

  #passTime(now: number): void {
    if (this.#consensus.deadline() <= now) this.#consensus.tick(now);
    if (this.#membership.deadline() <= now) this.#membership.tick(now);
    this.#duties.expire(now);
    this.#clients.expire(now, this.#status.leader !== "");
    this.#members.expire(now);
  }

  #handle(ready: AgentReady, now: number): void {
    this.#statusThen = this.#consensus.status();
    for (const observation of ready.observations) this.#members.observed(observation);
    this.#noticeMembers();
    this.#noticeLeader(now);
    let cause = this.#decisionCause;
    let committed: Cause | undefined;
    for (const observation of ready.observations) {
      const observed = this.#observe(observation, cause, now);
      cause ??= observed;
      if (observation.type === "committed") committed = observed;
    }
    this.#mail.send(ready.messages, cause, now);
    if (ready.persist !== undefined) this.#disk.add(ready.persist);
    if (ready.messagesAfterPersist.length > 0) {
      const free = this.#disk.hold({ messages: ready.messagesAfterPersist, cause });
      if (free !== undefined) this.#mail.send(free.messages, free.cause, now);
    }
    if (ready.droppedProposals.length > 0) this.#clients.dropped(ready.droppedProposals, now);
    if (ready.install !== undefined) this.#replica.install(ready.install);
    this.#clients.barriers(ready.reads, ready.failedReads, now);
    this.#side.barriers(ready.reads, ready.failedReads, now);
    if (ready.committed.length > 0) this.#side.decided(now);
    this.#dutyCause = this.#replica.apply(ready.committed, committed, now) ?? this.#dutyCause;
    if (ready.checkpoint !== undefined) {
      // Of the state as it is now. A snapshot that is being made is finished first: they are handed over in order.
      this.#compact(this.#compaction.finish(), now);
      this.#compaction.beginNow();
    }
    this.#clients.serveReads();
  }

  #noticeLeader(now: number): void {
    const { leader, term } = this.#status;
    if (leader === this.#followed.leader && term === this.#followed.term) return;
    this.#followed = { leader, term };
    this.#side.changed();
    this.#clients.leaderChanged(now);
    this.#members.leaderChanged(leader, term);
    if (!this.#kind.keepsProposals) this.#duties.leaderChanged(now);
    this.#dispatcher.leaderChanged();
  }

  #noticeMembers(): void {
    const { configuration } = this.#status;
    if (configuration === this.#configuration) return;
    this.#configuration = configuration;
    this.#side.changed();
    this.#decisions.votersChanged(votersOf(this.#status));
    this.#dispatcher.changed();
  }

  #compact(snapshot: { readonly index: number; readonly data: Uint8Array } | undefined, now: number): void {
    if (snapshot === undefined) return;
    this.#consensus.compact(snapshot, now);
    this.#statusThen = undefined;
  }

  #observe(observation: AgentObservation, cause: Cause | undefined, now: number): Cause {
    const sinceMs = this.#waking.sinceMs(now);
    const deciding = this.#kind.deciding(observation, this.#config.id, this.#status.leader === this.#config.id);
    if (deciding !== undefined) this.#decisions.observed(deciding, sinceMs, now);
    this.#neighbours.decided(observation);
    return this.#timeline.record(observation.type, now, cause, observationFields(observation));
  }

  /** The earliest of all, ms. */
  #deadline(): number {
    const { may } = this.#asking;
    let atMs = Math.min(this.#consensus.deadline(), this.#membership.deadline(), this.#aggregating.deadline());
    atMs = Math.min(atMs, this.#clients.expiryMs(), this.#members.expiryMs(), this.#side.deadline(may));
    atMs = Math.min(atMs, this.#linker?.deadline() ?? atMs, this.#memory?.deadline() ?? atMs);
    atMs = Math.min(atMs, this.#broadcasting?.deadline() ?? atMs);
    // What there is to propose is among what there is to ask for.
    return Math.min(atMs, may ? this.#asking.dueMs() : this.#duties.deadline(false));
  }

  get #status(): ConsensusStatus {
    this.#statusThen ??= this.#consensus.status();
    return this.#statusThen;
  }

  /** It leads, and knows all that earlier leaders decided. */
  #leads(): boolean {
    return this.#kind.leads(this.#status, this.#machine.term);
  }

  #stamp(): AgentStamp {
    const { role, term, leader, commit, lastIndex } = this.#status;
    return { role, term, leader, commit, lastIndex, applied: this.#machine.index };
  }
}
