import type { Chaos, DelayDistribution, FaultSpec, FaultTrigger, PresetSpec, Toxic } from "../contract/faults.ts";
import type { PlannedFault } from "../contract/mesh.ts";
import { formatDuration } from "./duration.ts";

/** What YAML knows. */
export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain };
type PlainMap = { readonly [key: string]: Plain };

export function writePlanned({ trigger, fault }: PlannedFault): PlainMap {
  return { ...writeTrigger(trigger), ...("preset" in fault ? writePreset(fault) : writeFault(fault)) };
}

/** As one item of `faults:`, without when. */
export function writeFault(fault: FaultSpec): PlainMap {
  return { [fault.kind]: writeKind(fault), ...optional("for", fault.forMs, time) };
}

export function writeChaos({ kinds, everyMs, forMs, untilMs }: Chaos): PlainMap {
  return { every: time(everyMs), for: time(forMs), ...optional("until", untilMs, time), kinds: { ...kinds } };
}

function writeTrigger(trigger: FaultTrigger): PlainMap {
  switch (trigger.on) {
    case "time":
      return { at: time(trigger.atMs) };
    case "event":
      return {
        on: trigger.event,
        ...optional("nth", trigger.nth),
        ...(trigger.afterMs === 0 ? {} : { after: time(trigger.afterMs) }),
      };
    case "interval":
      return {
        ...(trigger.atMs === 0 ? {} : { at: time(trigger.atMs) }),
        every: time(trigger.everyMs),
        ...optional("times", trigger.times),
      };
  }
}

function writePreset({ preset, whom, link, hit, everyMs, forMs, times }: PresetSpec): PlainMap {
  return {
    preset,
    ...optional("whom", whom),
    ...(link ?? {}),
    ...optional("hit", hit),
    ...optional("every", everyMs, time),
    ...optional("for", forMs, time),
    ...optional("times", times),
  };
}

function writeKind(fault: FaultSpec): Plain {
  switch (fault.kind) {
    case "crash":
    case "pause":
    case "isolate":
      return fault.agent;
    case "partition":
      return fault.shape ?? fault.sides;
    case "slow":
      return { ...ends(fault), delay: time(fault.delayMs), ...optional("jitter", fault.jitterMs, time) };
    case "lossy":
      return { ...ends(fault), loss: fault.loss };
    case "link":
      return { ...ends(fault), ...optional("direction", fault.direction), toxics: fault.toxics.map(writeToxic) };
    case "message":
      return writeMessage(fault);
    case "disk":
      return {
        agent: fault.agent,
        trouble: fault.disk.trouble,
        ...(fault.disk.trouble === "slow" ? { delay: time(fault.disk.delayMs) } : {}),
      };
    case "clock":
      return { agent: fault.agent, skew: signed(fault.skewMs), ...optional("drift", fault.driftPpm) };
    case "cpu":
      return { agent: fault.agent, slowdown: fault.slowdown };
    case "byzantine":
      return { agent: fault.agent, behaviour: fault.behaviour };
  }
}

function writeMessage({
  match,
  action,
  count,
  probability,
}: Extract<FaultSpec, { readonly kind: "message" }>): PlainMap {
  const does: PlainMap =
    action.action === "delay"
      ? { delay: time(action.delayMs), ...optional("jitter", action.jitterMs, time) }
      : action.action === "duplicate"
        ? { duplicate: action.copies }
        : { [action.action]: true };
  return {
    ...optional("types", match.types),
    ...optional("from", match.from),
    ...optional("to", match.to),
    ...optional("fields", match.fields as PlainMap | undefined),
    ...does,
    ...optional("count", count),
    ...optional("probability", probability),
  };
}

function writeToxic(toxic: Toxic): PlainMap {
  switch (toxic.toxic) {
    case "loss":
    case "duplicate":
    case "corrupt":
      return { [toxic.toxic]: toxic.share };
    case "latency":
      return { latency: writeDelay(toxic.delay) };
    case "bandwidth":
      return { bandwidth: toxic.bytesPerSecond };
    case "reorder":
      return { reorder: { share: toxic.share, by: time(toxic.byMs) } };
    case "slicing":
      return { slicing: { bytes: toxic.bytes, every: time(toxic.everyMs) } };
    case "timeout":
    case "reset":
      return { [toxic.toxic]: time(toxic.afterMs) };
    case "slowClose":
      return { slowClose: time(toxic.delayMs) };
    case "dataLimit":
      return { dataLimit: toxic.bytes };
    case "flap":
      return { flap: { up: time(toxic.upMs), down: time(toxic.downMs) } };
  }
}

function writeDelay({ shape, ms, spread }: DelayDistribution): Plain {
  if (shape === "constant") return time(ms);
  const isTime = shape === "uniform" || shape === "normal";
  return { ms: time(ms), shape, ...optional("spread", spread, (value) => (isTime ? time(value) : value)) };
}

function ends({ a, b }: { readonly a: string; readonly b?: string }): PlainMap {
  return { a, ...optional("b", b) };
}

/** A mesh file knows whole ms. */
export function time(ms: number): string {
  return formatDuration(Math.round(ms));
}

function signed(ms: number): string {
  return ms < 0 ? `-${time(-ms)}` : time(ms);
}

export function optional<T extends Plain>(
  key: string,
  value: T | undefined,
  how: (value: T) => Plain = (plain) => plain,
): PlainMap {
  return value === undefined ? {} : { [key]: how(value) };
}
