import { AGGREGATE_METRICS, type AggregateInfo } from "../contract/aggregate.ts";
import type { ClientRequest, ClientResult } from "../contract/client.ts";
import { Aggregation, type AggregationObservation } from "../core/aggregation/aggregation.ts";
import { MAX_PARTICIPANTS } from "../core/aggregation/limits.ts";
import type { AggregateId, AggregateMessage, AggregateResult, Participant } from "../core/aggregation/types.ts";
import type { AgentId } from "../core/consensus.ts";
import type { MembershipObservation } from "../core/membership/types.ts";
import type { Random } from "../core/random.ts";
import { shownValue } from "../core/text.ts";
import { failure } from "./answers.ts";
import type { Mail } from "./mail.ts";
import { isOfProcess, ownMetric } from "./own-metrics.ts";
import { membersOf } from "./participants.ts";
import type { ReportSources } from "./report.ts";
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS } from "./requests.ts";
import type { Roster } from "./roster.ts";
import type { Timeline } from "./timeline.ts";
import type { AgentConfig } from "./types.ts";
import { type WaitingRequest, WaitingRequests } from "./waiting-requests.ts";
import type { ClientReply, Measurement, World } from "./world.ts";

/** Requests waiting at a time; there is one aggregate of an agent's own at a time. */
const MAX_WAITING = 64;
/** Rounds of push-sum in the time between two heartbeats of a leader: an answer is there before the next one. */
const ROUNDS_A_HEARTBEAT = 2;

export type AggregateRequest = ClientRequest & { readonly op: "aggregate" };

export function isAggregateRequest(request: ClientRequest): request is AggregateRequest {
  return request.op === "aggregate";
}

export interface AggregatingParts {
  readonly roster: Roster;
  readonly mail: Mail;
  readonly timeline: Timeline;
  readonly world: Pick<World, "measure">;
  readonly config: AgentConfig;
  /** As the agent is now. */
  readonly sources: () => ReportSources;
}

interface Waiting extends WaitingRequest {
  readonly metric: string;
  /** It is begun then at the latest, ms: whoever was not heard of until then is left out. */
  readonly beginByMs: number;
  /** It is what is under way. */
  begun: boolean;
}

/** An agent's part in aggregates: those that its clients asked for, one after the other, and everybody else's. */
export class Aggregating {
  readonly #parts: AggregatingParts;
  readonly #core: Aggregation;
  /** Of the process, wanted by aggregates. */
  #wanted: { readonly id: AggregateId; readonly metric: string }[] = [];
  /** The process is asked. */
  #asked = false;
  #now = 0;
  /** All members when the agent's own was begun. */
  #members: readonly AgentId[] = [];
  readonly #waiting = new WaitingRequests<Waiting>();
  #stopping = false;

  constructor(parts: AggregatingParts, random: Random) {
    this.#parts = parts;
    const { config } = parts;
    this.#core = new Aggregation(
      {
        place: parts.roster.placeOf(config.id) as number,
        incarnation: config.incarnation,
        roundMs: config.timing.heartbeatMs / ROUNDS_A_HEARTBEAT,
        value: (metric, id) => this.#value(metric, id),
      },
      random,
    );
  }

  request(connection: number, request: AggregateRequest, now: number): void {
    const { id, timeoutMs = DEFAULT_TIMEOUT_MS } = request;
    const problem = this.#problem(request, timeoutMs);
    if (problem !== undefined) this.#waiting.reply(connection, id, problem);
    else {
      const [beginByMs, deadlineMs] = [now + timeoutMs / 2, now + timeoutMs];
      this.#waiting.add({ connection, id, metric: request.metric, beginByMs, deadlineMs, begun: false });
    }
  }

  heard(from: AgentId, message: AggregateMessage, now: number): void {
    this.#now = now;
    this.#core.heard(this.#parts.roster.placeOf(from) as number, message, now);
  }

  /** What this agent's process uses. */
  measured(measurement: Measurement, now: number): void {
    this.#asked = false;
    const sources = this.#parts.sources();
    const wanted = this.#wanted;
    this.#wanted = [];
    for (const { id, metric } of wanted) this.#core.measured(id, ownMetric(metric, sources, now, measurement));
  }

  /** Membership says how a member is. */
  noticed(observation: MembershipObservation): void {
    const { type, member } = observation;
    const place = this.#parts.roster.placeOf(member);
    if (place === undefined || type === "memberSuspected") return;
    if (type === "memberAlive") this.#core.gone(place, observation.incarnation);
    else this.#core.gone(place);
  }

  gone(connection: number): void {
    this.#waiting.gone(connection);
  }

  stop(): void {
    this.#stopping = true;
    this.#waiting.settle(() => failure("stopping", "the agent stopped before the answer was known; ask another one"));
  }

  /** Lets rounds pass, begins what is asked for, and sends what is to be sent. */
  turn(now: number): void {
    this.#now = now;
    // Mostly nobody asks for one.
    if (this.#waiting.all.length === 0 && this.#core.deadline() > now && !this.#core.ready) return;
    this.#waiting.settle(({ deadlineMs }) =>
      now < deadlineMs ? undefined : failure("timeout", "the agents had not come to an answer in time; allow more"),
    );
    this.#beginNext(now);
    if (this.#core.deadline() <= now) this.#core.tick(now);
    for (let ready = this.#core.take(); ready !== undefined; ready = this.#core.take()) {
      for (const observation of ready.observations) this.#observed(observation, now);
      for (const { to, message } of ready.messages) {
        const peer = this.#parts.roster.at(to);
        if (peer !== undefined) this.#parts.mail.aggregate(peer, message);
      }
      this.#beginNext(now);
    }
  }

  /** When `turn` has something to do, ms. */
  deadline(): number {
    const next = this.#core.busy ? undefined : this.#next();
    return Math.min(this.#core.deadline(), this.#waiting.expiryMs(), next?.beginByMs ?? Number.POSITIVE_INFINITY);
  }

  takeReplies(): ClientReply[] {
    return this.#waiting.takeReplies();
  }

  #problem({ metric }: { readonly metric: unknown }, timeoutMs: unknown): ClientResult | undefined {
    if (this.#stopping) return failure("stopping", "the agent is stopping; ask another one");
    if (!(Number.isSafeInteger(timeoutMs) && (timeoutMs as number) > 0 && (timeoutMs as number) <= MAX_TIMEOUT_MS))
      return failure("invalid", `timeoutMs is ${shownValue(timeoutMs)}; give whole ms from 1 to ${MAX_TIMEOUT_MS}`);
    if (!AGGREGATE_METRICS.some(({ name }) => name === metric))
      return failure(
        "invalid",
        `${shownValue(metric)} is not what an agent measures of itself; it is one of ${AGGREGATE_METRICS.map(({ name }) => name).join(", ")}`,
      );
    if (this.#waiting.all.length >= MAX_WAITING)
      return failure("overloaded", `${MAX_WAITING} requests for aggregates wait here; try again later`);
    return undefined;
  }

  #next(): Waiting | undefined {
    // Mostly nobody asked.
    return this.#waiting.all.length === 0 ? undefined : this.#waiting.all.find(({ begun }) => !begun);
  }

  /** Whoever asked for the same before it begins gets the same answer. */
  #beginNext(now: number): void {
    const next = this.#next();
    if (next === undefined || this.#core.busy) return;
    const { roster, config, sources } = this.#parts;
    const { status, members: known } = sources();
    const members = membersOf(status, roster.ids);
    const participants: Participant[] = [];
    let unheard = false;
    for (const [place, id] of roster.ids.entries()) {
      if (!members.includes(id) && id !== config.id) continue;
      const member = known.find((one) => one.id === id);
      const incarnation = id === config.id ? config.incarnation : (member?.incarnation ?? 0);
      const there = id === config.id || member?.state === "alive" || member?.state === "suspected";
      if (there && incarnation > 0) participants.push({ place, incarnation });
      // Who was never heard of cannot be told from who was never started, until membership has found out.
      else if (there) unheard = true;
    }
    if (unheard && now < next.beginByMs) return;
    const same = this.#waiting.all.filter(({ begun, metric }) => !begun && metric === next.metric);
    for (const one of same) one.begun = true;
    if (participants.length > MAX_PARTICIPANTS) {
      const why = `the swarm has ${participants.length} agents that live; at most ${MAX_PARTICIPANTS} are aggregated over`;
      this.#waiting.settle(({ begun }) => (begun ? failure("refused", why) : undefined));
      return;
    }
    this.#members = members.includes(config.id) ? members : [...members, config.id];
    this.#core.begin(next.metric, participants, now);
  }

  #value(metric: string, id: AggregateId): number | null | undefined {
    if (!isOfProcess(metric)) return ownMetric(metric, this.#parts.sources(), this.#now);
    this.#wanted.push({ id, metric });
    if (!this.#asked) this.#parts.world.measure();
    this.#asked = true;
    return undefined;
  }

  #observed(observation: AggregationObservation, now: number): void {
    const { roster, timeline, config } = this.#parts;
    const initiator = roster.at(observation.id.initiator) ?? "";
    if (observation.type === "joined") {
      timeline.record("aggregateBegun", now, undefined, { metric: observation.metric, initiator });
      return;
    }
    const { result } = observation;
    const { metric, converged, count, rounds } = result;
    const known = {
      ...(result.mean !== null && { mean: result.mean }),
      ...(result.error !== null && { error: result.error }),
    };
    timeline.record("aggregateEnded", now, undefined, { metric, initiator, converged, count, rounds, ...known });
    if (initiator !== config.id) return;
    const aggregate = this.#info(result);
    this.#waiting.settle(({ begun }) => (begun ? { ok: true, value: { type: "aggregate", aggregate } } : undefined));
  }

  #info({ contributors, ...result }: AggregateResult): AggregateInfo {
    const took = new Set(contributors.map((place) => this.#parts.roster.at(place)));
    const { unit } = AGGREGATE_METRICS.find(({ name }) => name === result.metric) ?? { unit: "" };
    return {
      ...result,
      unit,
      sum: result.mean === null ? null : result.count * result.mean,
      contributors: contributors.length,
      members: this.#members.length,
      missing: this.#members.filter((id) => !took.has(id)),
    };
  }
}
