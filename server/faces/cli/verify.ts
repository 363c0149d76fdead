import { existsSync, readFileSync, statSync } from "node:fs";
import { type ProofVerdict, verdictText } from "../../contract/evidence.ts";
import { WrongShape } from "../../live/checked-json.ts";
import { publicKeyOf } from "../../live/identity.ts";
import { readJson } from "../../live/layout.ts";
import type { Ground } from "../../live/proofs/ground.ts";
import { MAX_PROOFS_CHARACTERS, verifyProofs } from "../../live/proofs/verify.ts";
import { checkedSwarm } from "../../live/swarm-file.ts";
import { type Arguments, type Flags, UsageError } from "./arguments.ts";
import type { Output } from "./output.ts";

/** `agent-mesh verify FILE|TEXT`: whether proofs hold, offline. @returns the exit code: 0 all hold, 1 one does not. @throws UsageError; LayoutProblem */
export function verifyCommand({ words, flags }: Arguments, output: Output): number {
  const [word] = words;
  if (word === undefined || words.length > 1)
    throw new UsageError("verify takes one proof, as a text or a file: agent-mesh verify FILE|TEXT");
  const ground = groundOf(flags);
  const verdicts = verdictsOf(word, ground);
  output.answer(verdicts, () => verdicts.map((one) => lineText(one, verdicts.length)).join("\n"));
  const trusting = verdicts.filter(({ key, problem }) => key === "itself" && problem === undefined);
  const oneKey = trusting.some(({ type }) => type !== "certificate") ? ", or against a key with --key" : "";
  if (trusting.length > 0) output.note(`hold it against the swarm with --swarm .agent-mesh/ID/swarm.json${oneKey}.`);
  return verdicts.every(({ problem }) => problem === undefined) ? 0 : 1;
}

function verdictsOf(word: string, ground: Ground | undefined): ProofVerdict[] {
  const file = existsSync(word);
  try {
    return verifyProofs(file ? contentsOf(word) : word, () => ground);
  } catch (error) {
    if (error instanceof WrongShape) throw new Error(`${file ? `${word}: ` : ""}${error.message}.`);
    throw error;
  }
}

/** @throws Error when it cannot be read */
function contentsOf(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > MAX_PROOFS_CHARACTERS)
      throw new Error(`it has ${size} bytes, and at most ${MAX_PROOFS_CHARACTERS} are read`);
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}.`);
  }
}

/** @throws UsageError; LayoutProblem when the swarm's file is damaged or not there */
function groundOf({ swarm, key }: Flags): Ground | undefined {
  if (swarm !== undefined && key !== undefined)
    throw new UsageError("verify holds proof against --swarm or --key, not both.");
  if (swarm !== undefined) return { swarm: readJson(swarm, checkedSwarm) };
  if (key === undefined) return undefined;
  try {
    publicKeyOf(key);
  } catch (error) {
    throw new UsageError(
      `--key takes an Ed25519 public key as swarm.json has it, base64: ${(error as Error).message}.`,
    );
  }
  return { key };
}

function lineText(verdict: ProofVerdict, count: number): string {
  const text = verdictText(verdict);
  return count === 1 ? text : `line ${verdict.line}: ${text}`;
}
