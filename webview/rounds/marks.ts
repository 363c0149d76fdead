/** How events and messages are drawn: each kind has its own shape, each message its own line and head, so that none needs its colour. */
import { html, svg, type TemplateResult } from "lit";
import type { EventKind, MessageInfo, MessageType, TimelineEvent } from "../../server/contract/timeline.ts";
import { circle, saltire, star } from "../glyphs.ts";
import { INK_CSS, type Ink } from "../theme.ts";
import { troubleGlyph } from "../troubles.ts";
import { GOSSIP_MARKS, gossipMarkByFields } from "./gossip-marks.ts";
import { CROSS, crossed, filled, type Mark, outlined, RING, TICK } from "./mark-shapes.ts";
import { markByFields, PROPOSAL_MARKS } from "./proposal-marks.ts";

const BOLT = "M0.15 -1.15L-0.7 0.2H-0.1L-0.2 1.15L0.7 -0.25H0.1Z";
const SQUARE = "M-0.65 -0.65H0.65V0.65H-0.65Z";
const DISKS = "M-0.7 -0.8H0.7V-0.15H-0.7ZM-0.7 0.15H0.7V0.8H-0.7Z";
const DIAMOND = "M0 -0.85L0.85 0L0 0.85L-0.85 0Z";
const BOOKMARK = "M-0.5 -0.95H0.5V0.95L0 0.4L-0.5 0.95Z";
const TRAY = "M-0.85 0.2V0.85H0.85V0.2";
/** Two links that change places. */
const REWIRED = "M-0.85 -0.9H0.85L-0.85 0.9H0.85Z";
/** In two halves. */
const SPLIT = "M-0.25 -1.1L0.25 -0.35L-0.25 0.35L0.25 1.1";
const SIGMA = "M0.7 -0.9H-0.7L0 0L-0.7 0.9H0.7";
const FLAG = "M-0.6 -0.95L0.8 -0.45L-0.6 0.05V1H-0.6Z";

const MARKS: Readonly<Record<Exclude<EventKind, "send" | "receive">, Mark>> = {
  becameLeader: { glyph: filled(star(5, 1.35, 0.6), "yellow"), rank: 10 },
  steppedDown: { glyph: outlined(star(5, 1.25, 0.56), "yellow"), rank: 9 },
  becameCandidate: { glyph: outlined(RING, "purple"), rank: 8 },
  becamePreCandidate: { glyph: outlined(RING, "purple", [0.4, 0.25]), rank: 6 },
  becameFollower: { glyph: filled(circle(0.6), "blue"), rank: 3 },
  leaderKnown: { glyph: crossed(outlined(circle(0.6), "blue"), "M0 -0.1V0.1", "blue"), rank: 2 },
  electionTimedOut: { glyph: outlined("M-0.65 -0.85H0.65L-0.65 0.85H0.65Z", "orange"), rank: 7 },
  votedFor: { glyph: crossed(outlined(RING, "green"), TICK, "green"), rank: 6 },
  voteRefused: {
    glyph: crossed(outlined(RING, "red"), CROSS, "red"),
    rank: 6,
  },
  voteReceived: { glyph: [{ d: TICK, stroke: "green", width: 0.36 }], rank: 5 },
  appended: { glyph: outlined("M-0.5 -0.5H0.5V0.5H-0.5Z", "blue"), rank: 1 },
  committed: { glyph: filled(SQUARE, "green"), rank: 4 },
  truncated: { glyph: crossed(outlined(SQUARE, "red"), "M-0.65 0.65L0.65 -0.65", "red"), rank: 7 },
  configurationChanged: {
    glyph: crossed(outlined(circle(0.9), "yellow"), "M-0.45 0H0.45M0 -0.45V0.45", "yellow"),
    rank: 8,
  },
  leadershipTransferStarted: { glyph: outlined(star(5, 1.1, 0.5), "blue"), rank: 7 },
  leadershipTransferEnded: { glyph: filled(star(5, 1.1, 0.5), "blue"), rank: 7 },
  snapshotTaken: { glyph: outlined(DISKS, "green"), rank: 5 },
  snapshotSending: { glyph: outlined(DISKS, "orange"), rank: 6 },
  snapshotInstalled: { glyph: filled(DISKS, "green"), rank: 7 },
  compacted: { glyph: outlined("M-0.7 -0.3H0.7V0.3H-0.7Z", "muted"), rank: 2 },
  prePrepared: { glyph: outlined(DIAMOND, "blue"), rank: 2 },
  prepared: {
    glyph: [...outlined(DIAMOND, "orange"), { d: "M0 -0.85L0.85 0L0 0.85Z", fill: "orange" }],
    rank: 3,
  },
  viewChangeStarted: { glyph: crossed(outlined(RING, "purple"), "M-0.4 -0.15L0 0.3L0.4 -0.15", "purple"), rank: 8 },
  viewChangeReceived: { glyph: [{ d: "M-0.6 -0.3L0 0.35L0.6 -0.3", stroke: "purple", width: 0.3 }], rank: 5 },
  viewEntered: { glyph: filled(star(4, 1.25, 0.5), "yellow"), rank: 9 },
  disbelieved: { glyph: crossed(outlined(RING, "orange"), "M0 -0.45V0.12M0 0.36V0.46", "orange"), rank: 7 },
  equivocation: { glyph: troubleGlyph("liar"), rank: 11 },
  checkpointTaken: { glyph: outlined(BOOKMARK, "green"), rank: 5 },
  checkpointStable: { glyph: filled(BOOKMARK, "green"), rank: 6 },
  stateTransferStarted: {
    glyph: [{ d: `${TRAY}M0 -0.95V0.35M-0.42 -0.05L0 0.4L0.42 -0.05`, stroke: "orange", width: 0.26 }],
    rank: 6,
  },
  stateTransferRefused: {
    glyph: [{ d: `${TRAY}M-0.4 -0.85L0.4 -0.05M0.4 -0.85L-0.4 -0.05`, stroke: "red", width: 0.26 }],
    rank: 8,
  },
  stateInstalled: {
    glyph: [
      { d: "M-0.85 0.1H0.85V0.9H-0.85Z", fill: "green" },
      { d: "M-0.42 -0.6L-0.1 -0.25L0.46 -0.95", stroke: "green", width: 0.26 },
    ],
    rank: 7,
  },
  memberAlive: { glyph: outlined(circle(0.5), "green"), rank: 3 },
  memberSuspected: { glyph: outlined(RING, "orange", [0.3, 0.25]), rank: 5 },
  memberFailed: { glyph: crossed(outlined(RING, "red"), "M-0.75 0.75L0.75 -0.75", "red"), rank: 6 },
  memberLeft: { glyph: outlined("M-0.6 0H0.6", "muted"), rank: 3 },
  neighbourUp: { glyph: outlined("M-0.6 0H0.6M0 -0.6V0.6", "green"), rank: 3 },
  neighbourDown: { glyph: outlined("M-0.5 -0.5L0.5 0.5M-0.5 0.5L0.5 -0.5", "orange"), rank: 3 },
  // A stem that gets a branch, or loses it.
  grafted: { glyph: [{ d: "M-0.1 0.9V-0.9M-0.1 0.3L0.7 -0.5", stroke: "green", width: 0.26 }], rank: 3 },
  pruned: { glyph: [{ d: "M-0.1 0.9V-0.9M0.25 0L0.75 -0.5M0.1 -0.5L0.7 0.2", stroke: "muted", width: 0.24 }], rank: 2 },
  // Two halves apart, with hatching where one of them stands alone; the same closed again.
  partitioned: {
    glyph: [
      {
        d: "M-0.2 -0.85A0.85 0.85 0 1 0 -0.2 0.85ZM0.35 -0.85A0.85 0.85 0 1 1 0.35 0.85Z",
        stroke: "orange",
        width: 0.2,
      },
      { d: "M-0.85 0.3L-0.3 -0.55M-0.6 0.7L-0.2 0.05", stroke: "orange", width: 0.16 },
    ],
    rank: 9,
  },
  healed: { glyph: crossed(outlined(RING, "green"), "M0 -0.8V0.8", "green"), rank: 8 },
  recovered: { glyph: crossed(filled(circle(0.85), "green"), "M0 -0.8V0.8", "background"), rank: 8 },
  linkUp: { glyph: [{ d: "M-0.7 0H0.7M0 -0.5V0.5", stroke: "muted", width: 0.28 }], rank: 2 },
  linkDown: {
    glyph: [{ d: "M-0.8 0H-0.25M0.8 0H0.25M-0.25 -0.45V0.45M0.25 -0.45V0.45", stroke: "red", width: 0.24 }],
    rank: 3,
  },
  taskSubmitted: { glyph: outlined(FLAG, "purple"), rank: 4 },
  taskLeased: { glyph: outlined(FLAG, "blue"), rank: 3 },
  taskStarted: { glyph: filled("M-0.5 -0.8L0.85 0L-0.5 0.8Z", "blue"), rank: 4 },
  taskEnded: { glyph: outlined("M-0.5 -0.8L0.85 0L-0.5 0.8Z", "blue"), rank: 4 },
  taskFinished: { glyph: filled(FLAG, "green"), rank: 5 },
  taskRetried: { glyph: outlined(FLAG, "orange"), rank: 4 },
  taskLeaseLost: { glyph: crossed(outlined(FLAG, "red"), "M-0.7 0.7L0.7 -0.9", "red"), rank: 5 },
  taskCompletionRefused: { glyph: crossed(outlined(FLAG, "red"), "M-0.7 0.7L0.7 -0.9", "red"), rank: 5 },
  aggregateBegun: { glyph: outlined(SIGMA, "purple"), rank: 4 },
  aggregateEnded: { glyph: [...outlined(SIGMA, "purple"), ...filled("M0.45 -0.3H1.05V0.3H0.45Z", "green")], rank: 5 },
  ...PROPOSAL_MARKS,
  ...GOSSIP_MARKS,
  faultInjected: { glyph: filled(BOLT, "red"), rank: 11 },
  faultHealed: { glyph: outlined(BOLT, "green"), rank: 11 },
  processStarted: { glyph: filled("M0 -0.9L0.9 0.7H-0.9Z", "green"), rank: 8 },
  processEnded: { glyph: outlined(saltire(1.1, 0.28), "red"), rank: 9 },
  rewiringBegun: { glyph: outlined(REWIRED, "blue"), rank: 8 },
  rewired: { glyph: filled(REWIRED, "blue"), rank: 10 },
  rewiringUndone: { glyph: crossed(outlined(REWIRED, "orange"), "M-0.9 0.9L0.9 -0.9", "orange"), rank: 10 },
  promiseBroken: { glyph: crossed(filled(RING, "red"), SPLIT, "background"), rank: 12 },
  joinAccepted: { glyph: outlined("M-0.9 0H0.3M-0.2 -0.5L0.4 0L-0.2 0.5M0.8 -0.9V0.9", "green"), rank: 8 },
  joinRefused: { glyph: crossed(outlined("M-0.9 0H0.3M0.8 -0.9V0.9", "red"), "M-0.7 0.7L0.3 -0.7", "red"), rank: 9 },
  started: { glyph: outlined("M0 -0.9L0.9 0.7H-0.9Z", "green"), rank: 7 },
  stopping: { glyph: outlined("M0 0.9L0.9 -0.7H-0.9Z", "muted"), rank: 7 },
};

/** The mark of an event on its lane; undefined for the two ends of a message, which the arrow shows. */
export function markOf(event: Pick<TimelineEvent, "kind" | "fields">): Mark | undefined {
  return markByFields(event) ?? gossipMarkByFields(event) ?? markOfKind(event.kind);
}

/** Where nothing is known of an event but its kind. */
export function markOfKind(kind: EventKind): Mark | undefined {
  return kind === "send" || kind === "receive" ? undefined : MARKS[kind];
}

/** Events that people look for from afar: elections, leader changes, view changes, proofs of lies, clocks that are not believed, decisions on proposals, changes of the members, snapshots for those that are far behind, faults. */
export const LANDMARK_KINDS: readonly EventKind[] = [
  "becameLeader",
  "becameCandidate",
  "steppedDown",
  "leadershipTransferStarted",
  "configurationChanged",
  "snapshotSending",
  "snapshotInstalled",
  "viewChangeStarted",
  "viewEntered",
  "equivocation",
  "proposalDecided",
  "stateInstalled",
  "heldBack",
  "partitioned",
  "healed",
  "recovered",
  "faultInjected",
  "faultHealed",
  "processEnded",
  "processStarted",
  "rewired",
  "promiseBroken",
];

export type Head =
  | "triangle"
  | "openTriangle"
  | "square"
  | "openSquare"
  | "chevron"
  | "ball"
  | "openBall"
  | "diamond"
  | "openDiamond";

export interface MessageStyle {
  readonly ink: Ink;
  /** CSS pixels. */
  readonly width: number;
  readonly dash: readonly number[];
  readonly head: Head;
}

const STYLES: Readonly<Record<MessageType, MessageStyle>> = {
  vote: { ink: "purple", width: 1.8, dash: [], head: "triangle" },
  voteReply: { ink: "purple", width: 1.3, dash: [7, 3], head: "openTriangle" },
  preVote: { ink: "purple", width: 1.2, dash: [2, 3], head: "triangle" },
  preVoteReply: { ink: "purple", width: 1.1, dash: [2, 5], head: "openTriangle" },
  append: { ink: "blue", width: 1.6, dash: [], head: "square" },
  appendReply: { ink: "blue", width: 1.1, dash: [7, 3], head: "openSquare" },
  heartbeat: { ink: "muted", width: 1, dash: [1, 3], head: "chevron" },
  heartbeatReply: { ink: "muted", width: 0.8, dash: [1, 6], head: "chevron" },
  forward: { ink: "green", width: 1.3, dash: [9, 3, 2, 3], head: "ball" },
  readIndex: { ink: "green", width: 1.3, dash: [9, 3, 2, 3], head: "ball" },
  readIndexReply: { ink: "green", width: 1.1, dash: [9, 3, 2, 3, 2, 3], head: "openBall" },
  installSnapshot: { ink: "orange", width: 2.2, dash: [], head: "square" },
  installSnapshotReply: { ink: "orange", width: 1.2, dash: [7, 3], head: "openSquare" },
  timeoutNow: { ink: "yellow", width: 1.8, dash: [], head: "triangle" },
  // The three phases: a square proposes, an open diamond agrees, a filled one decides.
  prePrepare: { ink: "blue", width: 1.8, dash: [], head: "square" },
  prepare: { ink: "orange", width: 1.2, dash: [7, 3], head: "openDiamond" },
  commit: { ink: "green", width: 1.3, dash: [], head: "diamond" },
  viewChange: { ink: "purple", width: 1.8, dash: [7, 3], head: "openTriangle" },
  newView: { ink: "yellow", width: 2.2, dash: [], head: "triangle" },
  fetchViewChange: { ink: "purple", width: 1, dash: [2, 5], head: "chevron" },
  request: { ink: "green", width: 1.3, dash: [9, 3, 2, 3], head: "ball" },
  read: { ink: "green", width: 1.1, dash: [2, 3], head: "ball" },
  readReply: { ink: "green", width: 1.1, dash: [2, 3], head: "openBall" },
  checkpoint: { ink: "muted", width: 1.3, dash: [5, 2], head: "openSquare" },
  fetchBatch: { ink: "blue", width: 1, dash: [2, 5], head: "openBall" },
  batch: { ink: "blue", width: 1.4, dash: [9, 3, 2, 3], head: "openSquare" },
  decided: { ink: "green", width: 1.6, dash: [9, 3], head: "square" },
  fetchState: { ink: "orange", width: 1, dash: [2, 5], head: "openTriangle" },
  stateChunk: { ink: "orange", width: 2.2, dash: [9, 3], head: "triangle" },
  status: { ink: "muted", width: 0.9, dash: [1, 3], head: "chevron" },
  // A rumour runs ahead, whole and pointed; digests and checksums whisper, and ask on in ranges; a delta brings packets; the state is heavy.
  rumour: { ink: "purple", width: 1.9, dash: [], head: "triangle" },
  digest: { ink: "muted", width: 0.9, dash: [1, 3], head: "openBall" },
  checksum: { ink: "muted", width: 0.9, dash: [1, 3], head: "ball" },
  ranges: { ink: "muted", width: 1.1, dash: [2, 3], head: "openSquare" },
  delta: { ink: "orange", width: 1.6, dash: [7, 3], head: "square" },
  state: { ink: "blue", width: 2.4, dash: [9, 3, 2, 3], head: "diamond" },
  stateReply: { ink: "blue", width: 1.1, dash: [2, 5], head: "openDiamond" },
  // As a rumour, and along a tree; what only keeps the tree whispers.
  broadcast: { ink: "purple", width: 1.9, dash: [], head: "diamond" },
  ihave: { ink: "muted", width: 0.8, dash: [1, 4], head: "openDiamond" },
  graft: { ink: "green", width: 1.3, dash: [7, 3], head: "chevron" },
  prune: { ink: "muted", width: 1.1, dash: [2, 3], head: "openTriangle" },
};

/** A rumour that its receiver had heard before: so that what spreads it stands out. */
export const STALE_RUMOUR: MessageStyle = { ink: "purple", width: 0.8, dash: [2, 3], head: "chevron" };

export const MESSAGE_ORDER = Object.keys(STYLES) as MessageType[];

export function messageStyle(type: MessageType): MessageStyle {
  return STYLES[type];
}

/** A reply that says no ends in a bar instead of its head. */
export function isRefusal(message: MessageInfo): boolean {
  const { granted, success, rejected } = message.fields;
  return granted === false || success === false || rejected === true;
}

export function isFilled(head: Head): boolean {
  return head === "triangle" || head === "square" || head === "ball" || head === "diamond";
}

/** Adds a head to a path: its point at x, y, coming from the direction (ux, uy), a unit vector. */
export function addHead(path: Path2D | CanvasPath, head: Head, x: number, y: number, ux: number, uy: number): void {
  const at = (along: number, aside: number): readonly [number, number] => [
    x + ux * along - uy * aside,
    y + uy * along + ux * aside,
  ];
  switch (head) {
    case "triangle":
    case "openTriangle":
      polygon(path, [at(0, 0), at(-8, 3.6), at(-8, -3.6)]);
      break;
    case "square":
    case "openSquare":
      polygon(path, [at(0, 3), at(-6, 3), at(-6, -3), at(0, -3)]);
      break;
    case "diamond":
    case "openDiamond":
      polygon(path, [at(0, 0), at(-4.6, 3.8), at(-9.2, 0), at(-4.6, -3.8)]);
      break;
    case "chevron":
      path.moveTo(...at(-5, 3));
      path.lineTo(...at(0, 0));
      path.lineTo(...at(-5, -3));
      break;
    case "ball":
    case "openBall": {
      const [cx, cy] = at(-3.2, 0);
      path.moveTo(cx + 3.2, cy);
      path.arc(cx, cy, 3.2, 0, 2 * Math.PI);
      break;
    }
  }
}

function polygon(path: Path2D | CanvasPath, corners: readonly (readonly [number, number])[]): void {
  corners.forEach(([x, y], i) => {
    if (i === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
  });
  path.closePath();
}

const HEAD_PATHS: Readonly<Record<Head, string>> = {
  triangle: "M30 6L22 2.4V9.6Z",
  openTriangle: "M30 6L22 2.4V9.6Z",
  square: "M24 3H30V9H24Z",
  openSquare: "M24 3H30V9H24Z",
  chevron: "M25 3L30 6L25 9",
  ball: "M30 6A3.2 3.2 0 1 1 23.6 6A3.2 3.2 0 1 1 30 6Z",
  openBall: "M30 6A3.2 3.2 0 1 1 23.6 6A3.2 3.2 0 1 1 30 6Z",
  diamond: "M31 6L26.4 2.2L21.8 6L26.4 9.8Z",
  openDiamond: "M31 6L26.4 2.2L21.8 6L26.4 9.8Z",
};

/** A message's line and head for the legend. */
export function messageSample(type: MessageType): TemplateResult {
  return styleSample(STYLES[type]);
}

export function styleSample(style: MessageStyle): TemplateResult {
  const ink = INK_CSS[style.ink];
  const fill = isFilled(style.head) ? ink : style.head === "chevron" ? "none" : INK_CSS.background;
  return html`<svg class="glyph" width="32" height="12" viewBox="0 0 32 12" aria-hidden="true">
    ${svg`<path d="M1 6H27" fill="none" stroke=${ink} stroke-width=${style.width} stroke-dasharray=${style.dash.join(" ") || "none"}></path>
    <path d=${HEAD_PATHS[style.head]} fill=${fill} stroke=${ink} stroke-width="1.2"></path>`}
  </svg>`;
}
