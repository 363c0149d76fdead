/** faults.json: written before a fault acts and after it is healed, so that whoever comes next can undo what is active. */
import { existsSync } from "node:fs";
import type { ActiveFault, Effect } from "../contract/faults.ts";
import { asFields, integer, list, number, oneOf, text } from "../live/checked-json.ts";
import { PUBLIC_MODE, replaceFile } from "../live/durable-file.ts";
import { readEffects, writtenEffects } from "../live/effect-codec.ts";
import { agentIds, checkedFault } from "../live/fault-checks.ts";
import { readJson } from "../live/layout.ts";
import { checkedPlan, checkedPreset, type JournaledPlan } from "./plan-checks.ts";
import type { JournaledPreset } from "./preset-control.ts";

export interface JournaledFault extends ActiveFault {
  /** What it does, to agents that have names. */
  readonly effects: readonly Effect[];
}

export interface FaultJournal {
  readonly nextId: number;
  readonly active: readonly JournaledFault[];
  /** Of the mesh file's plan, what has not happened yet; null: nothing. */
  readonly plan: JournaledPlan | null;
  /** That a person asked for, in the order in which they began. */
  readonly presets: readonly JournaledPreset[];
}

export const EMPTY_JOURNAL: FaultJournal = { nextId: 1, active: [], plan: null, presets: [] };

/** @throws LayoutProblem when it is damaged */
export function readJournal(path: string): FaultJournal {
  return existsSync(path) ? readJson(path, checkedJournal) : EMPTY_JOURNAL;
}

/** Durable when it returns. @throws the file system's error */
export function writeJournal(path: string, journal: FaultJournal): void {
  const active = journal.active.map((fault) => ({ ...fault, effects: writtenEffects(fault.effects) }));
  replaceFile(path, JSON.stringify({ ...journal, active }, undefined, 2), PUBLIC_MODE);
}

function checkedJournal(value: unknown): FaultJournal {
  const fields = asFields(value, "faults");
  return {
    nextId: integer(fields, "nextId", "faults", 1, Number.MAX_SAFE_INTEGER),
    active: list(fields, "active", "faults", 10_000).map((one, at) => checkedActive(one, `faults.active[${at}]`)),
    plan: fields.plan === null ? null : checkedPlan(fields.plan, "faults.plan"),
    presets: list(fields, "presets", "faults", 10_000).map((one, at) => checkedRun(one, `faults.presets[${at}]`)),
  };
}

function checkedActive(value: unknown, where: string): JournaledFault {
  const fields = asFields(value, where);
  return {
    id: text(fields, "id", where, 100),
    spec: checkedFault(fields.spec, `${where}.spec`),
    effects: readEffects(fields.effects, where),
    agents: agentIds(fields, "agents", where),
    title: text(fields, "title", where, 200_000),
    sinceMs: number(fields, "sinceMs", where, 0, Number.MAX_SAFE_INTEGER),
    untilMs: fields.untilMs === null ? null : number(fields, "untilMs", where, 0, Number.MAX_SAFE_INTEGER),
    source: oneOf(fields, "source", where, ["person", "plan", "itself"]),
    ...(fields.preset === undefined ? {} : { preset: text(fields, "preset", where, 100) }),
  };
}

function checkedRun(value: unknown, where: string): JournaledPreset {
  const fields = asFields(value, where);
  return {
    id: text(fields, "id", where, 100),
    spec: checkedPreset(asFields(fields.spec, `${where}.spec`), `${where}.spec`),
    title: text(fields, "title", where, 1000),
    sinceMs: number(fields, "sinceMs", where, 0, Number.MAX_SAFE_INTEGER),
    plan: fields.plan === null ? null : checkedPlan(fields.plan, `${where}.plan`),
  };
}
