/** What can be broken, whom it hits, and how it is undone. */

export const FAULT_KINDS = ["crash", "pause", "partition", "isolate", "slow", "lossy"] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Whom: an agent's id, or `leader` (whoever leads when the fault is injected). */
export type FaultTarget = string;

export type FaultSpec =
  /** The process is killed (SIGKILL). Healing starts it again from its own disk. */
  | { readonly kind: "crash"; readonly agent: FaultTarget; readonly forMs?: number }
  /** The process is stopped (SIGSTOP). Healing lets it go on. Refused on Windows. */
  | { readonly kind: "pause"; readonly agent: FaultTarget; readonly forMs?: number }
  /** Nothing passes between different sides, in either direction. Agents that are named on no side form one more side together. */
  | { readonly kind: "partition"; readonly sides: readonly (readonly FaultTarget[])[]; readonly forMs?: number }
  /** Nothing passes to or from the agent. */
  | { readonly kind: "isolate"; readonly agent: FaultTarget; readonly forMs?: number }
  /** A link (both directions), or with `b` absent all links of `a`, delayed by delayMs ± jitterMs. */
  | {
      readonly kind: "slow";
      readonly a: FaultTarget;
      readonly b?: FaultTarget;
      readonly delayMs: number;
      readonly jitterMs?: number;
      readonly forMs?: number;
    }
  /** As above, dropping this share of frames, in (0, 1]. */
  | {
      readonly kind: "lossy";
      readonly a: FaultTarget;
      readonly b?: FaultTarget;
      readonly loss: number;
      readonly forMs?: number;
    };

export interface ActiveFault {
  readonly id: string;
  readonly spec: FaultSpec;
  /** The agents it came to hit, `leader` resolved. */
  readonly agents: readonly string[];
  /** One line for people: "a3 crashed", "a1, a2 | a3, a4, a5 partitioned". */
  readonly title: string;
  readonly sinceMs: number;
  /** When it heals by itself; null = when told. */
  readonly untilMs: number | null;
  /** Who asked: a person, or the mesh file's plan. itself: nobody, the agent's process died by itself; healing starts it again. */
  readonly source: "person" | "plan" | "itself";
}

/** What one agent does to frames of one link, in the world around it. Ends by itself at untilMs even when nobody is left to heal it. */
export interface LinkRule {
  readonly faultId: string;
  readonly peer: string;
  readonly direction: "in" | "out";
  readonly drop: number;
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly untilMs: number | null;
}
