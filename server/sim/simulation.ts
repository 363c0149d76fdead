import { Seen } from "../agent/tamper/byzantine/pbft/seen.ts";
import type { SeedReport } from "../contract/coordinator.ts";
import type { ExpectationResult } from "../contract/expect.ts";
import type { ActiveFault, Effect, FaultSpec } from "../contract/faults.ts";
import { type Mesh, type PlannedFault, remembersBeside } from "../contract/mesh.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import { verifyVote } from "../core/proposals/votes.ts";
import type { Random } from "../core/random.ts";
import { FaultPlan, planLengthMs } from "../meshfile/faults/plan.ts";
import { linksOf as meshLinks } from "../meshfile/topology-section.ts";
import { zonesOf } from "../meshfile/zones-section.ts";
import { BeyondPromise } from "./beyond-promise.ts";
import type { ChangingMembers } from "./changing-members.ts";
import { type ChaosPlan, chaosPlan, weatherToxics } from "./chaos.ts";
import { SimKeys } from "./crypto.ts";
import { Bounds } from "./expectations/bounds.ts";
import { brokenAgent, drawHealthyCore, FAILS } from "./expectations/core.ts";
import { invariantResults } from "./expectations/invariants.ts";
import type { Reach } from "./expectations/leader-watch.ts";
import { FaultBoard } from "./faults.ts";
import { History } from "./history.ts";
import { Inspector } from "./inspector.ts";
import { leaderAmong } from "./leader.ts";
import { Liveness, type Part } from "./liveness.ts";
import { MembersChaos } from "./members.ts";
import { CALM, SimNetwork } from "./network.ts";
import { changesMembers, everybodyIn, isChaotic, isOrdered, linksFollow, randomOf } from "./outline.ts";
import { PlanFollower } from "./plan-follower.ts";
import { configOf, drawLogging, surroundings } from "./profiles.ts";
import { proposes } from "./proposer.ts";
import { Rewirer } from "./rewirer.ts";
import { Schedule } from "./schedule.ts";
import type { SimulateOptions } from "./simulate.ts";
import { UnorderedMembers } from "./unordered-members.ts";
import { Workload } from "./workload.ts";
import { type AgentFactory, SimWorld } from "./world.ts";

type Options = SimulateOptions & { readonly createAgent: AgentFactory };

const DEFAULT_CLIENTS = 4;
/** Of the longest election timeouts: the middle part. */
const DURATION_TIMEOUTS = 30;

/** What a promise came to that was kept. */
interface Came {
  readonly tookMs: number;
  readonly detail: string;
}

/** One run of one seed. */
export class Simulation {
  readonly #mesh: Mesh;
  readonly #seed: number;
  readonly #options: Options;
  readonly #random: Random;
  readonly #schedule = new Schedule();
  /** Those that form the swarm at first. */
  readonly #roster: readonly string[];
  readonly #links: readonly { readonly a: string; readonly b: string }[];
  readonly #inspector: Inspector;
  readonly #worlds: readonly SimWorld[];
  /** Absent where the members stay as they are. */
  readonly #members: ChangingMembers | undefined;
  readonly #network: SimNetwork;
  /** Absent unless it is asked for. */
  readonly #rewirer: Rewirer | undefined;
  readonly #board: FaultBoard;
  readonly #history: History;
  readonly #workload: Workload;
  readonly #bounds: Bounds;
  readonly #liveness: Liveness;
  readonly #timeoutMs: number;
  #follower: PlanFollower | undefined;
  #planStartMs = 0;
  readonly #beyondPromise: BeyondPromise;
  /** Faults are over. */
  #quiet = false;
  readonly #broken = (): boolean => this.#inspector.violation !== null;

  constructor(mesh: Mesh, seed: number, options: Options) {
    this.#mesh = mesh;
    this.#seed = seed;
    this.#options = options;
    this.#random = randomOf(seed);
    this.#beyondPromise = new BeyondPromise(mesh);
    this.#roster = mesh.agents.map(({ id }) => id);
    const { electionTimeoutMaxMs } = mesh.timing;
    this.#timeoutMs = electionTimeoutMaxMs;
    this.#history = new History(options.onOperation);
    const clients = options.clients ?? mesh.simulate?.clients ?? DEFAULT_CLIENTS;
    this.#bounds = new Bounds(mesh, this.#reach(), clients);
    const beside = remembersBeside(mesh);
    const changing = changesMembers(mesh, seed, options.chaos);
    const everybody = everybodyIn(mesh, seed, options.chaos);
    const keys = new SimKeys(everybody, this.#random.fork("keys"));
    const crypto = keys.of(this.#roster[0] as string);
    this.#inspector = new Inspector(this.#schedule, mesh.consensus, everybody, this.#roster, mesh.expect.invariants, {
      onEvent: this.#onEvent(),
      verifyVote: (spec, vote) => verifyVote(crypto, spec, vote),
      remembersBeside: beside,
      ...(options.news && { onStarted: options.news.processStarted, onCrashed: options.news.processEnded }),
      proposalsOf: (agent) => {
        const machine = this.#worlds[agent]?.agent?.machine;
        return machine && { table: machine.proposals, timeMs: machine.timeMs };
      },
    });
    const linksOf = (roster: readonly string[]) => meshLinks(mesh, roster);
    this.#links = linksOf(this.#roster);
    const logging = drawLogging(this.#random.fork("logging"));
    const common = { ...configOf(mesh), roster: this.#roster, links: this.#links, ...logging };
    const liarsSaw = new Seen();
    this.#worlds = everybody.map((id, index) => {
      const founds = index < this.#roster.length;
      const config = {
        ...common,
        id,
        voters: founds ? this.#roster : [],
        founders: this.#roster,
        seed: `${seed}/${id}`,
      };
      return new SimWorld({
        index,
        config,
        everybody,
        createAgent: options.createAgent,
        crypto: keys.of(id),
        liarsSaw,
        schedule: this.#schedule,
        random: this.#random.fork(id),
        disk: surroundings(mesh.timing).disk,
        maxSkewMs: Math.round(mesh.timing.electionTimeoutMinMs / 4),
        taskFailEvery: 10,
        policy: mesh.proposals.policies[id] ?? mesh.proposals.policy,
        witness: this.#inspector,
        watched: options.onEvent !== undefined,
        tookEffect: (effect) => this.#inspector.coverage.tookEffect(effect),
        onRefusal: (starting) => this.#inspector.coverage.refused(starting),
        onReplies: (agent, replies) => {
          this.#inspector.replied(agent, replies);
          this.#workload.replied(agent, replies);
          this.#members?.replied(agent, replies);
        },
        onCrash: (agent) => {
          this.#workload.agentCrashed(agent);
          this.#members?.agentCrashed(agent);
          this.#follower?.crashed();
          // Its disk may have stopped it, which no fault's beginning tells.
          this.#bounds.reachChanged(this.#schedule.nowMs);
        },
      });
    });
    const place = new Map(everybody.map((id, index) => [id, index]));
    this.#network = new SimNetwork(
      this.#schedule,
      this.#random.fork("network"),
      this.#worlds,
      linksOf(everybody).map(({ a, b }) => [place.get(a) as number, place.get(b) as number]),
      surroundings(mesh.timing).latency,
      common.overlay !== undefined,
    );
    for (const world of this.#worlds) world.attach(this.#network);
    if (options.rewireAfterMs !== undefined)
      this.#rewirer = new Rewirer(this.#schedule, this.#random.fork("rewirer"), {
        worlds: this.#worlds.slice(0, this.#roster.length),
        network: this.#network,
        links: this.#links,
        zones: zonesOf(mesh.agents),
        spreadMs: electionTimeoutMaxMs / 2,
        patienceMs: 2 * electionTimeoutMaxMs,
        rewired: () => options.onRewired?.(),
      });
    const Changes = isOrdered(mesh) ? MembersChaos : UnorderedMembers;
    if (changing)
      this.#members = new Changes(this.#schedule, this.#random.fork("members"), {
        worlds: this.#worlds,
        founders: this.#roster.length,
        linksOf,
        mayLeave: linksFollow(mesh),
        everyMs: electionTimeoutMaxMs * (0.2 + 1.2 * this.#random.fork("members every").float()),
        attemptMs: electionTimeoutMaxMs,
        patienceMs: electionTimeoutMaxMs * 6,
        cut: (side, forMs) => void this.#board.inject({ kind: "partition", sides: [side], forMs }),
        left: (agent, forced) => this.#inspector.gossip?.left(agent, forced),
      });
    this.#board = new FaultBoard(
      this.#schedule,
      this.#random.fork("faults"),
      this.#worlds,
      this.#network,
      () => leaderAmong(this.#worlds),
      () => {
        this.#bounds.reachChanged(this.#schedule.nowMs);
        options.news?.faultsChanged();
      },
      (fault, effects) => {
        const { spec, agents, title } = fault;
        options.news?.faultBegan(fault, effects);
        this.#inspector.coverage.fault(effects);
        this.#beyondPromise.fault(title, effects, this.#board.clockRatio);
        for (const effect of effects)
          if (effect.on === "byzantine") this.#inspector.lies(everybody.indexOf(effect.agent));
        this.#happened(spec, agents, effects);
      },
      (effect) => this.#inspector.coverage.tookEffect(effect),
      zonesOf(mesh.agents),
    );
    this.#network.onEffect = (effect) => {
      this.#inspector.coverage.tookEffect(effect);
      options.news?.tookEffect(effect);
    };
    this.#workload = new Workload(
      this.#schedule,
      this.#random.fork("workload"),
      this.#worlds,
      this.#history,
      {
        clients,
        keys: 4,
        thinkMs: mesh.timing.electionTimeoutMinMs / 10,
        attemptMs: electionTimeoutMaxMs,
        patienceMs: electionTimeoutMaxMs * 6,
        taskEvery: 15,
        ordered: isOrdered(this.#mesh),
        ...((beside || mesh.simulate?.counters) && { tally: this.#inspector.tally }),
        operations: mesh.simulate?.operations ?? Number.POSITIVE_INFINITY,
        ...(proposes(this.#mesh.proposals) && {
          proposals: { settings: mesh.proposals, agents: this.#roster, membersChange: changing, electionTimeoutMaxMs },
        }),
      },
      {
        taskAcknowledged: (id) => this.#inspector.tasks.acknowledged(id),
        proposed: (proposal) => this.#inspector.proposals.asked(proposal),
        proposalAcknowledged: (id) => this.#inspector.proposals.acknowledged(id),
        surprised: (detail) => this.#inspector.broken("clients are understood", detail),
        called: (client) => this.#bounds.called(client, this.#schedule.nowMs),
        answered: (client, served) => this.#bounds.answered(client, served, this.#schedule.nowMs),
      },
    );
    this.#liveness = new Liveness(mesh, this.#schedule, this.#inspector, this.#worlds, this.#workload);
  }

  run(): SeedReport {
    const parts = this.parts();
    for (;;) {
      const { done, value } = parts.next();
      if (done) return value;
      this.#schedule.runUntil(value, this.#broken);
    }
  }

  get schedule(): Schedule {
    return this.#schedule;
  }

  /** Of all agents that there may be. */
  get worlds(): readonly SimWorld[] {
    return this.#worlds;
  }

  /** A promise broke. */
  get broken(): boolean {
    return this.#broken();
  }

  /** What faults do now. */
  get activeFaults(): readonly ActiveFault[] {
    return this.#board.active;
  }

  /** The same run, for whoever has the time pass that it gives; a promise that breaks ends that early. */
  *parts(): Part<SeedReport> {
    const founders = this.#worlds.slice(0, this.#roster.length);
    for (const world of founders) world.start();
    const results: ExpectationResult[] = [];
    let readyMs = 0;
    const begun = isOrdered(this.#mesh) ? "a first leader" : "all agents run";
    if (yield* this.#liveness.settles(begun, founders, "liveness", this.#liveness.boundMs)) {
      readyMs = this.#schedule.nowMs;
      this.#bounds.begin(readyMs);
      yield* this.#underFaults();
      const bounds = this.#bounds.results(this.#schedule.nowMs, this.#broken());
      const { liveness, recovery } = this.#mesh.expect;
      if (recovery !== null)
        results.push(yield* this.#promised("recovery", recovery.withinMs, () => this.#coreRecovers()));
      results.unshift(yield* this.#promised("liveness", liveness?.withinMs ?? null, () => this.#allRecover()));
      if (!this.#broken() && this.#mesh.memory === "consensus") this.#inspector.memory.check(this.#history.operations);
      results.push(...bounds);
    }
    this.#inspector.coverage.weathered(this.#network.weathered);
    const { violation } = this.#inspector;
    const invariants = invariantResults({
      expected: this.#mesh.expect.invariants,
      stated: this.#mesh.expect.stated,
      violation: violation && { ...violation, atMs: violation.atMs - readyMs },
      judgedOn: this.#inspector.judgedOn(this.#history.operations.length),
      nothingProposed: !proposes(this.#mesh.proposals),
      undecided: this.#inspector.memory.undecided,
    });
    const late = results.find(({ held }) => held === false);
    const own = late && { invariant: late.name, atMs: readyMs + (late.brokenAtMs ?? 0), detail: late.detail };
    return {
      seed: this.#seed,
      traceHash: this.#inspector.traceHash,
      virtualMs: Math.round(this.#schedule.nowMs),
      delivered: this.#network.delivered,
      elections: this.#inspector.electionsWon,
      committed: this.#inspector.committed,
      operations: this.#workload.finished,
      violation: violation ?? own ?? null,
      beyondPromise: this.#beyondPromise.reasons,
      expectations: [...invariants, ...results],
      coverage: this.#inspector.coverage.coverage,
    };
  }

  // --- the middle part ---

  *#underFaults(): Part<void> {
    const { faults, chaos, consensus, tasks, timing } = this.#mesh;
    const plan = { agents: this.#roster, links: this.#links, zones: zonesOf(this.#mesh.agents), timing, consensus };
    const shortestMs = Math.max(planLengthMs(faults, chaos, plan), this.#mesh.expect.tasksDoneByMs ?? 0);
    const lengthMs = Math.max(shortestMs, this.#lengthMs());
    const drawn = isChaotic(this.#mesh, this.#options.chaos)
      ? chaosPlan(this.#random.fork("chaos"), this.#roster, this.#links, timing, lengthMs, consensus)
      : undefined;
    if (drawn) this.#unleash(drawn, lengthMs);
    const all = [
      ...faults,
      ...(drawn?.faults ?? []).map(({ atMs, fault }): PlannedFault => ({ trigger: { on: "time", atMs }, fault })),
    ];
    const unfolding = new FaultPlan(all, chaos, plan, this.#random.fork("plan"));
    this.#planStartMs = this.#schedule.nowMs;
    this.#follower = new PlanFollower(this.#schedule, unfolding, this.#board, timing.heartbeatMs);
    this.#follower.start();
    for (const task of tasks) this.#workload.submitTask({ ...task }, lengthMs, () => {});
    this.#workload.start();
    this.#members?.start();
    if (this.#options.rewireAfterMs !== undefined) this.#rewirer?.start(this.#options.rewireAfterMs);
    const endMs = this.#schedule.nowMs + lengthMs;
    // Snapshots cost as much as some hundred messages.
    const stepMs = timing.electionTimeoutMaxMs;
    while (this.#schedule.nowMs < endMs && !this.#broken()) {
      yield this.#schedule.nowUs + Math.round(Math.min(stepMs, endMs - this.#schedule.nowMs) * 1000);
      this.#compareStates();
    }
  }

  #unleash(plan: ChaosPlan, lengthMs: number): void {
    this.#network.weather = plan.weather;
    const { coverage } = this.#inspector;
    this.#planStartMs = this.#schedule.nowMs;
    const toxics = weatherToxics(plan.weather);
    if (toxics.length > 0) this.#happened({ kind: "link", a: "everyone", direction: "out", toxics }, this.#roster, []);
    const random = this.#random.fork("breaks");
    const breakSoon = () =>
      this.#schedule.afterMs(plan.breakEveryMs * 2 * random.float(), () => {
        if (this.#quiet) return;
        const agent = random.int(0, this.#worlds.length - 1);
        const neighbours = this.#network.neighbours(agent);
        if (neighbours.length > 0) {
          const peer = random.pick(neighbours);
          if (this.#network.isUp(agent, peer)) coverage.weather("broken connection");
          this.#network.breakLink(agent, peer);
          const [a, b] = [agent, peer].map((place) => this.#worlds[place]?.id as string) as [string, string];
          const spec = { kind: "link", a, b, toxics: [{ toxic: "reset", afterMs: 1 }], forMs: 2 } as const;
          this.#happened(spec, [a, b], []);
        }
        breakSoon();
      });
    if (plan.breakEveryMs <= lengthMs) breakSoon();
  }

  // --- what comes after ---

  /** A majority is healed, the others are crashed or cut off; all at the same moment. undefined: it did not come to serve in time. */
  *#coreRecovers(): Part<Came | undefined> {
    const random = this.#random.fork("core");
    this.#faultsEnd();
    const members = yield* this.#settledMembers();
    if (members === undefined) return undefined;
    const healthy = drawHealthyCore(random, members, this.#network, this.#mesh.consensus);
    const rest = members.filter((world) => !healthy.includes(world));
    const broken = rest.map(({ id }) => {
      const spec = brokenAgent(random, id, this.#beyondPromise.mayLie(id));
      this.#board.inject(spec);
      return `${id} ${FAILS[spec.kind]}`;
    });
    const within = this.#mesh.expect.recovery?.withinMs ?? this.#liveness.boundMs;
    const tookMs = yield* this.#liveness.served(healthy, "recovery", within);
    const detail = `${healthy.map(({ id }) => id).join(", ")} healed${broken.length > 0 ? `; ${broken.join(", ")}` : ""}.`;
    return tookMs === undefined ? undefined : { tookMs, detail };
  }

  *#allRecover(): Part<Came | undefined> {
    const expected = this.#mesh.expect.liveness;
    this.#faultsEnd();
    const members = yield* this.#settledMembers();
    if (members === undefined) return undefined;
    if (expected !== null && !(yield* this.#liveness.overlayMends(members))) return undefined;
    const tookMs =
      expected === null
        ? 0
        : yield* this.#liveness.served(members, "liveness", expected.withinMs ?? this.#liveness.boundMs);
    if (tookMs === undefined) return undefined;
    // Every operation ends, if only with its client's patience; before that the history is not whole.
    const done = () => this.#workload.busy === 0;
    if (!(yield* this.#liveness.until("no operation is left hanging", "liveness", this.#liveness.boundMs, done)))
      return undefined;
    if (expected !== null) {
      if (!(yield* this.#liveness.agreeOnWhoIsAlive(members))) return undefined;
      if (isOrdered(this.#mesh) && !(yield* this.#liveness.tasksFinish())) return undefined;
      if (proposes(this.#mesh.proposals) && !(yield* this.#liveness.proposalsDecided(members))) return undefined;
      yield* this.#liveness.settles("agreement at the end", members, "liveness", this.#liveness.boundMs);
      this.#inspector.proposalsEnd(members.map(({ index }) => index));
    }
    if (this.#mesh.memory === "eventual" && (yield* this.#liveness.converges(members, "liveness")))
      this.#inspector.convergedAtEnd(members);
    this.#compareStates();
    return { tookMs, detail: "" };
  }

  /** Who is left when nothing about the members is under way any more. */
  *#settledMembers(): Part<readonly SimWorld[] | undefined> {
    const changing = this.#members;
    if (changing === undefined) return this.#worlds;
    let members: readonly SimWorld[] | undefined;
    const settled = () => {
      members = changing.quiet ? changing.settled() : undefined;
      return members !== undefined;
    };
    const what = "the members are settled";
    return (yield* this.#liveness.until(what, "liveness", this.#liveness.boundMs, settled)) ? members : undefined;
  }

  #lengthMs(): number {
    return this.#options.durationMs ?? this.#mesh.simulate?.forMs ?? this.#timeoutMs * DURATION_TIMEOUTS;
  }

  #happened(spec: FaultSpec, agents: readonly string[], effects: readonly Effect[]): void {
    if (this.#quiet) return;
    this.#options.onFault?.({ atMs: this.#schedule.nowMs - this.#planStartMs, spec, agents, effects });
  }

  #faultsEnd(): void {
    this.#quiet = true;
    this.#follower?.stop();
    this.#workload.stop();
    this.#members?.stop();
    this.#rewirer?.stop();
    this.#network.weather = CALM;
    this.#board.healAll();
  }

  *#promised(
    name: "liveness" | "recovery",
    withinMs: number | null,
    act: () => Part<Came | undefined>,
  ): Part<ExpectationResult> {
    const bound = `${withinMs ?? this.#liveness.boundMs} ms`;
    const result = { name, kind: "liveness", bound, measured: "", brokenAtMs: null } as const;
    const early = this.#inspector.violation;
    if (early) return { ...result, held: null, detail: `Not judged: the run ended early (${early.invariant}).` };
    const came = yield* act();
    const { violation } = this.#inspector;
    if (violation && violation.invariant !== name)
      return { ...result, held: null, detail: `Not judged: the run ended early (${violation.invariant}).` };
    if (came === undefined || violation)
      return { ...result, held: false, detail: violation?.detail ?? "", brokenAtMs: violation?.atMs ?? null };
    return { ...result, held: true, measured: `${Math.round(came.tookMs)} ms`, detail: came.detail };
  }

  // --- what all parts need ---

  #compareStates(): void {
    for (const { agent, index } of this.#worlds) if (agent) this.#inspector.lookAt(index, agent);
  }

  #reach(): Reach {
    const place = new Map(this.#roster.map((id, index) => [id, index]));
    const at = (id: string): number => place.get(id) as number;
    return {
      up: (agent) => this.#worlds[at(agent)]?.running === true,
      linked: (a, b) => this.#network.passes(at(a), at(b)),
    };
  }

  /** What looks at every event: bounds that were asked for, the plan, and whoever watches the run. */
  #onEvent(): (event: TimelineEvent) => void {
    const { onEvent } = this.#options;
    const { leaderWithinMs, tasksDoneByMs, maxElections } = this.#mesh.expect;
    const bounded = leaderWithinMs !== null || tasksDoneByMs !== null || maxElections !== null;
    return (event) => {
      if (bounded && !this.#quiet) this.#bounds.event(event, this.#schedule.nowMs);
      this.#follower?.happened(event);
      onEvent?.(event);
    };
  }
}
