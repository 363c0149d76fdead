import type { AgentId } from "../consensus.ts";

/** A command line to run. No shell: `command` is a program, `args` go to it as they are. */
export interface TaskSpec {
  /** Unique in the swarm; chosen by the submitter, so that a retried submission is recognised. */
  readonly id: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Relative to the swarm's folder; empty = the folder itself. */
  readonly cwd: string;
  /** Ended when it runs longer; 0 = unlimited. */
  readonly timeoutMs: number;
  /** Runs in all, counting the first. Losing an agent does not use one up; a non-zero exit does. */
  readonly maxAttempts: number;
  /** An agent that must run it; empty = any. */
  readonly agent: AgentId;
}

/** pending -> leased -> (pending again when the lease is lost) -> completed | failed | cancelled. The last three are final. */
export type TaskState = "pending" | "leased" | "completed" | "failed" | "cancelled";

export interface TaskOutcome {
  /** null when a signal ended it or it could not be started. */
  readonly exitCode: number | null;
  readonly signal: string;
  /** Why it could not run or was ended; empty otherwise. */
  readonly error: string;
  /** The last bytes of stdout and stderr together, as UTF-8 text of at most 16 KiB. */
  readonly outputTail: string;
  readonly durationMs: number;
}

export interface Task {
  readonly spec: TaskSpec;
  readonly state: TaskState;
  /** Holder of the lease; empty when none. */
  readonly assignee: AgentId;
  /** Fencing token: the index of the entry that granted the present or last lease; 0 = never leased. */
  readonly token: number;
  /** Entry time (ms) at which the lease lapses; 0 when none. */
  readonly leaseUntilMs: number;
  /** Leases granted so far. */
  readonly leases: number;
  /** Runs that ended with a non-zero exit so far. */
  readonly failures: number;
  readonly outcome: TaskOutcome | null;
  readonly submittedAtMs: number;
  readonly finishedAtMs: number;
  /** Index of the entry that recorded the outcome: exactly one ever does. */
  readonly finishedIndex: number;
}

export type TaskCommand =
  | { readonly type: "submit"; readonly spec: TaskSpec }
  /** The leader gives a pending task to an agent. */
  | { readonly type: "assign"; readonly id: string; readonly agent: AgentId; readonly leaseMs: number }
  /** The holder keeps its lease alive. */
  | { readonly type: "renew"; readonly id: string; readonly token: number; readonly leaseMs: number }
  /** The leader takes a lease back (its holder is failed). */
  | { readonly type: "revoke"; readonly id: string; readonly token: number; readonly reason: string }
  /** The holder's outcome; refused unless the token is the present lease's. */
  | { readonly type: "complete"; readonly id: string; readonly token: number; readonly outcome: TaskOutcome }
  | { readonly type: "cancel"; readonly id: string };

export type TaskResult =
  /** submit: `created` false when the id was known already with the same spec. */
  | { readonly type: "accepted"; readonly created: boolean; readonly token: number }
  | {
      readonly type: "refused";
      readonly reason:
        | "unknownTask"
        | "notPending"
        | "staleToken"
        | "finished"
        | "idTaken"
        | "ledgerFull"
        | "wrongAgent";
    };

/** What changed in the ledger by one entry, for the executor, the timeline and people. */
export type TaskObservation =
  | { readonly type: "taskSubmitted"; readonly id: string }
  | {
      readonly type: "taskLeased";
      readonly id: string;
      readonly agent: AgentId;
      readonly token: number;
      readonly untilMs: number;
    }
  | {
      readonly type: "taskLeaseLost";
      readonly id: string;
      readonly agent: AgentId;
      readonly token: number;
      readonly reason: "revoked" | "expired" | "cancelled";
      readonly detail: string;
    }
  | { readonly type: "taskRetried"; readonly id: string; readonly agent: AgentId; readonly failures: number }
  | {
      readonly type: "taskFinished";
      readonly id: string;
      readonly agent: AgentId;
      readonly state: "completed" | "failed" | "cancelled";
      readonly token: number;
    }
  | { readonly type: "taskCompletionRefused"; readonly id: string; readonly token: number };
