/** A fault plan as the journal keeps it, checked field by field. */
import {
  type Chaos,
  FAULT_KINDS,
  FAULT_PRESETS,
  type FaultKind,
  type FaultTrigger,
  type PresetSpec,
} from "../contract/faults.ts";
import type { PlannedFault } from "../contract/mesh.ts";
import { EVENT_KINDS } from "../contract/timeline.ts";
import type { Fields } from "../live/checked-json.ts";
import { asFields, integer, list, number, oneOf, text } from "../live/checked-json.ts";
import { checkedFault } from "../live/fault-checks.ts";
import { SHORTEST_EVERY_MS } from "../meshfile/fault-syntax/triggers.ts";
import { MAX_COUNT, MAX_FOR_MS } from "../meshfile/faults/limits.ts";
import type { Pending, PlanState } from "../meshfile/faults/plan.ts";

export interface JournaledPlan {
  /** What the plan draws comes from it. */
  readonly seed: string;
  readonly faults: readonly PlannedFault[];
  readonly chaos: Chaos | null;
  readonly state: PlanState;
}

const MAX_FAULTS = 10_000;

/** @throws WrongShape */
export function checkedPlan(value: unknown, where: string): JournaledPlan {
  const fields = asFields(value, where);
  const faults = list(fields, "faults", where, MAX_FAULTS).map((one, at) =>
    checkedPlanned(one, `${where}.faults[${at}]`),
  );
  return {
    seed: text(fields, "seed", where, 200),
    faults,
    chaos: fields.chaos === null ? null : checkedChaos(fields.chaos, `${where}.chaos`),
    state: checkedState(fields.state, `${where}.state`, faults.length),
  };
}

function checkedPlanned(value: unknown, where: string): PlannedFault {
  const fields = asFields(value, where);
  const fault = asFields(fields.fault, `${where}.fault`);
  return {
    trigger: checkedTrigger(fields.trigger, `${where}.trigger`),
    fault: "preset" in fault ? checkedPreset(fault, `${where}.fault`) : checkedFault(fault, `${where}.fault`),
  };
}

function checkedTrigger(value: unknown, where: string): FaultTrigger {
  const fields = asFields(value, where);
  const on = oneOf(fields, "on", where, ["time", "event", "interval"] as const);
  switch (on) {
    case "time":
      return { on, atMs: ms(fields, "atMs", where) };
    case "event": {
      const event = oneOf(fields, "event", where, EVENT_KINDS);
      return { on, event, ...count(fields, "nth", where), afterMs: ms(fields, "afterMs", where) };
    }
    case "interval": {
      const everyMs = number(fields, "everyMs", where, 1, MAX_FOR_MS);
      return { on, atMs: ms(fields, "atMs", where), everyMs, ...count(fields, "times", where) };
    }
  }
}

/** @throws WrongShape */
export function checkedPreset(fields: Fields, where: string): PresetSpec {
  const preset = oneOf(fields, "preset", where, FAULT_PRESETS);
  const link = fields.link === undefined ? undefined : asFields(fields.link, `${where}.link`);
  const pace = (name: "everyMs" | "forMs", minMs: number) =>
    fields[name] === undefined ? {} : { [name]: number(fields, name, where, minMs, MAX_FOR_MS) };
  return {
    preset,
    ...(fields.whom === undefined ? {} : { whom: text(fields, "whom", where, 100) }),
    ...(link === undefined ? {} : { link: { a: text(link, "a", where, 100), b: text(link, "b", where, 100) } }),
    ...(fields.hit === undefined ? {} : { hit: oneOf(fields, "hit", where, ["crash", "pause", "isolate"] as const) }),
    // A hunt waits for the next leader anyway.
    ...pace("everyMs", preset === "leaderHunt" ? 0 : SHORTEST_EVERY_MS),
    ...pace("forMs", 1),
    ...count(fields, "times", where),
  };
}

function checkedChaos(value: unknown, where: string): Chaos {
  const fields = asFields(value, where);
  const weights = asFields(fields.kinds, `${where}.kinds`);
  const kinds: Partial<Record<FaultKind, number>> = {};
  for (const kind of FAULT_KINDS)
    if (weights[kind] !== undefined) kinds[kind] = number(weights, kind, `${where}.kinds`, 0, MAX_COUNT);
  return {
    kinds,
    everyMs: number(fields, "everyMs", where, 1, MAX_FOR_MS),
    forMs: number(fields, "forMs", where, 1, MAX_FOR_MS),
    ...(fields.untilMs === undefined ? {} : { untilMs: ms(fields, "untilMs", where) }),
  };
}

function checkedState(value: unknown, where: string, faults: number): PlanState {
  const fields = asFields(value, where);
  const place = (of: Fields, at: string) => integer(of, "planned", at, 0, faults - 1);
  const counts = (name: "seen" | "fired") =>
    Array.from({ length: faults }, (_, at) => {
      const all = list(fields, name, where, faults);
      return integer({ [name]: all[at] }, name, `${where}[${at}]`, 0, Number.MAX_SAFE_INTEGER);
    });
  return {
    startedMs: number(fields, "startedMs", where, 0, Number.MAX_SAFE_INTEGER),
    pending: list(fields, "pending", where, 100_000).map((one, at) =>
      checkedPending(one, `${where}.pending[${at}]`, place),
    ),
    seen: counts("seen"),
    fired: counts("fired"),
    hunts: list(fields, "hunts", where, MAX_FAULTS).map((one, at) => {
      const hunt = asFields(one, `${where}.hunts[${at}]`);
      const left = hunt.left === null ? null : integer(hunt, "left", where, 1, MAX_COUNT);
      return { planned: place(hunt, where), left };
    }),
  };
}

function checkedPending(value: unknown, where: string, place: (of: Fields, at: string) => number): Pending {
  const fields = asFields(value, where);
  const atMs = number(fields, "atMs", where, 0, Number.MAX_SAFE_INTEGER);
  const what = oneOf(fields, "what", where, ["inject", "fire", "step", "chaos"] as const);
  const whole = (name: string) => integer(fields, name, where, 0, Number.MAX_SAFE_INTEGER);
  switch (what) {
    case "inject":
      return { atMs, what, fault: checkedFault(fields.fault, `${where}.fault`) };
    case "fire":
      return { atMs, what, planned: place(fields, where), turn: whole("turn") };
    case "step":
      return { atMs, what, planned: place(fields, where), run: whole("run"), step: whole("step") };
    case "chaos":
      return { atMs, what, draw: whole("draw") };
  }
}

function ms(fields: Fields, name: string, where: string): number {
  return number(fields, name, where, 0, MAX_FOR_MS);
}

function count<K extends "nth" | "times">(fields: Fields, name: K, where: string): { readonly [key in K]?: number } {
  return fields[name] === undefined
    ? {}
    : ({ [name]: integer(fields, name, where, 1, MAX_COUNT) } as { readonly [key in K]?: number });
}
