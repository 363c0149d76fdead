/**
 * The very run that `agent-mesh simulate` judges by its seed, with its clients, its bad luck and its judges, as somebody watches it. Nobody may ask anything of it: it would be
 * another run. It ends, as that one does, with a verdict.
 */
import { Agent } from "../../agent/agent.ts";
import type { SeedReport } from "../../contract/coordinator.ts";
import type { Mesh } from "../../contract/mesh.ts";
import type { Verdict } from "../../contract/simulated.ts";
import type { Link } from "../../core/overlay/types.ts";
import { toxicWords } from "../../meshfile/faults/titles.ts";
import { linksOf } from "../../meshfile/topology-section.ts";
import { EPOCH_MS } from "../clock.ts";
import { everybodyIn } from "../outline.ts";
import { Simulation } from "../simulation.ts";
import type { SimWorld } from "../world.ts";
import { ActiveFaults } from "./active-faults.ts";
import { LinkTroubles } from "./link-troubles.ts";
import type { Run } from "./run.ts";
import type { WatchedNews } from "./watched-run.ts";

export interface JudgedOptions {
  /** As of SimulateOptions. */
  readonly chaos?: boolean;
}

export class JudgedRun implements Run {
  readonly roster: readonly string[];
  readonly links: readonly Link[];
  readonly troubles = new LinkTroubles();
  readonly #simulation: Simulation;
  readonly #parts: ReturnType<Simulation["parts"]>;
  readonly #faults: ActiveFaults;
  readonly #agents: (Agent | undefined)[];
  /** When its present part is over, virtual µs. */
  #dueUs = 0;
  #report: SeedReport | undefined;

  constructor(mesh: Mesh, seed: number, { chaos }: JudgedOptions, news: WatchedNews) {
    this.roster = everybodyIn(mesh, seed, chaos);
    this.links = linksOf(mesh, this.roster);
    this.#agents = this.roster.map(() => undefined);
    this.#faults = new ActiveFaults(this.links, (...told) => news.faultEvent(...told));
    const places = new Map(this.roster.map((id, place) => [id, place]));
    const placeOf = (id: string): number => places.get(id) as number;
    this.#simulation = new Simulation(mesh, seed, {
      ...(chaos !== undefined && { chaos }),
      createAgent: (config, world, recovered, now) => {
        const agent = new Agent(config, world, recovered, now);
        this.#agents[placeOf(config.id)] = agent;
        return agent;
      },
      onEvent: (event) => news.event(placeOf(event.agent), event),
      onFault: ({ effects, spec }) => {
        // The weather is no fault on the board, and lasts as long as there are any.
        if (effects.length > 0 || spec.kind !== "link" || spec.a !== "everyone") return;
        const title = `bad weather on all links: ${spec.toxics.map(toxicWords).join(", ")}`;
        news.faultEvent("faultInjected", undefined, { fault: "weather", kind: spec.kind, agents: [], title });
      },
      news: {
        processStarted: news.processStarted,
        processEnded: (agent) => {
          this.#agents[agent] = undefined;
          news.processEnded(agent);
        },
        faultBegan: (fault, effects) => this.#faults.began(fault, effects, { source: "plan" }),
        faultsChanged: () => {
          this.#faults.changed(this.#simulation.activeFaults);
          news.faultsChanged();
        },
        tookEffect: (effect) => this.troubles.happened(effect),
      },
    });
    this.#parts = this.#simulation.parts();
  }

  get worlds(): readonly SimWorld[] {
    return this.#simulation.worlds;
  }

  get faults(): Run["faults"] {
    return { active: this.#faults.all, presets: [], liars: this.#faults.liars };
  }

  get virtualMs(): number {
    return this.#simulation.schedule.nowMs;
  }

  get nowMs(): number {
    return EPOCH_MS + this.virtualMs;
  }

  /** What the seed came to, as `simulate` reports it; undefined: it goes on. */
  get report(): SeedReport | undefined {
    return this.#report;
  }

  get verdict(): Verdict | undefined {
    return this.#report && verdictOf(this.#report);
  }

  agent(place: number): Agent | undefined {
    return this.#agents[place];
  }

  start(): void {
    this.#next();
  }

  advance(untilMs: number, enough: () => boolean): void {
    const { schedule } = this.#simulation;
    const untilUs = Math.floor(untilMs * 1000);
    while (this.#report === undefined) {
      let stopped = false;
      const toUs = Math.min(untilUs, this.#dueUs);
      if (toUs >= schedule.nowUs)
        schedule.runUntil(toUs, () => {
          stopped = this.#simulation.broken || enough();
          return stopped;
        });
      if (!this.#simulation.broken && (stopped || toUs < this.#dueUs)) return;
      this.#next();
      if (enough()) return;
    }
  }

  #next(): void {
    const { done, value } = this.#parts.next();
    if (done) this.#report = value;
    else this.#dueUs = value;
  }
}

function verdictOf({ violation, operations, elections, committed }: SeedReport): Verdict {
  if (violation !== null) {
    const { invariant, atMs, detail } = violation;
    const text = `broke “${invariant}” at ${(atMs / 1000).toFixed(3)} s: ${detail}`;
    return { kept: false, invariant, atMs, detail, text };
  }
  const counts = [
    `${operations.toLocaleString("en")} operations`,
    `${elections.toLocaleString("en")} elections`,
    `${committed.toLocaleString("en")} entries`,
  ];
  return { kept: true, text: `kept every promise (${counts.join(", ")})` };
}
