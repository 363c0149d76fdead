import { quorumAmong } from "../../agent/consensus/quorum.ts";
import type { TimelineEvent } from "../../contract/timeline.ts";
import type { Broken } from "./broken.ts";
import type { ProtocolJudge } from "./protocol-judge.ts";

interface Decision {
  readonly digest: string;
  readonly fromIndex: number;
  readonly toIndex: number;
  readonly agent: string;
}

/**
 * The promises of PBFT (OSDI '99, §3 and §4.5) to agents that do not lie: they decide the same batch at each sequence number, one after the other, each of them on the word of a quorum; their
 * machines are the same after the same entries; none contradicts itself, also over a restart; and none is ever caught in a lie.
 */
export class PbftJudge implements ProtocolJudge {
  readonly #names: readonly string[];
  readonly #broken: Broken;
  readonly #quorum: number;
  readonly #liars = new Set<number>();
  readonly #decisions = new Map<number, Decision>();
  readonly #states = new Map<number, { readonly digest: number; readonly agent: string }>();
  /** By agent: what it accepted at a view's place, and the last place it executed in this life; 0: none yet. */
  readonly #accepted: Map<string, string>[];
  readonly #executed: number[];
  #entered = 0;
  #committed = 0;

  constructor(names: readonly string[], broken: Broken) {
    this.#names = names;
    this.#broken = broken;
    this.#quorum = quorumAmong(names.length, "pbft");
    this.#accepted = names.map(() => new Map());
    this.#executed = names.map(() => 0);
  }

  get elections(): number {
    return this.#entered;
  }

  get committed(): number {
    return this.#committed;
  }

  started(agent: number): void {
    this.#executed[agent] = 0;
  }

  crashed(): void {}

  appended(): void {}

  durable(): void {}

  observed(agent: number, { kind, fields }: TimelineEvent): void {
    if (this.#liars.has(agent)) return;
    const name = this.#names[agent] as string;
    switch (kind) {
      case "prePrepared":
        this.#accepts(agent, `view ${fields.view}, sequence ${fields.seq}`, String(fields.digest));
        break;
      case "prepared": {
        const by = fields.by as readonly string[];
        if (new Set(by).size < this.#quorum)
          this.#broken("prepared quorum", `${name} takes ${by.join(", ")} for a quorum at sequence ${fields.seq}`);
        break;
      }
      case "committed":
        this.#decides(agent, fields);
        break;
      case "stateInstalled":
        this.#executed[agent] = Number(fields.seq);
        break;
      case "viewEntered":
        if (fields.primary === name) this.#entered++;
        break;
      case "equivocation":
        if (!this.#liars.has(this.#names.indexOf(String(fields.culprit))))
          this.#broken("evidence", `${name} holds proof that ${fields.culprit} lies, which does not`);
        break;
    }
  }

  turned(): void {}

  snapshot(agent: number, applied: number, digest: number): void {
    if (this.#liars.has(agent)) return;
    const name = this.#names[agent] as string;
    const known = this.#states.get(applied);
    if (known === undefined) this.#states.set(applied, { digest, agent: name });
    else if (known.digest !== digest)
      this.#broken(
        "state machine safety",
        `${known.agent} and ${name} applied up to ${applied} and differ in their state`,
      );
  }

  lies(agent: number): void {
    this.#liars.add(agent);
  }

  #accepts(agent: number, place: string, digest: string): void {
    const accepted = this.#accepted[agent] as Map<string, string>;
    const known = accepted.get(place);
    if (known !== undefined && known !== digest)
      this.#broken("one word a place", `${this.#names[agent]} accepts ${digest} after ${known} in ${place}`);
    accepted.set(place, digest);
  }

  #decides(agent: number, fields: TimelineEvent["fields"]): void {
    const name = this.#names[agent] as string;
    const [seq, digest] = [Number(fields.seq), String(fields.digest)];
    const [fromIndex, toIndex] = [Number(fields.fromIndex), Number(fields.toIndex)];
    const acks = fields.acks as readonly string[];
    // None are told of what the agent knew to be decided in an earlier life.
    if (acks.length > 0 && new Set(acks).size < this.#quorum)
      this.#broken("committed quorum", `${name} takes ${acks.join(", ")} for a quorum at sequence ${seq}`);
    const before = this.#executed[agent] as number;
    if (before !== 0 && seq !== before + 1)
      this.#broken("total order", `${name} executes sequence ${seq} after ${before}`);
    this.#executed[agent] = seq;
    const known = this.#decisions.get(seq);
    if (known === undefined) this.#decisions.set(seq, { digest, fromIndex, toIndex, agent: name });
    else if (known.digest !== digest || known.fromIndex !== fromIndex || known.toIndex !== toIndex)
      this.#broken("state machine safety", `${known.agent} and ${name} decide differently at sequence ${seq}`);
    this.#committed = Math.max(this.#committed, toIndex);
  }
}
