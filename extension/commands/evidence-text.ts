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
      ? `${nameOf(only)} ${verdictText(only)}`
      : verdicts.map((one) => `line ${one.line}: ${verdictText(one)}\n`).join("");
  return {
    title: `${subjectOf(verdicts)}, ${verdicts.length - broken} of ${verdicts.length} hold`,
    text,
    holds: broken === 0,
  };
}

function nameOf({ type }: ProofVerdict): string {
  if (type === undefined) return "This";
  return type === "certificate" ? "Certificate" : "Evidence";
}

function subjectOf(verdicts: readonly ProofVerdict[]): string {
  if (verdicts.every(({ type }) => type === "certificate")) return "Certificates";
  return verdicts.every(({ type }) => type === "evidence") ? "Evidence" : "Proofs";
}
