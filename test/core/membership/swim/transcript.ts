import type { AgentId } from "../../../../server/core/consensus.ts";
import { SwimCodec } from "../../../../server/core/membership/swim/codec.ts";
import { SwimMembership } from "../../../../server/core/membership/swim/swim.ts";
import type { MembershipMessage, SwimMessage } from "../../../../server/core/membership/types.ts";
import { seededRandom } from "../../../../server/core/random.ts";
import { described, observed } from "./script.ts";
import { QUIET } from "./settings.ts";

interface Node {
  readonly id: AgentId;
  readonly core: SwimMembership;
  readonly incarnation: number;
}

interface Packet {
  readonly from: AgentId;
  readonly to: AgentId;
  readonly message: MembershipMessage;
}

/**
 * Probing members that do one command at a time and print what came of it, for transcripts that people read and compare. Messages take no time. Each line begins with the ms since the start;
 * news is a member with its counter (and its incarnation, where it is not the first): ? suspected, x failed, - left.
 *
 *     members a b c          starts them
 *     run 400                lets so many ms pass for all
 *     run 400 without c      the same, and all to and from c is lost
 *     kill c                 it is gone
 *     start c                its next life
 *     link down a b          a learns that its link to b closed
 *     link up a b            a learns that its link to b is open
 *     leave c                it says goodbye
 *     status                 how each sees all
 */
export class Transcript {
  readonly #nodes = new Map<AgentId, Node>();
  readonly #lives = new Map<AgentId, number>();
  #members: readonly AgentId[] = [];
  #codec = new SwimCodec([]);
  #nowMs = 0;
  #lost: readonly AgentId[] = [];
  #lines: string[] = [];
  #network: Packet[] = [];

  /** @returns what it printed. @throws Error on a command that there is not. */
  run(command: string): string {
    const [verb, ...words] = command.split(" ");
    this.#lines = [];
    this.#lost = words[1] === "without" ? words.slice(2) : [];
    if (verb === "members") this.#start(words);
    else if (verb === "run") this.#run(Number(words[0]));
    else if (verb === "kill") this.#nodes.delete(words[0] ?? "");
    else if (verb === "start") this.#turn(this.#born(words[0] ?? ""));
    else if (verb === "link") this.#link(words[0], this.#node(words[1]), words[2] ?? "");
    else if (verb === "leave") this.#act(this.#node(words[0]), (core) => core.leave(this.#nowMs));
    else if (verb === "status") this.#status();
    else throw new Error(`no such command: ${command}`);
    this.#deliver();
    return this.#lines.length === 0 ? "nothing" : this.#lines.join("\n");
  }

  #start(members: readonly AgentId[]): void {
    this.#members = members;
    this.#codec = new SwimCodec(members);
    for (const id of members) this.#born(id);
    for (const node of this.#nodes.values()) this.#turn(node);
  }

  #born(id: AgentId): Node {
    const incarnation = (this.#lives.get(id) ?? 0) + 1;
    this.#lives.set(id, incarnation);
    const config = { id, members: this.#members, ...QUIET };
    const core = new SwimMembership(config, incarnation, this.#nowMs, seededRandom(`${id}.${incarnation}`));
    const node = { id, core, incarnation };
    this.#nodes.set(id, node);
    this.#print(`${id}.${incarnation} starts`);
    return node;
  }

  #node(id: string | undefined): Node {
    const node = this.#nodes.get(id ?? "");
    if (node === undefined) throw new Error(`${id} does not run`);
    return node;
  }

  #run(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#nodes.values()].toSorted((one, other) => one.core.deadline() - other.core.deadline())[0];
      if (next === undefined || next.core.deadline() > untilMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.core.deadline());
      this.#act(next, (core) => core.tick(this.#nowMs));
      this.#deliver();
    }
    this.#nowMs = untilMs;
  }

  #link(direction: string | undefined, node: Node, peer: AgentId): void {
    if (direction === "up") this.#act(node, (core) => core.linkUp(peer, this.#nowMs));
    else this.#act(node, (core) => core.linkDown(peer, this.#nowMs));
  }

  #act(node: Node, act: (core: SwimMembership) => void): void {
    act(node.core);
    this.#turn(node);
  }

  #turn({ id, core }: Node): void {
    const ready = core.take(this.#nowMs);
    for (const observation of ready?.observations ?? []) this.#print(`${id}: ${observed(observation)}`);
    for (const { to, message } of ready?.messages ?? []) {
      const lost = this.#lost.includes(id) || this.#lost.includes(to) || !this.#nodes.has(to);
      this.#print(`${id}>${to} ${described(message as SwimMessage)}${lost ? ", lost" : ""}`);
      if (!lost) this.#network.push({ from: id, to, message: this.#codec.decode(this.#codec.encode(message)) });
    }
  }

  #deliver(): void {
    for (let packet = this.#network.shift(); packet !== undefined; packet = this.#network.shift()) {
      const { from, to, message } = packet;
      this.#act(this.#node(to), (core) => core.heard(from, message, this.#nowMs));
    }
  }

  #print(line: string): void {
    this.#lines.push(`${Math.round(this.#nowMs)} ${line}`);
  }

  #status(): void {
    for (const { id, core } of this.#nodes.values()) {
      const seen = core.members().map((one) => `${one.id}.${one.incarnation}.${one.heartbeat} ${one.state}`);
      const { localHealth, probes, unanswered, refuted } = core.figures();
      this.#print(`${id} sees ${seen.join(", ")}; health=${localHealth} probes=${probes} unanswered=${unanswered} refuted=${refuted}`); // biome-ignore format: one rule
    }
  }
}
