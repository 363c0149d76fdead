import { type EvidenceLine, signedTwiceText } from "../../contract/evidence.ts";
import { MalformedBytes } from "../../core/bytes.ts";
import { MAX_EVIDENCE_DIGITS, readEvidence, verifyEvidence } from "../../core/pbft/evidence.ts";
import type { Evidence } from "../../core/pbft/types.ts";
import { asFields, integer, number, oneOf, text } from "../checked-json.ts";
import { isId } from "../swarm-file.ts";
import { checkedId, MAX_KEY_CHARACTERS } from "./proof-fields.ts";
import { type KeyEntry, rosterKeys } from "./roster-keys.ts";

/** Its form, and not whether it proves anything. @throws WrongShape naming the field */
export function checkedEvidenceLine(value: unknown): EvidenceLine {
  const where = "evidence";
  const fields = asFields(value, where);
  return {
    type: oneOf(fields, "type", where, ["evidence"]),
    version: integer(fields, "version", where, 1, 1) as 1,
    swarm: checkedId(fields, "swarm", where),
    name: checkedId(fields, "name", where),
    culprit: checkedId(fields, "culprit", where),
    publicKey: text(fields, "publicKey", where, MAX_KEY_CHARACTERS),
    evidence: text(fields, "evidence", where, MAX_EVIDENCE_DIGITS),
    by: checkedId(fields, "by", where),
    atMs: number(fields, "atMs", where, 0, Number.MAX_SAFE_INTEGER),
  };
}

/** What evidence says, and whether it proves that. */
export interface ReadProof {
  /** undefined: it cannot be read. */
  readonly evidence?: Evidence;
  /** Empty where it cannot be read. */
  readonly statement: string;
  /** Why it proves nothing; undefined: it does. */
  readonly problem?: string;
}

/** Only its form. */
export function readProof(digits: string): ReadProof {
  try {
    const evidence = readEvidence(digits);
    // Its text is shown to people: what no agent can be called is none.
    if (!isId(evidence.culprit)) throw new MalformedBytes(`no agent is called ${JSON.stringify(evidence.culprit)}`);
    return { evidence, statement: signedTwiceText(evidence) };
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
    return { statement: "", problem: `it cannot be read: ${error.message}` };
  }
}

/** @param entry the key to hold it against. @returns why it proves nothing; undefined: its owner lied */
export function provesNothing(evidence: Evidence, entry: KeyEntry): string | undefined {
  let keys: ReturnType<typeof rosterKeys>;
  try {
    keys = rosterKeys([entry]);
  } catch (error) {
    return `the public key of ${JSON.stringify(entry.id)} is none: ${(error as Error).message}`;
  }
  return verifyEvidence(evidence, keys);
}
