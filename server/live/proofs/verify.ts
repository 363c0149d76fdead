import { type EvidenceLine, PROOF_TYPES, type ProofType, type ProofVerdict } from "../../contract/evidence.ts";
import type { Certificate } from "../../contract/proposals.ts";
import { asFields, oneOf, WrongShape } from "../checked-json.ts";
import { checkedCertificate, statementOf } from "./certificate.ts";
import { provesNoDecision } from "./certificate-problem.ts";
import { checkedEvidenceLine, provesNothing, readProof } from "./evidence-line.ts";
import { type Ground, type GroundOf, otherSwarm, stranger } from "./ground.ts";

/** Characters of a text with proofs, and proofs in it, at most. */
export const MAX_PROOFS_CHARACTERS = 1024 * 1024;
export const MAX_PROOFS = 1000;

type Verdict = Omit<ProofVerdict, "line">;

/** A verifier for every type of proof that is a JSON object. */
const VERIFIERS: Readonly<Record<ProofType, (value: unknown, groundOf: GroundOf) => Verdict>> = {
  evidence: (value, groundOf) => verdictOfLine(checkedEvidenceLine(value), groundOf),
  certificate: (value, groundOf) => verdictOfCertificate(checkedCertificate(value), groundOf),
};

/**
 * Verifies proofs: evidence as hexadecimal digits, a proof as a JSON object, lines of these, a JSON object on many lines, or a JSON list of objects. A verdict for each.
 * @throws WrongShape when there is none in it, or too many
 */
export function verifyProofs(text: string, groundOf: GroundOf): ProofVerdict[] {
  if (text.length > MAX_PROOFS_CHARACTERS)
    throw new WrongShape(`proofs have at most ${MAX_PROOFS_CHARACTERS} characters together, and this is longer`);
  const verdicts = listed(text) ?? spread(text) ?? lines(text);
  if (verdicts.length === 0) throw new WrongShape("there is no proof in it");
  if (verdicts.length > MAX_PROOFS) throw new WrongShape(`at most ${MAX_PROOFS} proofs are verified at a time`);
  return verdicts.map(({ line, verdict }) => ({ line, ...verdict(groundOf) }));
}

interface Found {
  readonly line: number;
  readonly verdict: (groundOf: GroundOf) => Verdict;
}

function lines(text: string): Found[] {
  return text.split("\n").flatMap((written, at): Found[] => {
    const proof = written.trim();
    if (proof === "") return [];
    return [{ line: at + 1, verdict: (ground) => verdictOfText(proof, ground) }];
  });
}

/** A JSON list, whose elements are counted as lines. @throws WrongShape when it begins like one and is none */
function listed(text: string): Found[] | undefined {
  if (!text.trimStart().startsWith("[")) return undefined;
  const list = parsed(text) as readonly unknown[];
  return list.map((value, at) => ({ line: at + 1, verdict: (ground) => verdictOfJson(value, ground) }));
}

/** One JSON object on many lines, as a certificate is written into a file. Also when it is cut short: its lines are no proofs of their own. */
function spread(text: string): Found[] | undefined {
  const [first = "", ...rest] = text.trim().split("\n");
  if (!first.startsWith("{") || rest.length === 0 || isJson(first)) return undefined;
  return [{ line: 1, verdict: (ground) => verdictOfText(text.trim(), ground) }];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function verdictOfText(proof: string, groundOf: GroundOf): Verdict {
  if (!proof.startsWith("{")) return verdictOfDigits(proof, groundOf(undefined));
  let value: unknown;
  try {
    value = parsed(proof);
  } catch (error) {
    if (error instanceof WrongShape) return unread(error.message);
    throw error;
  }
  return verdictOfJson(value, groundOf);
}

function verdictOfJson(value: unknown, groundOf: GroundOf): Verdict {
  try {
    const type = oneOf(asFields(value, "proof"), "type", "proof", PROOF_TYPES);
    return VERIFIERS[type](value, groundOf);
  } catch (error) {
    if (error instanceof WrongShape) return unread(error.message);
    throw error;
  }
}

function verdictOfDigits(digits: string, ground: Ground | undefined): Verdict {
  const { evidence, statement, problem } = readProof(digits);
  if (evidence === undefined) return unread(problem as string);
  const { culprit } = evidence;
  const swarm = ground !== undefined && "swarm" in ground ? ground.swarm.name : "";
  const about = { type: "evidence", statement, culprit, swarm } as const;
  if (ground === undefined) {
    const needed =
      "digits alone carry no public key: name the swarm's swarm.json or the culprit's key to hold it against";
    return { ...about, problem: needed };
  }
  if ("key" in ground) return judged(about, "given", provesNothing(evidence, { id: culprit, publicKey: ground.key }));
  const entry = ground.swarm.agents.find(({ id }) => id === culprit);
  return judged(about, "swarm", entry === undefined ? stranger(culprit, ground.swarm) : provesNothing(evidence, entry));
}

function verdictOfLine(line: EvidenceLine, groundOf: GroundOf): Verdict {
  const { evidence, statement, problem } = readProof(line.evidence);
  const about = { type: "evidence", statement, culprit: line.culprit, swarm: line.name } as const;
  if (evidence === undefined) return { ...about, problem: problem as string };
  if (evidence.culprit !== line.culprit)
    return {
      ...about,
      problem: `it is called evidence against "${line.culprit}", and is against "${evidence.culprit}"`,
    };
  const ground = groundOf(line.swarm);
  const own = { id: line.culprit, publicKey: line.publicKey };
  if (ground === undefined) return judged(about, "itself", provesNothing(evidence, own));
  const source = "key" in ground ? "given" : "swarm";
  return judged(about, source, otherKey(line, ground) ?? provesNothing(evidence, own));
}

function verdictOfCertificate(certificate: Certificate, groundOf: GroundOf): Verdict {
  const ground = groundOf(certificate.swarm);
  const about = {
    type: "certificate",
    statement: statementOf(certificate),
    culprit: "",
    swarm: certificate.name,
  } as const;
  const problem = provesNoDecision(certificate, ground);
  // One key proves nothing of all voters.
  if (ground !== undefined && "key" in ground) return { ...about, problem: problem as string };
  return judged(about, ground === undefined ? "itself" : "swarm", problem);
}

/** Why the line's key is not the one it is held against; undefined: it is. */
function otherKey(line: EvidenceLine, ground: Ground): string | undefined {
  const { culprit, publicKey } = line;
  if ("key" in ground) return publicKey === ground.key ? undefined : "its public key is not the one given";
  const other = otherSwarm(line, ground.swarm);
  if (other !== undefined) return other;
  const entry = ground.swarm.agents.find(({ id }) => id === culprit);
  if (entry === undefined) return stranger(culprit, ground.swarm);
  return entry.publicKey === publicKey
    ? undefined
    : `its public key is not that of ${culprit} in ${ground.swarm.name} (${ground.swarm.id})`;
}

function judged(about: Verdict, key: NonNullable<Verdict["key"]>, problem: string | undefined): Verdict {
  return { ...about, key, ...(problem === undefined ? {} : { problem }) };
}

function unread(problem: string): Verdict {
  return { statement: "", culprit: "", swarm: "", problem };
}

/** @throws WrongShape */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser shows a piece of the text.
    throw new WrongShape(`it is no JSON: ${(error as Error).message.replace(/\p{Cc}+/gu, " ")}`);
  }
}
