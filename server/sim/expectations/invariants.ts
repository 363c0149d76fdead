import type { ExpectationResult, InvariantName } from "../../contract/expect.ts";

/** Which named invariant each checker's finding belongs to; what is not here (an agent that stops itself, say) is never expected away. */
const INVARIANT_OF: Readonly<Record<string, InvariantName>> = {
  "election safety": "electionSafety",
  "single vote": "electionSafety",
  "election quorum": "electionSafety",
  "log matching": "logMatching",
  "leader append-only": "logMatching",
  "leader completeness": "leaderCompleteness",
  "commit rule": "leaderCompleteness",
  "commit durability": "leaderCompleteness",
  "state machine safety": "stateMachineSafety",
  snapshots: "stateMachineSafety",
  "linearizable memory": "linearizableMemory",
  "tasks exactly once": "tasksExactlyOnce",
  "lease tokens": "leaseHeldOnce",
};

/** @param finding a checker's name for what it found */
export function invariantOf(finding: string): InvariantName | undefined {
  return INVARIANT_OF[finding];
}

export interface InvariantFindings {
  readonly expected: readonly InvariantName[];
  /** The first thing that broke, whatever it was; `atMs` as results count. */
  readonly violation: { readonly invariant: string; readonly atMs: number; readonly detail: string } | null;
  /** What each was judged on, for people: "12 elections". */
  readonly judgedOn: Readonly<Partial<Record<InvariantName, string>>>;
  /** Why the search for an order of the memory's operations gave up; "" = it did not. */
  readonly undecided: string;
}

const JUDGED_AT_THE_END: ReadonlySet<InvariantName> = new Set(["linearizableMemory", "tasksExactlyOnce"]);

/** A result for each expected invariant, in a simulated run. */
export function invariantResults(findings: InvariantFindings): ExpectationResult[] {
  const { expected, violation, judgedOn, undecided } = findings;
  const broken = violation === null ? undefined : invariantOf(violation.invariant);
  return expected.map((name) => {
    const result = { name, kind: "invariant", measured: judgedOn[name] ?? "", bound: "" } as const;
    if (violation !== null && name === broken)
      return { ...result, held: false, detail: violation.detail, brokenAtMs: violation.atMs };
    if (violation !== null && JUDGED_AT_THE_END.has(name))
      return {
        ...result,
        held: null,
        detail: `Not judged: the run ended early (${violation.invariant}).`,
        brokenAtMs: null,
      };
    if (name === "linearizableMemory" && undecided !== "")
      return { ...result, held: null, detail: `Not decided: ${undecided}.`, brokenAtMs: null };
    const until = violation === null ? "" : `Held until the run ended early (${violation.invariant}).`;
    return { ...result, held: true, detail: until, brokenAtMs: null };
  });
}
