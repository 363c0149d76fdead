import type { WebSocket } from "ws";
import { addressText } from "../../contract/address.ts";
import type { AgentPush, JoinRefusal } from "../../contract/client.ts";
import { MalformedBytes } from "../../core/bytes.ts";
import { Admission, type Admitted } from "../../core/overlay/admission.ts";
import type { OwnerAnswer } from "./client-hub.ts";
import { HandshakeRefused } from "./handshake.ts";
import {
  type ProvenAsk,
  refusal,
  SeedHandshake,
  secretBytes,
  WELCOME_LIMIT_BYTES,
  WrongSecret,
} from "./join-handshake.ts";
import { closeSocket, LinkClose } from "./link.ts";

/** From the connection until the newcomer has proved what it knows. */
const HANDSHAKE_TIMEOUT_MS = 3_000;
/** For a coordinator to take it in: others may come before it. */
const ANSWER_TIMEOUT_MS = 60_000;
/** A wrong secret is answered late. */
const WRONG_SECRET_DELAY_MS = 200;
/** Refusals are told of so often at most, together. */
const TELL_EVERY_MS = 1_000;
const RETRY_MS = 2_000;
const READ_MS = 10_000;

export interface JoinDeskOptions {
  readonly swarm: string;
  readonly id: string;
  /** By which it is reached over TLS. */
  readonly publicKey: Uint8Array;
  /** undefined: the swarm has none, and nobody joins. */
  readonly secret: string | undefined;
  /** False when no coordinator observes this agent. */
  readonly tellOwner: (push: AgentPush) => boolean;
  readonly monotonicMs: () => number;
  readonly note: (line: string) => void;
}

/**
 * Where newcomers knock: any agent of a swarm is a seed. It finds out whether they know the join secret, and passes on those that do to the coordinator, which
 * has the members changed by whoever leads, by gossip by any agent. What comes too often, knows nothing or makes no sense is refused, counted, and told of once a second.
 */
export class JoinDesk {
  readonly #options: JoinDeskOptions;
  readonly #secret: Buffer | undefined;
  readonly #admission = new Admission();
  readonly #waiting = new Map<number, (answer: OwnerAnswer) => void>();
  readonly #refused = new Map<JoinRefusal, number>();
  #lastRequest = 0;
  #telling: NodeJS.Timeout | undefined;

  /** @throws Error when the secret is none */
  constructor(options: JoinDeskOptions) {
    this.#options = options;
    this.#secret = options.secret === undefined ? undefined : secretBytes(options.secret);
  }

  /** Whether one more from this source may try now. */
  admit(source: string): Admitted {
    const admitted = this.#admission.ask(source, this.#options.monotonicMs());
    if (!admitted.admitted) this.#count("tooMany");
    return admitted;
  }

  /** A newcomer has connected. `proven` is called once it is known to have the secret. */
  accept(socket: WebSocket, proven: () => void, secured: boolean): void {
    const { swarm, id, publicKey } = this.#options;
    const secret = this.#secret;
    // Every error is followed by the close.
    socket.on("error", () => {});
    if (secret === undefined) {
      this.#refuse(socket, "refused", "this swarm has no join secret: it was brought up by a version without one", 0);
      return;
    }
    const handshake = new SeedHandshake({ swarm, seed: id }, secret, secured ? publicKey : new Uint8Array());
    let asked = false;
    const timer = setTimeout(
      () => this.#refuse(socket, "malformed", "the handshake took too long", RETRY_MS),
      HANDSHAKE_TIMEOUT_MS,
    );
    socket.on("close", () => clearTimeout(timer));
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (socket.readyState !== socket.OPEN) return;
      try {
        if (!isBinary) throw new MalformedBytes("it is a text message");
        if (asked) throw new MalformedBytes("it goes on after it has asked");
        if (!handshake.greetedOnce) {
          socket.send(handshake.greeted(data));
          return;
        }
        asked = true;
        clearTimeout(timer);
        const ask = handshake.asked(data);
        proven();
        void this.#passOn(socket, handshake, ask);
      } catch (error) {
        clearTimeout(timer);
        if (error instanceof WrongSecret)
          setTimeout(() => this.#refuse(socket, "wrongSecret", error.message, 0), WRONG_SECRET_DELAY_MS);
        else if (error instanceof HandshakeRefused) this.#refuse(socket, "malformed", error.message, 0);
        else if (error instanceof MalformedBytes)
          this.#refuse(socket, "malformed", `no message of joining: ${error.message}`, 0);
        else throw error;
      }
    });
  }

  /** What the coordinator made of a request; one that nobody waits for any more is passed over. */
  answered(answer: OwnerAnswer): void {
    this.#waiting.get(answer.request)?.(answer);
  }

  /**
   * Asks to be removed from the swarm, for an agent that joined.
   * @returns a sentence when nobody can be asked
   */
  leave(refused: (why: string) => void): string | undefined {
    const request = ++this.#lastRequest;
    if (!this.#options.tellOwner({ push: "leaveRequest", request })) return NO_COORDINATOR;
    this.#waiting.set(request, ({ problem }) => {
      this.#waiting.delete(request);
      if (problem !== undefined) refused(problem);
    });
    return undefined;
  }

  close(): void {
    clearTimeout(this.#telling);
  }

  async #passOn(socket: WebSocket, handshake: SeedHandshake, ask: ProvenAsk): Promise<void> {
    const { id: agent, ...rest } = ask;
    const request = ++this.#lastRequest;
    const { note, tellOwner } = this.#options;
    if (!tellOwner({ push: "joinRequest", request, agent, ...rest })) {
      this.#refuse(socket, "refused", NO_COORDINATOR, RETRY_MS);
      return;
    }
    note(`${JSON.stringify(agent)} asks to join, from ${addressText(ask)}.`);
    const { swarm, problem, retryAfterMs = 0 } = await this.#answerTo(request);
    const welcome = Buffer.from(swarm ?? "");
    if (swarm === undefined) this.#refuse(socket, "refused", problem ?? "the coordinator refused it", retryAfterMs);
    else if (welcome.length > WELCOME_LIMIT_BYTES)
      this.#refuse(socket, "refused", "the swarm's roster and links are more than 4 MiB: too large to be joined", 0);
    else {
      socket.send(handshake.welcome(welcome));
      // The newcomer closes once it has read it; one that does not is not waited for.
      setTimeout(() => socket.terminate(), READ_MS).unref();
      note(`${agent} was taken in.`);
    }
  }

  #answerTo(request: number): Promise<OwnerAnswer> {
    return new Promise((resolve) => {
      const end = (answer: OwnerAnswer): void => {
        clearTimeout(timer);
        this.#waiting.delete(request);
        resolve(answer);
      };
      const late = { request, problem: "the coordinator did not answer in time", retryAfterMs: RETRY_MS };
      const timer = setTimeout(() => end(late), ANSWER_TIMEOUT_MS);
      this.#waiting.set(request, end);
    });
  }

  #refuse(socket: WebSocket, kind: JoinRefusal, why: string, retryAfterMs: number): void {
    this.#count(kind);
    if (socket.readyState !== socket.OPEN) return;
    socket.send(refusal(why, retryAfterMs));
    closeSocket(socket, LinkClose.handshakeRefused, why);
  }

  #count(why: JoinRefusal): void {
    this.#refused.set(why, (this.#refused.get(why) ?? 0) + 1);
    this.#telling ??= setTimeout(() => this.#tell(), TELL_EVERY_MS);
    this.#telling.unref();
  }

  #tell(): void {
    this.#telling = undefined;
    const refused = [...this.#refused].map(([why, count]) => ({ why, count }));
    this.#refused.clear();
    const words = refused.map(({ why, count }) => `${count} ${why}`).join(", ");
    this.#options.note(`Refused of those that asked to join: ${words}.`);
    this.#options.tellOwner({ push: "joinsRefused", refused });
  }
}

const NO_COORDINATOR =
  "no coordinator observes this agent at the moment, and it is the coordinator that has the members changed; try again when one runs";
