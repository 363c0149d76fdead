/** The keys of faults, presets and chaos: what keys.ts is to the rest of a mesh file. */
import {
  BYZANTINE_BEHAVIOURS,
  FAULT_KINDS,
  FAULT_PRESETS,
  GROUP_TARGETS,
  PARTITION_SHAPES,
} from "../../contract/faults.ts";
import { EVENT_KINDS, type EventKind, MESSAGE_TYPES } from "../../contract/timeline.ts";
import type { KeyMeaning } from "../keys.ts";

/** Single messages are too many; somebody who joins by itself, and a person who has links planned, are in no simulation; and with a broken promise one is over. */
const NO_TRIGGERS: readonly EventKind[] = [
  "send",
  "receive",
  "joinAccepted",
  "joinRefused",
  "rewiringBegun",
  "rewired",
  "rewiringUndone",
  "promiseBroken",
];
/** What a fault may wait for. */
export const TRIGGER_EVENTS = EVENT_KINDS.filter((kind) => !NO_TRIGGERS.includes(kind));
export const DISK_TROUBLES = ["slow", "failing", "full", "bitRot", "tornTail", "lostSyncs"] as const;
export const DIRECTIONS = ["both", "out", "in"] as const;
export const DELAY_SHAPES = ["constant", "uniform", "normal", "logNormal", "pareto"] as const;
export const HITS = ["crash", "pause", "isolate"] as const;

const WHOM = "an agent, zone:NAME, or leader, one, minority, minorityThird, majority, everyone";
const AGENT: KeyMeaning = { key: "agent", meaning: `Whom: ${WHOM}.`, values: GROUP_TARGETS };
const END_A: KeyMeaning = { key: "a", meaning: `One end: ${WHOM}.`, values: GROUP_TARGETS };
const END_B: KeyMeaning = { key: "b", meaning: "The other end; without it, all links of `a`.", values: GROUP_TARGETS };

export const TRIGGER_KEYS: readonly KeyMeaning[] = [
  { key: "at", meaning: "When, counted from the swarm being ready. With `every`: from when on." },
  {
    key: "on",
    meaning: "The event it waits for, of any agent (viewEntered: of the primary); each time again, or see `nth`.",
    values: TRIGGER_EVENTS,
  },
  { key: "nth", meaning: "With `on`: only the nth event of the kind, counted from the swarm being ready." },
  { key: "after", meaning: "With `on`: so long after the event. Default: 0s." },
  { key: "every", meaning: "Again and again, so often. Of a preset: its pace." },
  { key: "times", meaning: "With `every`: how often at most. Of a preset: how many rounds." },
];

/** A fault itself, without when. */
export const KIND_KEYS: readonly KeyMeaning[] = [
  { key: "for", meaning: "How long; without it, until somebody heals it." },
  {
    key: "crash",
    meaning: `${capital(WHOM)}: the process is killed; healing starts it again from its own disk.`,
    values: GROUP_TARGETS,
  },
  { key: "pause", meaning: `${capital(WHOM)}: the process is stopped; healing lets it go on.`, values: GROUP_TARGETS },
  { key: "isolate", meaning: `${capital(WHOM)}: nothing passes to or from it.`, values: GROUP_TARGETS },
  {
    key: "partition",
    meaning: "Sides, as lists of agents, between which nothing passes; or a shape that is drawn.",
    values: PARTITION_SHAPES,
  },
  { key: "slow", meaning: "A link, or all links of an agent, delayed: `{a, b, delay, jitter}`." },
  { key: "lossy", meaning: "A link, or all links of an agent, dropping frames: `{a, b, loss}` with loss in (0, 1]." },
  { key: "link", meaning: "Toxics on a link, or on all links of an agent: `{a, b, direction, toxics}`." },
  {
    key: "message",
    meaning: "Messages that match, dropped, delayed, doubled or damaged: `{types, from, to, fields, drop, count}`.",
  },
  { key: "disk", meaning: "A disk that is slow, failing, full or lying: `{agent, trouble, delay}`." },
  { key: "clock", meaning: "A clock that is off, or too fast or slow: `{agent, skew, drift}`." },
  { key: "cpu", meaning: "Everything an agent computes takes longer: `{agent, slowdown}`." },
  {
    key: "byzantine",
    meaning:
      "An agent that lies: `{agent, behaviour}`. PBFT survives less than a third of such, Raft promises nothing then.",
  },
];

export const PRESET_KEYS: readonly KeyMeaning[] = [
  { key: "preset", meaning: "Faults that stand for several in time.", values: FAULT_PRESETS },
  { key: "whom", meaning: `Of rollingRestart, swizzleClog and greyFailure: ${WHOM}.`, values: GROUP_TARGETS },
  { key: "a", meaning: "Of flappingLink: one end of the link. Default: a drawn link." },
  { key: "b", meaning: "Of flappingLink: the other end." },
  { key: "hit", meaning: "Of leaderHunt: what befalls each leader. Default: crash.", values: HITS },
];

/** An item of `faults:`. */
export const FAULT_KEYS: readonly KeyMeaning[] = [...TRIGGER_KEYS, ...KIND_KEYS, ...PRESET_KEYS];

export const SLOW_KEYS: readonly KeyMeaning[] = [
  END_A,
  END_B,
  { key: "delay", meaning: "Added to every frame." },
  { key: "jitter", meaning: "Up to this much more or less, drawn for each frame. Default: 0." },
];

export const LOSSY_KEYS: readonly KeyMeaning[] = [
  END_A,
  END_B,
  { key: "loss", meaning: "Share of frames dropped, above 0 and up to 1." },
];

export const LINK_KEYS: readonly KeyMeaning[] = [
  END_A,
  END_B,
  { key: "direction", meaning: "out: what `a` sends; in: what it receives. Default: both.", values: DIRECTIONS },
  { key: "toxics", meaning: "What befalls the frames, a list of one each: loss, latency, bandwidth, ..." },
];

export const TOXIC_KEYS: readonly KeyMeaning[] = [
  { key: "loss", meaning: "This share of frames is dropped." },
  { key: "latency", meaning: "Frames are late: a time, or `{ms, shape, spread}`." },
  { key: "bandwidth", meaning: "At most so many bytes a second." },
  { key: "duplicate", meaning: "This share of frames comes twice." },
  { key: "reorder", meaning: "A share of frames is overtaken by later ones: `{share, by}`." },
  { key: "corrupt", meaning: "In this share of frames one bit is flipped." },
  { key: "slicing", meaning: "Frames pass in slices, one after the other: `{bytes, every}`." },
  { key: "timeout", meaning: "Nothing passes, and after this time the connection is closed; 0: never." },
  { key: "reset", meaning: "The connection is reset after this time, again and again." },
  { key: "slowClose", meaning: "The other end sees a close this much later." },
  { key: "dataLimit", meaning: "The connection is closed once so many bytes passed." },
  { key: "flap", meaning: "Up for a while, then down for a while: `{up, down}`." },
];

export const LATENCY_KEYS: readonly KeyMeaning[] = [
  { key: "ms", meaning: "The mean; of logNormal the median, of pareto the least." },
  { key: "shape", meaning: "How it is drawn for each frame. Default: constant.", values: DELAY_SHAPES },
  {
    key: "spread",
    meaning:
      "uniform: half the width; normal: the standard deviation; logNormal: sigma of the logarithm; pareto: the exponent.",
  },
];
export const REORDER_KEYS: readonly KeyMeaning[] = [
  { key: "share", meaning: "Share of frames that are held back, above 0 and up to 1." },
  { key: "by", meaning: "For how long at most." },
];
export const SLICING_KEYS: readonly KeyMeaning[] = [
  { key: "bytes", meaning: "The most that a slice has." },
  { key: "every", meaning: "The time between slices." },
];
export const FLAP_KEYS: readonly KeyMeaning[] = [
  { key: "up", meaning: "How long frames pass." },
  { key: "down", meaning: "How long nothing passes." },
];

export const PARTITION_KEYS: readonly KeyMeaning[] = [
  { key: "shape", meaning: "A shape that is drawn when the fault is injected.", values: PARTITION_SHAPES },
  { key: "sides", meaning: "Lists of agents; those on no side form one more." },
];

export const MESSAGE_KEYS: readonly KeyMeaning[] = [
  { key: "types", meaning: "One or several types of message. Default: all.", values: MESSAGE_TYPES },
  { key: "from", meaning: `The sender: ${WHOM}. Default: any.`, values: GROUP_TARGETS },
  { key: "to", meaning: `The receiver: ${WHOM}. Default: any.`, values: GROUP_TARGETS },
  { key: "fields", meaning: "The message's own fields: each equal to a value, or within `{min, max}`." },
  { key: "drop", meaning: "true: it is lost.", values: ["true"] },
  { key: "delay", meaning: "It comes so much later." },
  { key: "jitter", meaning: "With `delay`: up to this much more or less." },
  { key: "duplicate", meaning: "So many copies of it besides." },
  { key: "corrupt", meaning: "true: its bytes are damaged; the receiver's checksum tells.", values: ["true"] },
  { key: "count", meaning: "Only the first so many of each sender. Default: all." },
  { key: "probability", meaning: "Each with this probability, above 0 and up to 1. Default: 1." },
];

export const DISK_KEYS: readonly KeyMeaning[] = [
  AGENT,
  { key: "trouble", meaning: "What is wrong with it.", values: DISK_TROUBLES },
  { key: "delay", meaning: "Of a slow disk: added to every sync." },
];
export const CLOCK_KEYS: readonly KeyMeaning[] = [
  AGENT,
  { key: "skew", meaning: "How far ahead it is; behind with a minus, such as -300ms. Default: 0." },
  { key: "drift", meaning: "Parts per million that it is too fast; too slow with a minus. Default: 0." },
];
export const CPU_KEYS: readonly KeyMeaning[] = [
  AGENT,
  { key: "slowdown", meaning: "How many times as long everything takes, from 1 to 1000." },
];
export const BYZANTINE_KEYS: readonly KeyMeaning[] = [
  AGENT,
  { key: "behaviour", meaning: "How it lies.", values: BYZANTINE_BEHAVIOURS },
];

export const CHAOS_KEYS: readonly KeyMeaning[] = [
  { key: "every", meaning: "One fault so often, on average. Default: two of the longest election timeouts." },
  { key: "for", meaning: "Each lasts up to so long. Default: as `every`." },
  { key: "until", meaning: "When it ends, counted from the swarm being ready. Default: with the run." },
  {
    key: "kinds",
    meaning: "Kinds of fault: a list, or weights such as `{crash: 2, partition: 1}`. Default: crash to lossy.",
    values: FAULT_KINDS,
  },
];
export const CHAOS_KIND_KEYS: readonly KeyMeaning[] = FAULT_KINDS.map((key) => ({
  key,
  meaning: "Its weight: twice as much, twice as often.",
}));

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
