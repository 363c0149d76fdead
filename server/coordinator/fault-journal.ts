/** faults.json: written before a fault acts and after it is healed, so that whoever comes next can undo what is active. */
import { existsSync } from "node:fs";
import type { ActiveFault, FaultSpec } from "../contract/faults.ts";
import { FAULT_KINDS } from "../contract/faults.ts";
import type { Fields } from "../live/checked-json.ts";
import { asFields, integer, list, number, oneOf, text, WrongShape } from "../live/checked-json.ts";
import { PUBLIC_MODE, replaceFile } from "../live/durable-file.ts";
import { readJson } from "../live/layout.ts";

export interface JournaledFault extends ActiveFault {
  /** `spec` with `leader` resolved. */
  readonly resolved: FaultSpec;
}

export interface DuePlan {
  /** Ms since the epoch. */
  readonly dueMs: number;
  readonly fault: FaultSpec;
}

export interface FaultJournal {
  readonly nextId: number;
  readonly active: readonly JournaledFault[];
  /** Of the mesh file's plan, what has not happened yet. */
  readonly planned: readonly DuePlan[];
}

export const EMPTY_JOURNAL: FaultJournal = { nextId: 1, active: [], planned: [] };

/** @throws LayoutProblem when it is damaged */
export function readJournal(path: string): FaultJournal {
  return existsSync(path) ? readJson(path, checkedJournal) : EMPTY_JOURNAL;
}

/** Durable when it returns. @throws the file system's error */
export function writeJournal(path: string, journal: FaultJournal): void {
  replaceFile(path, JSON.stringify(journal, undefined, 2), PUBLIC_MODE);
}

function checkedJournal(value: unknown): FaultJournal {
  const fields = asFields(value, "faults");
  return {
    nextId: integer(fields, "nextId", "faults", 1, Number.MAX_SAFE_INTEGER),
    active: list(fields, "active", "faults", 10_000).map((one, at) => checkedActive(one, `faults.active[${at}]`)),
    planned: list(fields, "planned", "faults", 10_000).map((one, at) => {
      const where = `faults.planned[${at}]`;
      const plan = asFields(one, where);
      return {
        dueMs: number(plan, "dueMs", where, 0, Number.MAX_SAFE_INTEGER),
        fault: checkedFault(plan.fault, where),
      };
    }),
  };
}

function checkedActive(value: unknown, where: string): JournaledFault {
  const fields = asFields(value, where);
  return {
    id: text(fields, "id", where, 100),
    spec: checkedFault(fields.spec, `${where}.spec`),
    resolved: checkedFault(fields.resolved, `${where}.resolved`),
    agents: texts(fields, "agents", where),
    title: text(fields, "title", where),
    sinceMs: number(fields, "sinceMs", where, 0, Number.MAX_SAFE_INTEGER),
    untilMs: fields.untilMs === null ? null : number(fields, "untilMs", where, 0, Number.MAX_SAFE_INTEGER),
    source: oneOf(fields, "source", where, ["person", "plan", "itself"]),
  };
}

/** A fault as it comes from outside: from a face, a control client, or the journal. @throws WrongShape */
export function checkedFault(value: unknown, where: string): FaultSpec {
  const fields = asFields(value, where);
  const kind = oneOf(fields, "kind", where, FAULT_KINDS);
  const forMs = fields.forMs === undefined ? {} : { forMs: number(fields, "forMs", where, 1, 30 * 24 * 3_600_000) };
  const target = (name: string): string => text(fields, name, where, 100);
  const link = (): { a: string; b?: string } => ({
    a: target("a"),
    ...(fields.b === undefined ? {} : { b: target("b") }),
  });
  switch (kind) {
    case "crash":
    case "pause":
    case "isolate":
      return { kind, agent: target("agent"), ...forMs };
    case "partition": {
      const sides = list(fields, "sides", where, 1000).map((side, at) =>
        texts({ side }, "side", `${where}.sides[${at}]`),
      );
      return { kind, sides, ...forMs };
    }
    case "slow": {
      const jitter = fields.jitterMs === undefined ? {} : { jitterMs: number(fields, "jitterMs", where, 0, 600_000) };
      return { kind, ...link(), delayMs: number(fields, "delayMs", where, 0, 600_000), ...jitter, ...forMs };
    }
    case "lossy":
      return { kind, ...link(), loss: number(fields, "loss", where, 0, 1), ...forMs };
  }
}

function texts(fields: Fields, name: string, where: string): string[] {
  return list(fields, name, where, 1000).map((one) => {
    if (typeof one !== "string" || one.length > 100) throw new WrongShape(`${where}.${name} must be a list of agents`);
    return one;
  });
}
