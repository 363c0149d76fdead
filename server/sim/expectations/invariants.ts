import type { ExpectationName, ExpectationResult, InvariantName } from "../../contract/expect.ts";

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
  "proposals decided once": "proposalsDecidedOnce",
  convergence: "convergence",
};

/** @param finding a checker's name for what it found */
export function invariantOf(finding: string): InvariantName | undefined {
  return INVARIANT_OF[finding];
}

export interface InvariantFindings {
  readonly expected: readonly InvariantName[];
  /** What the mesh file itself names. */
  readonly stated: readonly ExpectationName[];
  /** The first thing that broke, whatever it was; `atMs` as results count. */
  readonly violation: { readonly invariant: string; readonly atMs: number; readonly detail: string } | null;
  /** What each was judged on, for people: "12 elections". */
  readonly judgedOn: Readonly<Partial<Record<InvariantName, string>>>;
  /** Why the search for an order of the memory's operations gave up; "" = it did not. */
  readonly undecided: string;
  /** The mesh file says nothing of proposals: none are made. */
  readonly nothingProposed: boolean;
}

const JUDGED_AT_THE_END: ReadonlySet<InvariantName> = new Set([
  "linearizableMemory",
  "tasksExactlyOnce",
  "convergence",
]);
const NOTHING_PROPOSED = "Not judged: nothing is proposed, as the mesh file has no proposals section.";

/** A result for each expected invariant, in a simulated run; where there was nothing to judge, only if the file itself expects it. */
export function invariantResults(findings: InvariantFindings): ExpectationResult[] {
  const { expected, stated, violation, judgedOn, undecided, nothingProposed } = findings;
  const broken = violation === null ? undefined : invariantOf(violation.invariant);
  const idle = (name: InvariantName): boolean => nothingProposed && name === "proposalsDecidedOnce";
  const judged = expected.filter((name) => !idle(name) || stated.includes(name));
  return judged.map((name) => {
    const result = { name, kind: "invariant", measured: judgedOn[name] ?? "", bound: "" } as const;
    if (idle(name)) return { ...result, measured: "", held: null, detail: NOTHING_PROPOSED, brokenAtMs: null };
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
