/** Turns what a coordinator tells of one swarm into lines: only what changed. */
import { CONSENSUS } from "../../contract/consensus.ts";
import type { SwarmHealth, SwarmView } from "../../contract/swarm.ts";
import type { Output } from "./output.ts";
import { proposalEndText } from "./proposal-tables.ts";
import type { Heard } from "./reach.ts";
import { taskEndText } from "./tables.ts";

export class Narrator {
  readonly #output: Output;
  readonly #operation: string;
  #swarm: string | undefined;
  /** What was told of its health. */
  #summary = "";
  /** By gossip: it is to be told when all have the same. */
  #spreading = false;
  #stage = "";
  #faults = new Set<string>();

  constructor(output: Output, operation: string) {
    this.#output = output;
    this.#operation = operation;
  }

  /** The swarm is up, which says all that a late word on its coming up would. */
  up(swarm: SwarmView): void {
    this.#swarm = swarm.id;
    this.#isNews(swarm);
  }

  hear(heard: Heard): void {
    switch (heard.name) {
      case "progress":
        if (heard.params.operation === this.#operation && this.#swarm === undefined) this.#progress(heard.params);
        return;
      case "swarmChanged":
        if (heard.params.id === this.#swarm && heard.params.phase === "running") this.#changed(heard.params);
        return;
      case "taskOutput": {
        const { taskId, agent, text } = heard.params;
        this.#output.line("taskOutput", heard.params, text.trimEnd().replace(/^/gm, `${taskId}@${agent} | `));
        return;
      }
      case "taskFinished":
        this.#output.line("taskFinished", heard.params, taskEndText(heard.params.task));
        return;
      case "proposalDecided":
        this.#output.line("proposalDecided", heard.params, proposalEndText(heard.params.proposal));
        return;
      case "notice":
        this.#output.line("notice", heard.params, heard.params.message);
        return;
      default:
        return;
    }
  }

  /** For people one line a stage; at a terminal it counts. For programs every count. */
  #progress(progress: { stage: string; done: number; total: number }): void {
    const { stage, done, total } = progress;
    const begins = stage !== this.#stage;
    this.#stage = stage;
    this.#output.line("progress", progress, begins ? `${stage} …` : undefined);
    if (total > 1) this.#output.passing(`  ${done} of ${total}`);
  }

  #changed(swarm: SwarmView): void {
    const now = new Map(swarm.faults.map((fault) => [fault.id, fault]));
    for (const [id, fault] of now)
      if (!this.#faults.has(id))
        this.#output.line("fault", { swarm: swarm.id, fault }, `${clock()}  fault ${id}: ${fault.title}`);
    for (const id of this.#faults)
      if (!now.has(id)) this.#output.line("healed", { swarm: swarm.id, fault: id }, `${clock()}  fault ${id} healed`);
    this.#faults = new Set(now.keys());
    if (this.#isNews(swarm))
      this.#output.line("health", { swarm: swarm.id, health: swarm.health }, `${clock()}  ${swarm.health.summary}`);
  }

  /** Where each write has to spread the summary says so anew each time: news is who is there, and that all have the same again after that changed. */
  #isNews({ consensus, health }: SwarmView): boolean {
    const { summary, level, agentsAlive, linksUp } = health;
    const told = this.#summary;
    if (CONSENSUS[consensus].ordered) {
      this.#summary = summary;
      return summary !== told;
    }
    this.#summary = `${level} ${agentsAlive} ${linksUp}`;
    if (this.#summary !== told) {
      this.#spreading = !isConverged(health);
      return true;
    }
    if (!this.#spreading || !isConverged(health)) return false;
    this.#spreading = false;
    return true;
  }
}

/** Also whoever was away. */
function isConverged({ agreement, level }: SwarmHealth): boolean {
  return agreement === 1 && level === "ok";
}

function clock(): string {
  return new Date().toISOString().slice(11, 19);
}
