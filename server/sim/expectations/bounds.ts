import { beginsLeadership, termTitle } from "../../contract/consensus.ts";
import type { BoundName, ExpectationResult } from "../../contract/expect.ts";
import type { Mesh } from "../../contract/mesh.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import { quorumOf } from "../../core/pbft/replicas.ts";
import { AvailabilityMeter } from "./availability.ts";
import { LeaderWatch, type Reach } from "./leader-watch.ts";

type BoundEvent = Pick<TimelineEvent, "kind" | "agent" | "fields"> & { readonly state?: TimelineEvent["state"] };

/**
 * A person's own bounds, measured from what agents report and what clients meet, in either world: a leader in time, tasks done in time, availability, elections. Times are
 * ms of whatever clock the world has; results count from `begin`.
 */
export class Bounds {
  readonly #mesh: Mesh;
  readonly #leaders: LeaderWatch;
  readonly #meter: AvailabilityMeter | undefined;
  /** Of the file's tasks: how each ended, and when. */
  readonly #ended = new Map<string, { readonly state: string; readonly atMs: number }>();
  readonly #elections = new Map<string, number>();
  #beganMs: number | undefined;

  /** @param clients of the workload, 0 = there is none */
  constructor(mesh: Mesh, reach: Reach, clients: number) {
    const { availability } = mesh.expect;
    this.#mesh = mesh;
    this.#leaders = new LeaderWatch(
      mesh.agents.map(({ id }) => id),
      reach,
      mesh.consensus === "pbft" ? quorumOf : undefined,
    );
    if (availability !== null && clients > 0)
      this.#meter = new AvailabilityMeter(clients, availability.answerWithinMs ?? mesh.timing.electionTimeoutMinMs);
  }

  /** All are up and a leader is known. */
  begin(nowMs: number): void {
    this.#beganMs = nowMs;
    this.#leaders.begin(nowMs);
  }

  /** An event of an agent, also before the beginning, in the order of time. */
  event({ kind, agent, fields, state }: BoundEvent, nowMs: number): void {
    if (state !== undefined) this.#leaders.stands(agent, state, nowMs);
    if (beginsLeadership({ kind, agent, fields }) && state !== undefined && this.#beganMs !== undefined)
      this.#elections.set(`${agent} of ${termTitle(state.role, state.term)}`, nowMs);
    if (kind === "taskFinished" && !this.#ended.has(String(fields.id)))
      this.#ended.set(String(fields.id), { state: String(fields.state), atMs: nowMs });
  }

  /** A process or a link came, went, or was hit or healed. */
  reachChanged(nowMs: number): void {
    this.#leaders.look(nowMs);
  }

  called(client: string, nowMs: number): void {
    this.#meter?.called(client, nowMs);
  }

  answered(client: string, served: boolean, nowMs: number): void {
    this.#meter?.ended(client, served, nowMs);
  }

  /**
   * As it stands at this moment; nothing that happens later changes the answer.
   * @param early the run ended before its time: then nothing holds yet
   */
  results(nowMs: number, early = false): ExpectationResult[] {
    if (this.#beganMs === undefined) return [];
    const results = [this.#leader(nowMs), this.#tasks(nowMs), this.#availability(nowMs), this.#electionCount()].filter(
      (result) => result !== undefined,
    );
    if (!early) return results;
    return results.map((result) =>
      result.held === true
        ? { ...result, held: null, detail: `Not decided: the run ended early. ${result.detail}` }
        : result,
    );
  }

  #leader(nowMs: number): ExpectationResult | undefined {
    const boundMs = this.#mesh.expect.leaderWithinMs;
    if (boundMs === null) return undefined;
    const gap = this.#leaders.longest(nowMs);
    if (gap === undefined)
      return this.#result("leaderWithin", null, "0 ms", ms(boundMs), "There was a leader all the time.");
    const late = gap.forMs > boundMs;
    return this.#result(
      "leaderWithin",
      late ? gap.sinceMs + boundMs : null,
      ms(gap.forMs),
      ms(boundMs),
      `${late ? "There was no leader" : "The longest time without a leader was"} from ${this.#at(gap.sinceMs)} to ${this.#at(gap.sinceMs + gap.forMs)}${
        late ? " although a majority was up and connected" : ""
      }.`,
    );
  }

  #tasks(nowMs: number): ExpectationResult | undefined {
    const { tasks, expect } = this.#mesh;
    const boundMs = expect.tasksDoneByMs;
    if (boundMs === null) return undefined;
    const deadlineMs = (this.#beganMs as number) + boundMs;
    const ends = tasks.map(({ id }) => ({ id, end: this.#ended.get(id) }));
    const late = ends.filter(({ end }) => end === undefined || end.atMs > deadlineMs);
    const done = `${tasks.length - late.length} of ${tasks.length}`;
    if (late.length > 0 && nowMs < deadlineMs)
      return {
        ...this.#result("tasksDoneBy", null, done, ms(boundMs), ""),
        held: null,
        detail: `Not decided: the run ended at ${this.#at(nowMs)}, before the bound.`,
      };
    const lastMs = Math.max(this.#beganMs as number, ...ends.map(({ end }) => end?.atMs ?? 0));
    if (late.length === 0) {
      const other = ends.filter(({ end }) => end?.state !== "completed");
      const how = other.map(({ id, end }) => `${id} ${end?.state}`).join(", ");
      const detail = other.length === 0 ? "All completed." : `Ended, but not completed: ${how}.`;
      return this.#result("tasksDoneBy", null, ms(lastMs - (this.#beganMs as number)), ms(boundMs), detail);
    }
    const names = late.slice(0, 5).map(({ id, end }) => (end ? `${id} at ${this.#at(end.atMs)}` : `${id} not yet`));
    const more = late.length > 5 ? `, and ${late.length - 5} more` : "";
    return this.#result("tasksDoneBy", deadlineMs, done, ms(boundMs), `Late: ${names.join(", ")}${more}.`);
  }

  #availability(nowMs: number): ExpectationResult | undefined {
    const bound = this.#mesh.expect.availability;
    if (bound === null) return undefined;
    const window = bound.windowMs === null ? "" : ` in every ${ms(bound.windowMs)}`;
    const boundText = `${percent(bound.share)}${window}`;
    const found = this.#meter?.measure(this.#beganMs as number, nowMs, bound.windowMs);
    if (found === undefined)
      return {
        ...this.#result("availability", null, "", boundText, ""),
        held: null,
        detail: "Not checked: nothing was asked of the memory.",
      };
    const low = found.share < bound.share;
    return this.#result(
      "availability",
      low ? found.toMs : null,
      percent(found.share),
      boundText,
      `${found.unserved} of ${found.operations} operations failed or took too long${
        low || bound.windowMs !== null
          ? `; the worst stretch is ${this.#at(found.fromMs)} to ${this.#at(found.toMs)}`
          : ""
      }.`,
    );
  }

  #electionCount(): ExpectationResult | undefined {
    const most = this.#mesh.expect.maxElections;
    if (most === null) return undefined;
    const won = [...this.#elections].sort(([, a], [, b]) => a - b);
    const beyond = won[most];
    const list = won.map(([who, atMs]) => `${who} at ${this.#at(atMs)}`);
    const shown = list.length > 8 ? [...list.slice(0, 8), `and ${list.length - 8} more`] : list;
    const detail = won.length === 0 ? "The first leader led all the time." : `Won by ${shown.join(", ")}.`;
    return this.#result("maxElections", beyond ? beyond[1] : null, String(won.length), `at most ${most}`, detail);
  }

  #result(
    name: BoundName,
    brokenAtMs: number | null,
    measured: string,
    bound: string,
    detail: string,
  ): ExpectationResult {
    const broken = brokenAtMs === null ? null : Math.round(brokenAtMs - (this.#beganMs as number));
    return { name, kind: "bound", held: brokenAtMs === null, measured, bound, detail, brokenAtMs: broken };
  }

  #at(atMs: number): string {
    return `${((atMs - (this.#beganMs as number)) / 1000).toFixed(3)} s`;
  }
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

/** Never rounded up to what it is not. */
function percent(share: number): string {
  return `${Math.floor(share * 1e4) / 100} %`;
}
