/**
 * Who lies in a swarm, proved: evidence that agents tell of is verified with the swarm's keys, and kept beside the swarm, a JSON line each. What an agent says
 * without proof is not believed: a liar must not be able to brand an honest one.
 */
import { appendFileSync, closeSync, fsyncSync, openSync, readFileSync, statSync } from "node:fs";
import type { EvidenceLine, HeldEvidence } from "../contract/evidence.ts";
import { WrongShape } from "../live/checked-json.ts";
import { PRIVATE_MODE } from "../live/durable-file.ts";
import { diskSentence } from "../live/layout.ts";
import { checkedEvidenceLine, provesNothing, readProof } from "../live/proofs/evidence-line.ts";
import type { SwarmFile } from "../live/swarm-file.ts";

/** One is enough; more show how it went on. */
export const MAX_EVIDENCE_EACH = 16;
export const MAX_EVIDENCE = 1000;
/** So often an agent may tell what proves nothing before nothing more of it is looked at: verifying takes time. */
export const MAX_UNPROVED_CLAIMS = 16;
const MAX_FILE_BYTES = 2 * 1024 * 1024;

export interface EvidenceKeeperOptions {
  /** Where it is kept. */
  readonly path: string;
  /** As it is at the moment of asking. */
  readonly swarm: () => Pick<SwarmFile, "id" | "name" | "agents">;
  readonly notice: (level: "warning" | "error", message: string) => void;
}

export class EvidenceKeeper {
  readonly #options: EvidenceKeeperOptions;
  readonly #held: HeldEvidence[] = [];
  /** A liar's lies are told apart by where they are, which the statement says. */
  readonly #statements = new Set<string>();
  /** Of each proven liar who found proof. */
  readonly #finders = new Map<string, Set<string>>();
  readonly #unproved = new Map<string, number>();
  /** The file could not be written; said once. */
  #unwritten = false;
  /** What an earlier coordinator wrote last may have no end. */
  #torn = false;

  /** Takes what an earlier coordinator kept: each line that still proves something. */
  constructor(options: EvidenceKeeperOptions) {
    this.#options = options;
    const damaged = this.#readKept();
    if (damaged > 0)
      options.notice(
        "warning",
        `${damaged} ${damaged === 1 ? "line" : "lines"} of ${options.path} ${damaged === 1 ? "proves" : "prove"} nothing and ${damaged === 1 ? "is" : "are"} not believed: agent-mesh verify ${options.path} says why.`,
      );
  }

  /** All of it, in the order in which it was found. */
  get held(): readonly HeldEvidence[] {
    return this.#held;
  }

  /** Who was proved to lie, with who found proof of it, sorted. */
  get liars(): ReadonlyMap<string, readonly string[]> {
    const sorted = [...this.#finders].sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(sorted.map(([culprit, by]) => [culprit, [...by].sort()]));
  }

  /** What is proved of one, as sentences. */
  statementsOf(culprit: string): readonly string[] {
    return this.#held.flatMap((one) => (one.culprit === culprit ? [one.statement] : []));
  }

  /** An agent tells that it caught another. @returns whether anybody is now known for a liar, or better known, who was not */
  told(by: string, digits: unknown): boolean {
    if ((this.#unproved.get(by) ?? 0) >= MAX_UNPROVED_CLAIMS) return false;
    if (typeof digits !== "string") return this.#disbelieve(by, "it shows no evidence");
    const { evidence, statement, problem } = readProof(digits);
    if (evidence === undefined) return this.#disbelieve(by, problem as string);
    const { culprit } = evidence;
    const finders = this.#finders.get(culprit);
    const enough = this.#statements.has(statement) || this.#full(culprit);
    if (enough && finders?.has(by) === true) return false;
    const { id, name, agents } = this.#options.swarm();
    const entry = agents.find((one) => one.id === culprit);
    if (entry === undefined) return this.#disbelieve(by, `there is no agent "${culprit}"`);
    const why = provesNothing(evidence, entry);
    if (why !== undefined) return this.#disbelieve(by, why);
    if (!enough) {
      const line: EvidenceLine = {
        ...({ type: "evidence", version: 1, swarm: id, name, culprit, publicKey: entry.publicKey } as const),
        ...{ evidence: digits.toLowerCase(), by, atMs: Date.now() },
      };
      this.#hold(line, statement);
      this.#write(line);
    }
    this.#found(culprit, by);
    return true;
  }

  #full(culprit: string): boolean {
    return this.#held.length >= MAX_EVIDENCE || this.statementsOf(culprit).length >= MAX_EVIDENCE_EACH;
  }

  #hold(line: EvidenceLine, statement: string): void {
    this.#held.push({ ...line, statement });
    this.#statements.add(statement);
  }

  #found(culprit: string, by: string): void {
    const finders = this.#finders.get(culprit);
    if (finders === undefined) this.#finders.set(culprit, new Set([by]));
    else finders.add(by);
  }

  #disbelieve(by: string, why: string): false {
    const times = (this.#unproved.get(by) ?? 0) + 1;
    this.#unproved.set(by, times);
    if (times === 1) this.#options.notice("warning", `${by} calls another agent a liar, and is not believed: ${why}.`);
    return false;
  }

  #write(line: EvidenceLine): void {
    const { path, notice } = this.#options;
    try {
      const file = openSync(path, "a", PRIVATE_MODE);
      try {
        appendFileSync(file, `${this.#torn ? "\n" : ""}${JSON.stringify(line)}\n`);
        fsyncSync(file);
        this.#torn = false;
      } finally {
        closeSync(file);
      }
    } catch (error) {
      // Part of it may be there.
      this.#torn = true;
      if (this.#unwritten) return;
      this.#unwritten = true;
      notice("error", `Evidence is not kept. ${diskSentence(path, error as NodeJS.ErrnoException)}`);
    }
  }

  /** @returns how many lines of the file prove nothing */
  #readKept(): number {
    const { path, notice } = this.#options;
    let text: string;
    try {
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      if (size === undefined) return 0;
      if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, and at most ${MAX_FILE_BYTES} are read`);
      text = readFileSync(path, "utf8");
    } catch (error) {
      notice("error", `The evidence in ${path} cannot be read: ${(error as Error).message}.`);
      return 0;
    }
    this.#torn = text !== "" && !text.endsWith("\n");
    const written = text.split("\n").filter((line) => line !== "");
    return written.filter((line) => !this.#takeKept(line)).length;
  }

  #takeKept(written: string): boolean {
    const { id, agents } = this.#options.swarm();
    try {
      const line = checkedEvidenceLine(JSON.parse(written));
      const { evidence, statement } = readProof(line.evidence);
      const entry = agents.find((one) => one.id === line.culprit);
      if (evidence === undefined || evidence.culprit !== line.culprit || line.swarm !== id) return false;
      if (entry === undefined || entry.publicKey !== line.publicKey) return false;
      if (provesNothing(evidence, entry) !== undefined) return false;
      if (this.#statements.has(statement) || this.#full(line.culprit)) return true;
      this.#hold(line, statement);
      this.#found(line.culprit, line.by);
      return true;
    } catch (error) {
      if (error instanceof WrongShape || error instanceof SyntaxError) return false;
      throw error;
    }
  }
}
