/**
 * What befalls the frames of one agent as they leave it: message rules, and Byzantine behaviour around an agent that is itself honest. Frames are taken apart, only the
 * packets that are meant are touched, and what remains is put together again. The same in both worlds: the simulated network and the live links pass every
 * frame through here, and carry what comes out.
 *
 * A message is met where it leaves its writer, be it for a neighbour or to be relayed; what the agent passes on for others is not its own and is left alone (but for
 * `silent` and `delay`, which concern all it sends).
 */
import type { Effect } from "../../contract/faults.ts";
import { MalformedBytes } from "../../core/bytes.ts";
import type { AgentId } from "../../core/consensus.ts";
import type { Crypto } from "../../core/crypto.ts";
import type { Random } from "../../core/random.ts";
import { decodeFrame, type Frame, type Packet } from "../frame.ts";
import { type Liar, liarOf } from "./byzantine/liar.ts";
import { Seen } from "./byzantine/pbft/seen.ts";
import { RuleInForce } from "./rule-in-force.ts";
import { Shipment } from "./shipment.ts";
import { readTold, type Told } from "./told.ts";

/** A frame that leaves, so many ms after it was sent (0: at once). Later ones may overtake it meanwhile. */
export interface Passed {
  readonly frame: Uint8Array;
  readonly delayMs: number;
  /** A bit of it was flipped: its receiver must refuse it. */
  readonly damaged: boolean;
}

/** The effects that concern what is in frames. */
export type Tampering = Extract<Effect, { readonly on: "message" | "byzantine" }>;

export interface TamperOptions {
  /** All agents, in the order that frames count them in. */
  readonly roster: readonly AgentId[];
  /** How long others wait for an agent before they act without it, ms: the shortest election timeout. */
  readonly patienceMs: number;
  readonly random: Random;
  /** The sender's own: what it lies about it signs as itself. */
  readonly crypto: Crypto;
  /** What liars know to be proposed. Where all have the same, they are in it together; absent: each is alone. */
  readonly seen?: Seen;
  /** Is told whenever one of the tamperings has changed what leaves. */
  readonly onEffect?: (tampering: Tampering) => void;
}

interface Rule {
  readonly tampering: Tampering;
  readonly rule: RuleInForce;
}

interface Lying {
  readonly tampering: Tampering;
  readonly agent: AgentId;
  readonly liar: Liar;
}

/** Of one sender: the counts of rules, and what a liar remembers, are its own. */
export class Tamperer {
  readonly #patienceMs: number;
  readonly #random: Random;
  readonly #crypto: Crypto;
  readonly #seen: Seen;
  readonly #onEffect: (tampering: Tampering) => void;
  #roster: readonly AgentId[];
  #tamperings: ReadonlyMap<string, Tampering> = new Map();
  #rules = new Map<string, Rule>();
  #liars = new Map<string, Lying>();
  /** By agent. */
  #silent: ReadonlyMap<AgentId, Tampering> = new Map();
  #late: ReadonlyMap<AgentId, Tampering> = new Map();
  #withheld = 0;

  constructor({ roster, patienceMs, random, crypto, seen = new Seen(), onEffect = () => undefined }: TamperOptions) {
    this.#roster = roster;
    this.#patienceMs = patienceMs;
    this.#random = random;
    this.#crypto = crypto;
    this.#seen = seen;
    this.#onEffect = onEffect;
  }

  /** Nothing is asked of it: every frame passes as it is, and need not be handed over. */
  get idle(): boolean {
    return this.#tamperings.size === 0;
  }

  /** Messages taken out of frames since the start. */
  get withheld(): number {
    return this.#withheld;
  }

  /** The roster has grown. */
  rosterChanged(roster: readonly AgentId[]): void {
    this.#roster = roster;
  }

  /** Replaces all there is, by name: what had the same name before goes on, with its counts. */
  set(tamperings: ReadonlyMap<string, Tampering>): void {
    const rules = new Map<string, Rule>();
    const liars = new Map<string, Lying>();
    const silent = new Map<AgentId, Tampering>();
    const late = new Map<AgentId, Tampering>();
    for (const [name, tampering] of tamperings) {
      if (tampering.on === "message") {
        const fresh = (): Rule => ({ tampering, rule: new RuleInForce(tampering.rule, this.#random) });
        rules.set(name, this.#rules.get(name) ?? fresh());
        continue;
      }
      const { agent, behaviour } = tampering;
      if (behaviour === "silent") silent.set(agent, tampering);
      else if (behaviour === "delay") late.set(agent, tampering);
      else {
        const lying = (): Lying => ({
          tampering,
          agent,
          liar: liarOf(behaviour, this.#random, this.#crypto, this.#seen),
        });
        liars.set(name, this.#liars.get(name) ?? lying());
      }
    }
    this.#tamperings = new Map(tamperings);
    this.#rules = rules;
    this.#liars = liars;
    this.#silent = silent;
    this.#late = late;
  }

  /** What leaves instead of a frame from one agent to its neighbour, in order; the frame itself when nothing in it was meant. Its bytes are not changed. */
  pass(from: AgentId, to: AgentId, frame: Uint8Array): readonly Passed[] {
    const silence = this.#silent.get(from);
    if (silence !== undefined) {
      this.#onEffect(silence);
      return [];
    }
    const passed = this.#tampered(from, to, frame);
    const lateness = this.#late.get(from);
    if (lateness === undefined) return passed;
    this.#onEffect(lateness);
    // Late, but before the others have lost patience: half of it to all of it.
    const lateMs = this.#patienceMs * (0.5 + 0.5 * this.#random.float());
    return passed.map((one) => ({ ...one, delayMs: one.delayMs + lateMs }));
  }

  #tampered(from: AgentId, to: AgentId, bytes: Uint8Array): readonly Passed[] {
    const rules = [...this.#rules.values()].filter(({ rule }) => rule.concerns(from));
    const liars = [...this.#liars.values()].filter(({ agent }) => agent === from);
    if (rules.length === 0 && liars.length === 0) return [{ frame: bytes, delayMs: 0, damaged: false }];
    const frame = readable(bytes);
    if (frame === undefined) return [{ frame: bytes, delayMs: 0, damaged: false }];
    const shipment = new Shipment(bytes, frame.head, this.#random);
    for (const packet of frame.packets) this.#ship(packet, from, to, rules, liars, shipment);
    return shipment.passed();
  }

  #ship(
    packet: Packet,
    from: AgentId,
    to: AgentId,
    rules: readonly Rule[],
    liars: readonly Lying[],
    shipment: Shipment,
  ): void {
    const honest = readTold(packet, from, to, this.#roster);
    if (honest === undefined) {
      shipment.keep(packet);
      return;
    }
    let told: readonly Told[] = [honest];
    for (const { tampering, liar } of liars)
      told = told.flatMap((one) => {
        const said = liar.tell(one, this.#roster);
        if (said.length !== 1 || said[0] !== one) this.#onEffect(tampering);
        return said;
      });
    if (told.length === 0) this.#withhold(shipment);
    for (const one of told) {
      const fate = { dropped: false, delayMs: 0, copies: 0, corrupt: false };
      for (const { tampering, rule } of rules) if (rule.befall(one, fate)) this.#onEffect(tampering);
      if (fate.dropped) this.#withhold(shipment);
      else if (one.packet === packet && fate.delayMs + fate.copies === 0 && !fate.corrupt) shipment.keep(packet);
      else shipment.send(one.packet, fate);
    }
  }

  #withhold(shipment: Shipment): void {
    this.#withheld++;
    shipment.drop();
  }
}

/** undefined: it is no frame of this format, and nobody can say what is in it. */
function readable(bytes: Uint8Array): Frame | undefined {
  try {
    return decodeFrame(bytes);
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}
