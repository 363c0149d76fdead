/** Who answered what, of the agents that were asked for one write: OSDI '99, §4.1: a client accepts what f + 1 agents say alike, because one of them is honest. */
import type { ClientResult, ClientValue } from "../contract/client.ts";

/** An answer that enough agents gave, and who. */
export interface Verdict {
  readonly result: ClientResult;
  /** In the order in which they answered. */
  readonly by: readonly string[];
}

interface Voice {
  /** What it was asked and may still answer. */
  open: number;
  said: { readonly key: string; readonly result: ClientResult } | undefined;
}

/** Of a sentence that an agent wrote. */
const MAX_QUOTED_CHARACTERS = 200;

export class Tally {
  /** So many must say the same: f + 1. */
  readonly needed: number;
  readonly #voices = new Map<string, Voice>();

  constructor(needed: number) {
    this.needed = needed;
  }

  asked(agent: string): void {
    this.#voice(agent).open++;
  }

  /** It answered one of the questions, or is not waited for any more. */
  closed(agent: string): void {
    this.#voice(agent).open--;
  }

  /** Its latest word counts: an agent has one voice, however often it was asked. */
  said(agent: string, result: ClientResult): void {
    // Anew, so that the order is that of the answers.
    const voice = this.#voice(agent);
    this.#voices.delete(agent);
    this.#voices.set(agent, { open: voice.open, said: { key: keyOf(result), result } });
  }

  isWaitedFor(agent: string): boolean {
    return (this.#voices.get(agent)?.open ?? 0) > 0;
  }

  hasSpoken(agent: string): boolean {
    return this.#voices.get(agent)?.said !== undefined;
  }

  get verdict(): Verdict | undefined {
    for (const { result, by } of this.#sides()) if (by.length >= this.needed) return { result, by };
    return undefined;
  }

  /** How many more must be asked so that, if they and all that are waited for agree with the largest side, there is a verdict. */
  get missing(): number {
    let waitedFor = 0;
    for (const { open, said } of this.#voices.values()) if (open > 0 && said === undefined) waitedFor++;
    const largest = Math.max(0, ...this.#sides().map(({ by }) => by.length));
    return Math.max(0, this.needed - largest - waitedFor);
  }

  /** Those whose answer is not the one that enough gave. */
  against(verdict: Verdict): readonly string[] {
    return this.#sides().flatMap(({ by }) => (by.some((agent) => verdict.by.includes(agent)) ? [] : by));
  }

  /** Who says what: "a3 says version 7, a1 and a4 say version 9: a3 is alone"; "" when nobody says anything. */
  get sentence(): string {
    const sides = this.#sides();
    if (sides.length === 0) return "";
    const said = sides.map(({ result, by }) => `${listed(by)} ${by.length === 1 ? "says" : "say"} ${shown(result)}`);
    const alone = sides.filter(({ by }) => by.length === 1);
    const remark = alone.length === 1 && sides.length > 1 ? `: ${alone[0]?.by[0]} is alone` : "";
    const silent = [...this.#voices].flatMap(([agent, voice]) => (voice.said === undefined ? [agent] : []));
    return `${said.join(", ")}${remark}${silent.length === 0 ? "" : `; no answer from ${listed(silent)}`}`;
  }

  #sides(): { readonly result: ClientResult; readonly by: string[] }[] {
    const sides = new Map<string, { readonly result: ClientResult; readonly by: string[] }>();
    for (const [agent, { said }] of this.#voices) {
      if (said === undefined) continue;
      const side = sides.get(said.key);
      if (side === undefined) sides.set(said.key, { result: said.result, by: [agent] });
      else side.by.push(agent);
    }
    return [...sides.values()];
  }

  #voice(agent: string): Voice {
    let voice = this.#voices.get(agent);
    if (voice === undefined) {
      voice = { open: 0, said: undefined };
      this.#voices.set(agent, voice);
    }
    return voice;
  }
}

/** Equal for answers that say the same, whatever else an agent put into them. */
function keyOf(result: ClientResult): string {
  if (result.ok) return JSON.stringify(canonical(result.value));
  // Why the machine refused is part of its answer. Other sentences are the agent's own.
  return JSON.stringify(result.code === "refused" ? [result.code, result.message] : [result.code]);
}

function canonical(value: ClientValue): readonly (string | number | boolean)[] {
  switch (value.type) {
    case "written":
    case "conflict":
      return [value.type, value.version];
    case "deleted":
      return [value.type, value.existed];
    case "task":
      return [value.type, value.taskId, value.created];
    case "proposed":
      return [value.type, value.proposalId, value.created];
    default:
      return [value.type];
  }
}

function shown(result: ClientResult): string {
  if (!result.ok) return `${result.code} (${result.message.slice(0, MAX_QUOTED_CHARACTERS)})`;
  const { value } = result;
  switch (value.type) {
    case "written":
      return `version ${value.version}`;
    case "conflict":
      return `a conflict with version ${value.version}`;
    case "deleted":
      return value.existed ? "deleted" : "that there was nothing to delete";
    case "task":
      return value.created ? `task ${value.taskId} created` : `task ${value.taskId} was there already`;
    case "proposed":
      return value.created ? `proposal ${value.proposalId} made` : `proposal ${value.proposalId} was there already`;
    default:
      return value.type;
  }
}

/** "a1", "a1 and a2", "a1, a2 and a3". */
function listed(agents: readonly string[]): string {
  const last = agents.at(-1) ?? "";
  return agents.length < 2 ? last : `${agents.slice(0, -1).join(", ")} and ${last}`;
}
