/** A fault in one line, for people: the same in every view, list and log. */
import type {
  DelayDistribution,
  DiskTrouble,
  FaultSpec,
  MessageAction,
  PresetSpec,
  Toxic,
} from "../../contract/faults.ts";
import { formatDuration } from "../duration.ts";

/** Faults of single agents. */
export function agentFaultTitle(
  spec: Extract<FaultSpec, { readonly agent: string }>,
  agents: readonly string[],
): string {
  const who = agents.join(", ");
  const many = agents.length > 1;
  switch (spec.kind) {
    case "crash":
      return `${who} crashed`;
    case "pause":
      return `${who} paused`;
    case "isolate":
      return `${who} isolated`;
    case "disk":
      return `${who}: ${diskWords(spec.disk, many)}`;
    case "clock":
      return `${who}: ${many ? "clocks" : "clock"} ${clockWords(spec.skewMs, spec.driftPpm ?? 0)}`;
    case "cpu":
      return `${who}: ${spec.slowdown} times as slow`;
    case "byzantine":
      return `${who} ${many ? "lie" : "lies"}: ${spec.behaviour}`;
  }
}

/** @param others absent: all links of `ends` */
export function linkFaultTitle(
  spec: Extract<FaultSpec, { readonly a: string }>,
  ends: readonly string[],
  others: readonly string[] | undefined,
): string {
  const direction = spec.kind === "link" ? (spec.direction ?? "both") : "both";
  const link = linkWords(ends, others, direction);
  switch (spec.kind) {
    case "slow":
      return `${link} slow by ${spec.delayMs}${spec.jitterMs ? ` ± ${spec.jitterMs}` : ""} ms`;
    case "lossy":
      return `${link} losing ${percent(spec.loss)} of frames`;
    case "link":
      return `${link}: ${spec.toxics.map(toxicWords).join(", ")}`;
  }
}

export function messageFaultTitle(
  spec: Extract<FaultSpec, { readonly kind: "message" }>,
  from: readonly string[] | undefined,
  to: readonly string[] | undefined,
): string {
  const { match, count, probability, action } = spec;
  const what = [...(match.types === undefined ? [] : [match.types.join(" or ")]), "message"].join(" ");
  const which =
    count === undefined ? `every ${what}` : count === 1 ? `the first ${what}` : `the first ${count} ${what}s`;
  const fields = Object.entries(match.fields ?? {}).map(([name, wanted]) =>
    typeof wanted === "object" ? `${name} ${wanted.min ?? ""}..${wanted.max ?? ""}` : `${name} ${wanted}`,
  );
  const parts = [
    which,
    ...(from ? [`from ${from.join(", ")}`] : []),
    ...(to ? [`to ${to.join(", ")}`] : []),
    ...(fields.length > 0 ? [`with ${fields.join(", ")}`] : []),
    actionWords(action),
    ...(probability === undefined || probability === 1 ? [] : [`with ${percent(probability)} probability`]),
  ];
  const title = parts.join(" ");
  return title.charAt(0).toUpperCase() + title.slice(1);
}

/** @param everyMs, forMs its pace: see paceOf */
export function presetTitle(spec: PresetSpec, everyMs: number, forMs: number): string {
  const { preset, whom, link, hit = "crash", times } = spec;
  const of = whom === undefined ? "" : ` of ${whom}`;
  const rounds = times === undefined ? "" : times === 1 ? ", once" : `, ${times} times`;
  const pace = `every ${formatDuration(everyMs)}, for ${formatDuration(forMs)}${rounds}`;
  switch (preset) {
    case "rollingRestart":
      return `Rolling restart${of}: ${pace}`;
    case "leaderHunt":
      return `Leader hunt: ${HIT_WORDS[hit]} for ${formatDuration(forMs)}, ${formatDuration(everyMs)} after each election${rounds}`;
    case "swizzleClog":
      return `Swizzle-clog${of}: ${pace}`;
    case "flappingLink":
      return `${link === undefined ? "A drawn link" : `${link.a} – ${link.b}`} flapping: cut ${pace}`;
    case "greyFailure":
      return `Grey failure of ${whom ?? "one"}: ${pace}`;
    case "rollingPartition":
      return `Rolling partition: ${pace}`;
  }
}

const HIT_WORDS = { crash: "crashed", pause: "paused", isolate: "isolated" } as const;

function linkWords(
  ends: readonly string[],
  others: readonly string[] | undefined,
  direction: "both" | "out" | "in",
): string {
  const a = ends.join(", ");
  const b = others?.join(", ");
  if (b !== undefined)
    return direction === "both" ? `${a} – ${b}` : direction === "out" ? `${a} → ${b}` : `${b} → ${a}`;
  if (direction === "both") return `All links of ${a}`;
  const many = ends.length > 1;
  return direction === "out"
    ? `All that ${a} ${many ? "send" : "sends"}`
    : `All that ${a} ${many ? "receive" : "receives"}`;
}

export function toxicWords(toxic: Toxic): string {
  switch (toxic.toxic) {
    case "loss":
      return `losing ${percent(toxic.share)} of frames`;
    case "latency":
      return `slow by ${delayWords(toxic.delay)}`;
    case "bandwidth":
      return `at most ${toxic.bytesPerSecond} bytes a second`;
    case "duplicate":
      return `${percent(toxic.share)} of frames twice`;
    case "reorder":
      return `${percent(toxic.share)} of frames late by up to ${formatDuration(Math.round(toxic.byMs))}`;
    case "corrupt":
      return `${percent(toxic.share)} of frames damaged`;
    case "slicing":
      return `in slices of ${toxic.bytes} bytes every ${formatDuration(toxic.everyMs)}`;
    case "timeout":
      return toxic.afterMs === 0 ? "nothing passes" : `nothing passes, closed after ${formatDuration(toxic.afterMs)}`;
    case "reset":
      return `reset every ${formatDuration(toxic.afterMs)}`;
    case "slowClose":
      return `closing ${formatDuration(toxic.delayMs)} late`;
    case "dataLimit":
      return `closed after ${toxic.bytes} bytes`;
    case "flap":
      return `${formatDuration(toxic.upMs)} up, ${formatDuration(toxic.downMs)} down`;
  }
}

function delayWords({ shape, ms, spread }: DelayDistribution): string {
  if (shape === "constant" || spread === undefined || spread === 0) return `${ms} ms`;
  return shape === "uniform" ? `${ms} ± ${spread} ms` : `${ms} ms (${shape} ${spread})`;
}

function actionWords(action: MessageAction): string {
  switch (action.action) {
    case "drop":
      return "dropped";
    case "delay":
      return `delayed by ${action.delayMs}${action.jitterMs ? ` ± ${action.jitterMs}` : ""} ms`;
    case "duplicate":
      return action.copies === 1 ? "sent twice" : `sent ${action.copies + 1} times`;
    case "corrupt":
      return "damaged";
  }
}

/** @param many of several agents */
function diskWords(disk: DiskTrouble, many: boolean): string {
  const disks = many ? "disks" : "disk";
  const crash = many ? "the next crash of each" : "the next crash";
  switch (disk.trouble) {
    case "slow":
      return `${disks} slow by ${disk.delayMs} ms`;
    case "failing":
      return `${disks} failing`;
    case "full":
      return `${disks} full`;
    case "bitRot":
      return many ? "a bit on each of their disks flipped" : "a bit on its disk flipped";
    case "tornTail":
      return `${crash} tears the last record`;
    case "lostSyncs":
      return `${crash} loses synced records`;
  }
}

function clockWords(skewMs: number, driftPpm: number): string {
  const skew = skewMs === 0 ? [] : [`${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? "ahead" : "behind"}`];
  const drift = driftPpm === 0 ? [] : [`${Math.abs(driftPpm)} ppm too ${driftPpm > 0 ? "fast" : "slow"}`];
  return [...skew, ...drift].join(", ") || "right";
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
