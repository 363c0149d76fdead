/** What a webview and the extension say to each other (postMessage). Requests carry a number, replies bring it back. */
import type { CoordinatorMethod, CoordinatorRequests } from "./coordinator.ts";
import type { MessageAction } from "./faults.ts";
import type { MetricsView } from "./metrics.ts";
import type { SwarmView } from "./swarm.ts";
import type { MessageType } from "./timeline.ts";

export type WebviewKind = "topology" | "rounds" | "metrics";

/** Requests a webview may pass through to the coordinator; the extension refuses every other. */
export const WEBVIEW_METHODS = [
  "timeline",
  "timelineEvent",
  "timelineSearch",
  "metrics",
  "healFault",
] as const satisfies readonly CoordinatorMethod[];
export type WebviewMethod = (typeof WEBVIEW_METHODS)[number];

export type ToExtension =
  /** Sent once the page can take a snapshot; the extension holds everything until then. */
  | { readonly type: "ready"; readonly view: WebviewKind }
  | {
      readonly [M in WebviewMethod]: {
        readonly type: "request";
        readonly id: number;
        readonly method: M;
        readonly params: CoordinatorRequests[M]["params"];
      };
    }[WebviewMethod]
  /** Runs one of the extension's own commands (agentMesh.*) with this argument; only listed ones are allowed. */
  | { readonly type: "command"; readonly command: WebviewCommand; readonly argument?: unknown };

/** What `agentMesh.injectFailure` is told of the thing that a person points at: a swarm, an agent, a link, or messages. */
export interface InjectTarget {
  readonly swarm: string;
  readonly agent?: string;
  /** Both or neither. */
  readonly a?: string;
  readonly b?: string;
  readonly message?: MessageTarget;
}

/** Messages such as one in the rounds view, or on one way of a link. */
export interface MessageTarget {
  /** Absent: of every type. */
  readonly type?: MessageType;
  readonly from: string;
  readonly to: string;
  /** What shall befall them; absent: the person is asked. */
  readonly action?: MessageAction["action"];
  /** The same the other way, too. */
  readonly bothWays?: boolean;
}

export const WEBVIEW_COMMANDS = [
  "agentMesh.initSwarm",
  /** argument: the swarm id that all views shall show. */
  "agentMesh.selectSwarm",
  "agentMesh.injectFailure",
  "agentMesh.heal",
  "agentMesh.healAll",
  "agentMesh.openTopology",
  "agentMesh.showRounds",
  "agentMesh.viewMetrics",
  "agentMesh.submitTask",
  "agentMesh.stopSwarm",
  "agentMesh.watchSimulation",
  "agentMesh.setSimulationSpeed",
  "agentMesh.pauseSimulation",
  "agentMesh.resumeSimulation",
] as const;
export type WebviewCommand = (typeof WEBVIEW_COMMANDS)[number];

export type ToWebview =
  /** The whole state, when the view appears or appears again: deltas it missed are never replayed. */
  | {
      readonly type: "snapshot";
      readonly view: WebviewKind;
      readonly swarm: SwarmView | null;
      readonly swarms: readonly { readonly id: string; readonly name: string }[];
      readonly trusted: boolean;
      readonly metrics?: MetricsView;
    }
  | { readonly type: "swarmChanged"; readonly swarm: SwarmView }
  | { readonly type: "timelineGrew"; readonly swarm: string; readonly stored: number; readonly lastMs: number }
  | { readonly type: "metrics"; readonly metrics: MetricsView }
  | { readonly type: "reply"; readonly id: number; readonly result: unknown }
  | { readonly type: "failure"; readonly id: number; readonly message: string }
  /** Select an event or an agent (from a tree, a notification). */
  | { readonly type: "reveal"; readonly event?: string; readonly agent?: string };
