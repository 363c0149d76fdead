import {
  type EvidenceLine,
  type HeldEvidence,
  type ProofVerdict,
  verdictText,
} from "../../server/contract/evidence.ts";

/** What is held against one agent, as the lines that `verify` takes. */
export function evidenceLines(held: readonly HeldEvidence[], agent: string): string[] {
  return held.flatMap(({ statement: _, ...line }) => {
    const written: EvidenceLine = line;
    return written.culprit === agent ? [JSON.stringify(written)] : [];
  });
}

/** What is told of verdicts: one in a sentence, several in a document. */
export function told(verdicts: readonly ProofVerdict[]): {
  readonly title: string;
  readonly text: string;
  readonly holds: boolean;
} {
  const broken = verdicts.filter(({ problem }) => problem !== undefined).length;
  const [only] = verdicts;
  const text =
    verdicts.length === 1 && only !== undefined
      ? `Evidence ${verdictText(only)}`
      : verdicts.map((one) => `line ${one.line}: ${verdictText(one)}\n`).join("");
  return { title: `Evidence, ${verdicts.length - broken} of ${verdicts.length} hold`, text, holds: broken === 0 };
}
