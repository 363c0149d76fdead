import type { Seen } from "../agent/tamper/byzantine/pbft/seen.ts";
import type { AgentConfig } from "../agent/types.ts";
import type { ClientReply, Judgement, LogBatch, Network, RecoveredLog, TaskEnd, World } from "../agent/world.ts";
import type { ClientRequest } from "../contract/client.ts";
import type { VotingPolicy } from "../contract/proposals.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import { MalformedBytes } from "../core/bytes.ts";
import type { Crypto } from "../core/crypto.ts";
import type { Link } from "../core/overlay/types.ts";
import { placesIn } from "../core/places.ts";
import type { Random } from "../core/random.ts";
import { AgentTime } from "./agent-time.ts";
import type { AgentTroubles } from "./agent-troubles.ts";
import { type DiskSpeed, SimDisk } from "./disk.ts";
import { SimExecutor } from "./executor.ts";
import type { InspectableAgent } from "./inspectable-agent.ts";
import { SimJudge } from "./judge.ts";
import type { Port, SimNetwork } from "./network.ts";
import { Outgoing } from "./outgoing.ts";
import type { Occurrence, Schedule } from "./schedule.ts";
import type { Witness } from "./witness.ts";

export type AgentFactory = (
  config: AgentConfig,
  world: World,
  recovered: RecoveredLog,
  now: number,
) => InspectableAgent;

export interface WorldOptions {
  /** Place in the roster. */
  readonly index: number;
  /** Without the incarnation, which the world counts. Its roster is what the agent is told at first, and the beginning of `everybody`. */
  readonly config: Omit<AgentConfig, "incarnation">;
  /** All agents that there may ever be, by place. */
  readonly everybody: readonly string[];
  readonly createAgent: AgentFactory;
  readonly crypto: Crypto;
  /** What the liars of the whole run know to be proposed: they are in it together. Absent: each is alone. */
  readonly liarsSaw?: Seen;
  readonly schedule: Schedule;
  readonly random: Random;
  readonly disk: DiskSpeed;
  /** The clock of each life is off by at most this much, either way. */
  readonly maxSkewMs: number;
  /** One task in this many fails. */
  readonly taskFailEvery: number;
  /** How it votes. Absent: it approves. */
  readonly policy?: VotingPolicy;
  readonly witness: Witness;
  /** Somebody looks at events one by one: the witness wants those of single messages, too, and to tell all apart. It sees every delivery anyway. */
  readonly watched: boolean;
  readonly onReplies: (agent: number, replies: readonly ClientReply[]) => void;
  /** A trouble around it has changed what it did, or what became of that: an effect, or the disk trouble in one. */
  readonly tookEffect?: (effect: object) => void;
  /** Its disk keeps it from running, from its start or from now on. */
  readonly onRefusal?: (starting: boolean) => void;
  /** Its client connections are gone. */
  readonly onCrash: (agent: number) => void;
}

/** From an input to the turn that follows it, µs: what else arrives in between shares the turn. */
const TURN_DELAY_MIN_US = 5;
const TURN_DELAY_MAX_US = 60;
/** Until a process knows what it uses. */
const MEASURE_MS = 0.05;

export type ProcessState = "running" | "paused" | "down";

/** A turn of an agent in one of its lives. */
class Turn implements Occurrence {
  readonly #world: SimWorld;
  readonly #life: number;

  constructor(world: SimWorld, life: number) {
    this.#world = world;
    this.#life = life;
  }

  happen(): void {
    if (this.#life === this.#world.incarnation) this.#world.takeTurn();
  }
}

/**
 * The place one agent runs in, over all its lives: it starts, is killed, starts again from its disk, is stopped and goes on.
 * Everything that reaches the agent passes here; while it is paused all of it waits, in order.
 */
export class SimWorld implements World, Network, Port {
  readonly id: string;
  readonly index: number;
  readonly log: World["log"];
  readonly memoryLog?: World["log"];
  readonly executor: SimExecutor;
  readonly judge: SimJudge;
  readonly crypto: Crypto;
  readonly disk: SimDisk;
  /** Where the log of a memory beside the consensus is: it has the same troubles. */
  readonly #memoryDisk: SimDisk | undefined;
  readonly network: Network = this;
  readonly dialler: NonNullable<World["dialler"]>;
  readonly #options: WorldOptions;
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #witness: Witness;
  readonly #everybody: readonly string[];
  readonly #places: ReadonlyMap<string, number>;
  /** Agents that this one has been told of: all before this place. */
  #known: number;
  #config: WorldOptions["config"];
  #dismissed = false;
  #fabric: SimNetwork | undefined;
  readonly #outgoing: Outgoing;
  readonly #time: AgentTime;
  #slowdown = 1;
  /** Why its disk does not let it run; "" when it does. */
  #refusal = "";
  #state: ProcessState = "down";
  #incarnation = 0;
  #agent: InspectableAgent | undefined;
  #held: (() => void)[] = [];
  #connections = 0;
  #turnAsked = false;
  #turn = new Turn(this, 0);

  constructor(options: WorldOptions) {
    this.#options = options;
    this.id = options.config.id;
    this.index = options.index;
    this.#everybody = options.everybody;
    this.#places = placesIn(options.everybody);
    this.#known = options.config.roster.length;
    this.#config = options.config;
    this.#schedule = options.schedule;
    this.#random = options.random.fork("process");
    this.#witness = options.witness;
    this.#time = new AgentTime(options.schedule);
    this.#outgoing = new Outgoing(this, options.schedule, {
      roster: options.config.roster,
      patienceMs: options.config.timing.electionTimeoutMinMs,
      random: options.random.fork("tampering"),
      crypto: options.crypto,
      ...(options.liarsSaw && { seen: options.liarsSaw }),
      onEffect: (tampering) => options.tookEffect?.(tampering),
    });
    const disk = (name: string, durable: (batch: LogBatch) => void): SimDisk =>
      new SimDisk(options.schedule, options.random.fork(name), options.disk, {
        durable,
        failed: (why) => this.#diskFailed(why),
        tookEffect: (trouble) => options.tookEffect?.(trouble),
      });
    this.disk = disk("disk", (batch) => this.#witness.durable(this.index, batch));
    const logOn = (to: SimDisk, asked: (batch: LogBatch) => void): World["log"] => ({
      append: (batch, durable) => {
        asked(batch);
        this.#append(to, batch, durable);
      },
    });
    this.log = logOn(this.disk, (batch) => this.#witness.appended(this.index, batch));
    if (options.config.memory === "eventual") {
      const beside = disk("memory disk", (batch) => this.#witness.remembered(this.index, batch));
      this.#memoryDisk = beside;
      this.memoryLog = logOn(beside, (batch) => this.#witness.remembering(this.index, batch));
    }
    this.executor = new SimExecutor(
      options.schedule,
      options.random.fork("executor"),
      options.taskFailEvery,
      (atMs) => this.#time.whenUs(atMs),
      (spec, token) => this.#witness.executing(this.index, spec, token),
      (end) => this.#taskEnded(end),
    );
    const { policy = { kind: "approve" } } = options;
    this.judge = new SimJudge(options.schedule, options.random.fork("judge"), policy, (one) => this.#judged(one));
    this.crypto = options.crypto;
    this.dialler = {
      open: (peer) => this.#fabric?.open(this.index, this.#placeOf(peer)),
      close: (peer) => this.#fabric?.close(this.index, this.#placeOf(peer)),
    };
  }

  /** Before the first start: the network needs all worlds, and each world the network. */
  attach(fabric: SimNetwork): void {
    this.#fabric = fabric;
    this.#outgoing.attach(fabric);
  }

  get state(): ProcessState {
    return this.#state;
  }

  get exists(): boolean {
    return this.#state !== "down";
  }

  get running(): boolean {
    return this.#state === "running";
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  /** The agent of the present life; undefined while down. */
  get agent(): InspectableAgent | undefined {
    return this.#agent;
  }

  /** What its clock shows. */
  get now(): number {
    return this.#time.now;
  }

  /** Why it is down although nobody took it down: its disk fails, or its log is damaged. "" when that is not so. */
  get refusal(): string {
    return this.#refusal;
  }

  /** Replaces all troubles. A disk that works again does not start the agent by itself. */
  trouble({ tampering, disk, clock, slowdown }: AgentTroubles): void {
    this.#outgoing.tamper(tampering);
    this.disk.trouble(disk);
    this.#memoryDisk?.trouble(disk);
    this.#slowdown = slowdown;
    if (this.#time.trouble(clock)) this.executor.clockChanged();
  }

  // --- life ---

  /** Stays down while its disk does not let it start: `refusal` says why. */
  start(): void {
    if (this.#state !== "down" || this.#dismissed) return;
    const opened = this.disk.open();
    const beside = this.#memoryDisk?.open();
    this.#refusal = opened.refused || (beside?.refused ?? "");
    if (this.#refusal !== "") {
      this.#options.onRefusal?.(true);
      return;
    }
    const recovered = { ...opened.recovered, ...(beside && { memory: beside.recovered }) };
    this.#state = "running";
    this.#incarnation++;
    const life = this.#incarnation;
    const skew = this.#options.maxSkewMs;
    this.#time.begin(this.#random.int(-skew, skew), () => life === this.#incarnation && this.#alarmRings());
    this.#turn = new Turn(this, life);
    this.#witness.started(this.index, life, recovered);
    const config = this.#config;
    const seed = `${config.seed}/${life}`;
    this.#guard(() => {
      this.#agent = this.#options.createAgent({ ...config, incarnation: life, seed }, this, recovered, this.now);
      this.#agent.start(this.now);
    });
    if (this.#agent) this.#fabric?.processStarted(this.index);
  }

  /** As SIGKILL does: at once, whatever it was doing. */
  crash(): void {
    if (this.#state === "down") return;
    this.#state = "down";
    this.#agent = undefined;
    this.#held = [];
    this.#turnAsked = false;
    this.disk.crash();
    this.#memoryDisk?.crash();
    this.#outgoing.crash();
    this.executor.crash();
    this.judge.crash();
    this.#witness.crashed(this.index);
    this.#fabric?.processEnded(this.index);
    this.#options.onCrash(this.index);
  }

  /** It is not part of the swarm: it does not run, and no healing starts it. */
  dismiss(): void {
    this.#dismissed = true;
    this.crash();
  }

  /** It may be started (again). */
  enlist(): void {
    this.#dismissed = false;
  }

  get dismissed(): boolean {
    return this.#dismissed;
  }

  /** The swarm has grown, and this agent is told: at once if it runs, else at its next start. Until then strangers' links are none to it. */
  grow(roster: readonly string[], links: readonly Link[]): void {
    const strangers = this.#known;
    this.#known = roster.length;
    this.#config = { ...this.#config, roster, links };
    this.#outgoing.rosterChanged(roster);
    this.#input((agent) => agent.rosterChanged(roster, links, this.now));
    for (let peer = strangers; peer < roster.length; peer++)
      if (this.#fabric?.isUp(this.index, peer)) this.linkUp(peer);
  }

  /** As SIGSTOP does: links stay up, what arrives waits. */
  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    const held = this.#held;
    this.#held = [];
    for (const input of held) {
      // One of them may have ended the process.
      if (!this.running) return;
      input();
    }
  }

  // --- inputs ---

  receive(from: number, frame: Uint8Array, damaged: boolean): void {
    if (this.#isStranger(from)) return;
    if (this.#state === "paused") {
      this.#held.push(() => this.receive(from, frame, damaged));
      return;
    }
    this.#witness.delivered(from, this.index, frame);
    const agent = this.#agent;
    if (!agent) return;
    try {
      agent.receive(this.#peer(from), frame, this.now);
      if (damaged) throw new Error(`it read a frame of ${this.#peer(from)} that was damaged`);
    } catch (error) {
      // As a live agent does. What nobody damaged must be readable.
      if (damaged && error instanceof MalformedBytes) this.#fabric?.breakLink(this.index, from);
      else this.#fail(error);
    }
  }

  linkUp(peer: number): void {
    if (this.#isStranger(peer)) return;
    this.#input((agent) => agent.linkUp(this.#peer(peer), this.now));
  }

  linkDown(peer: number): void {
    if (this.#isStranger(peer)) return;
    this.#input((agent) => agent.linkDown(this.#peer(peer), this.now));
  }

  /** A number for a new client connection. */
  openConnection(): number {
    return ++this.#connections;
  }

  clientRequests(connection: number, requests: readonly ClientRequest[]): void {
    this.#input((agent) => agent.clientRequests(connection, requests, this.now));
  }

  clientGone(connection: number): void {
    this.#input((agent) => agent.clientGone(connection));
  }

  #taskEnded(end: TaskEnd): void {
    this.#input((agent) => agent.taskEnded(end, this.now));
  }

  #judged(judgement: Judgement): void {
    this.#input((agent) => agent.judged(judgement, this.now));
  }

  #input(give: (agent: InspectableAgent) => void): void {
    if (this.#state === "paused") {
      this.#held.push(() => this.#input(give));
      return;
    }
    const agent = this.#agent;
    if (agent) this.#guard(() => give(agent));
  }

  /** @internal for Turn */
  takeTurn(): void {
    if (this.#state === "paused") {
      this.#held.push(() => this.takeTurn());
      return;
    }
    this.#turnAsked = false;
    const agent = this.#agent;
    if (!agent) return;
    try {
      agent.turn(this.now);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#witness.turned(this.index);
  }

  #alarmRings(): void {
    if (this.#state === "paused") {
      this.#held.push(() => this.#alarmRings());
      return;
    }
    const agent = this.#agent;
    if (!agent) return;
    try {
      agent.alarm(this.now);
    } catch (error) {
      this.#fail(error);
    }
  }

  // --- World ---

  requestTurn(): void {
    if (this.#turnAsked) return;
    this.#turnAsked = true;
    const delayUs = this.#random.int(TURN_DELAY_MIN_US, TURN_DELAY_MAX_US);
    this.#schedule.after(Math.round(delayUs * this.#slowdown), this.#turn);
  }

  setAlarm(atMs: number): void {
    this.#time.setAlarm(atMs);
  }

  /** There is no process that could be measured. */
  measure(): void {
    const life = this.#incarnation;
    this.#schedule.afterMs(MEASURE_MS, () => {
      if (life === this.#incarnation) this.#input((agent) => agent.measured({}, this.now));
    });
  }

  observe(event: TimelineEvent): void {
    this.#witness.observed(this.index, event);
  }

  observing(sort: "messages" | "others" | "identities"): boolean {
    return sort === "others" || this.#options.watched;
  }

  taskOutput(): void {
    // Nobody watches live output here; what a task printed is in its outcome.
  }

  reply(replies: readonly ClientReply[]): void {
    this.#options.onReplies(this.index, replies);
  }

  /** As the agent's network. */
  send(to: string, frame: Uint8Array): void {
    this.#outgoing.send(to, this.#placeOf(to), frame);
  }

  #placeOf(id: string): number {
    const place = this.#places.get(id);
    if (place === undefined) throw new RangeError(`${this.id} has to do with ${id}, which is not in the roster`);
    return place;
  }

  #append(disk: SimDisk, batch: LogBatch, durable: () => void): void {
    const life = this.#incarnation;
    disk.append(batch, () => {
      if (life !== this.#incarnation) return;
      this.#input(() => {
        durable();
        this.requestTurn();
      });
    });
  }

  #peer(index: number): string {
    return this.#everybody[index] as string;
  }

  /** An agent that this one has not been told of: nobody lets those in. */
  #isStranger(peer: number): boolean {
    return peer >= this.#known;
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** As a live agent does: without a durable log it must not go on. */
  #diskFailed(why: string): void {
    this.crash();
    this.#refusal = why;
    this.#options.onRefusal?.(false);
  }

  #fail(error: unknown): void {
    this.crash();
    this.#witness.failed(this.index, error);
  }
}
