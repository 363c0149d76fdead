/** Effects of faults: one by one as agents are told them, and in the journal. There the links they hit can be thousands, so each toxic is written once, with all the ways it is on. */
import { BYZANTINE_BEHAVIOURS, type Effect, type MessageRule, type Toxic } from "../contract/faults.ts";
import { MAX_COUNT, MAX_DRIFT_PPM, MAX_SKEW_MS, MAX_SLOWDOWN } from "../meshfile/faults/limits.ts";
import { asFields, integer, list, number, oneOf, text, WrongShape } from "./checked-json.ts";
import {
  agentIds,
  checkedAction,
  checkedDisk,
  checkedMatchFields,
  checkedToxic,
  messageTypes,
} from "./fault-checks.ts";

const MAX_EFFECTS = 100_000;

interface WrittenLinks {
  readonly on: "links";
  readonly toxic: Toxic;
  /** "from>to", separated by spaces. */
  readonly ways: string;
}

export function writtenEffects(effects: readonly Effect[]): readonly (Effect | WrittenLinks)[] {
  const others: Effect[] = [];
  const ways = new Map<string, { readonly toxic: Toxic; readonly ways: string[] }>();
  for (const effect of effects) {
    if (effect.on !== "link") {
      others.push(effect);
      continue;
    }
    const { from, to, toxic } = effect;
    const key = JSON.stringify(toxic);
    const same = ways.get(key);
    if (same) same.ways.push(`${from}>${to}`);
    else ways.set(key, { toxic, ways: [`${from}>${to}`] });
  }
  const links = [...ways.values()].map(
    ({ toxic, ways }): WrittenLinks => ({ on: "links", toxic, ways: ways.join(" ") }),
  );
  return [...others, ...links];
}

/** One that an agent is to carry out. @throws WrongShape */
export function checkedEffect(value: unknown, where: string): Effect {
  const fields = asFields(value, where);
  if (fields.on === "link") {
    const end = (name: string) => text(fields, name, where, 100);
    return { on: "link", from: end("from"), to: end("to"), toxic: checkedToxic(fields.toxic, `${where}.toxic`) };
  }
  const [effect, ...more] = readEffect(value, where);
  if (effect === undefined || more.length > 0) throw new WrongShape(`${where} must be one effect`);
  return effect;
}

/** @throws WrongShape */
export function readEffects(value: unknown, where: string): Effect[] {
  return list({ effects: value }, "effects", where, MAX_EFFECTS).flatMap((one, at) =>
    readEffect(one, `${where}.effects[${at}]`),
  );
}

function readEffect(value: unknown, where: string): readonly Effect[] {
  const fields = asFields(value, where);
  const on = oneOf(fields, "on", where, ["process", "links", "message", "disk", "clock", "cpu", "byzantine"] as const);
  const agent = () => text(fields, "agent", where, 100);
  switch (on) {
    case "process":
      return [{ on, agent: agent(), process: oneOf(fields, "process", where, ["down", "paused"] as const) }];
    case "links": {
      const toxic = checkedToxic(fields.toxic, `${where}.toxic`);
      return text(fields, "ways", where, MAX_EFFECTS * 20)
        .split(" ")
        .map((way) => {
          const [from = "", to = ""] = way.split(">");
          return { on: "link", from, to, toxic };
        });
    }
    case "message":
      return [{ on, rule: readRule(fields.rule, `${where}.rule`) }];
    case "disk":
      return [{ on, agent: agent(), disk: checkedDisk(fields.disk, `${where}.disk`) }];
    case "clock": {
      const skewMs = number(fields, "skewMs", where, -MAX_SKEW_MS, MAX_SKEW_MS);
      return [
        { on, agent: agent(), skewMs, driftPpm: number(fields, "driftPpm", where, -MAX_DRIFT_PPM, MAX_DRIFT_PPM) },
      ];
    }
    case "cpu":
      return [{ on, agent: agent(), slowdown: number(fields, "slowdown", where, 1, MAX_SLOWDOWN) }];
    case "byzantine":
      return [{ on, agent: agent(), behaviour: oneOf(fields, "behaviour", where, BYZANTINE_BEHAVIOURS) }];
  }
}

function readRule(value: unknown, where: string): MessageRule {
  const fields = asFields(value, where);
  return {
    ...(fields.types === undefined ? {} : { types: messageTypes(fields, "types", where) }),
    ...(fields.from === undefined ? {} : { from: agentIds(fields, "from", where) }),
    ...(fields.to === undefined ? {} : { to: agentIds(fields, "to", where) }),
    ...(fields.fields === undefined ? {} : { fields: checkedMatchFields(fields.fields, `${where}.fields`) }),
    action: checkedAction(fields.action, `${where}.action`),
    ...(fields.count === undefined ? {} : { count: integer(fields, "count", where, 1, MAX_COUNT) }),
    probability: number(fields, "probability", where, 0, 1),
  };
}
