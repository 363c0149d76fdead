/** The newcomer's side of joining: from an address and a secret to what an agent of the swarm needs. */
import type { KeyObject } from "node:crypto";
import { WebSocket } from "ws";
import { addressText } from "../contract/address.ts";
import { MalformedBytes } from "../core/bytes.ts";
import { HandshakeRefused } from "../live/agent/handshake.ts";
import {
  JOIN_LIMIT_BYTES,
  type JoinAsk,
  type JoinChallenge,
  NewcomerHandshake,
  WELCOME_LIMIT_BYTES,
} from "../live/agent/join-handshake.ts";
import { LOOPBACK } from "../live/ports.ts";
import { connecting } from "../live/secure.ts";
import { checkedSwarm, type RosterAgent, type SwarmFile } from "../live/swarm-file.ts";

const OPEN_TIMEOUT_MS = 3_000;
/** For a seed that has been asked: others may come before this one. */
const ANSWER_TIMEOUT_MS = 65_000;

/** The swarm did not take this agent in. `message` is a sentence for people; `retryAfterMs` 0: asking again is of no use as things are. */
export class JoinRefused extends Error {
  override readonly name = "JoinRefused";
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs = 0) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** What a swarm gives to an agent that it takes in. */
export interface Welcome {
  readonly swarm: SwarmFile;
  readonly own: RosterAgent;
  readonly token: string;
}

/** Where a seed listens; without a host on this machine. */
export interface Seed {
  readonly host?: string;
  readonly port: number;
}

/**
 * From 127.0.0.1:PORT, or of another host HOST:PORT or wss://HOST:PORT, with an IPv6 address in brackets.
 * @throws JoinRefused for what is none, and for another host without encryption
 */
export function seedAt(address: string): Seed {
  const match = /^(?:(wss?):\/\/)?(\[[0-9a-f:]+\]|[\w.-]+):(\d{1,5})\/?$/i.exec(address);
  const [, scheme, name = "", digits = ""] = match ?? [];
  const port = Number(digits);
  if (match === null || port < 1 || port > 65_535)
    throw new JoinRefused(
      `${JSON.stringify(address)} is no address of an agent: it is HOST:PORT, such as ${LOOPBACK}:4001.`,
    );
  const host = name.replaceAll(/[[\]]/g, "");
  if (host === LOOPBACK || host === "localhost") return { port };
  if (scheme === "ws")
    throw new JoinRefused(`${host} is not this machine: other hosts are spoken to over wss only. Leave ws:// out.`);
  return { host, port };
}

/**
 * Asks an agent to be taken in.
 * @param prepare is told whom it has reached, and says what to ask for: by then the port must be taken
 * @throws JoinRefused
 */
export function knock(
  seed: Seed,
  secret: Buffer,
  prepare: (challenge: JoinChallenge) => Promise<{ readonly ask: JoinAsk; readonly key: KeyObject }>,
): Promise<Welcome> {
  return new Promise((resolve, reject) => {
    const handshake = new NewcomerHandshake(secret);
    const { host, port } = seed;
    const at = addressText(seed);
    /** The key of the seed's certificate, which is bound to what is said. */
    let channel: Uint8Array = new Uint8Array();
    const connected = (key: KeyObject): void => {
      channel = new Uint8Array(key.export({ format: "der", type: "spki" }));
    };
    const socket = new WebSocket(`${host === undefined ? "ws" : "wss"}://${at}/join`, {
      ...(host !== undefined && { createConnection: connecting({ host, port }, undefined, connected) }),
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: OPEN_TIMEOUT_MS,
      maxPayload: WELCOME_LIMIT_BYTES + JOIN_LIMIT_BYTES,
    });
    let asked: { readonly ask: JoinAsk; readonly challenge: JoinChallenge } | undefined;
    let challenged = false;
    const over = (error: Error | undefined, welcome?: Welcome): void => {
      clearTimeout(timer);
      socket.terminate();
      if (error === undefined) resolve(welcome as Welcome);
      else reject(error instanceof JoinRefused ? error : new JoinRefused(`${at} cannot be joined: ${error.message}.`));
    };
    const timer = setTimeout(() => over(new JoinRefused(`${at} did not answer in time.`, 1_000)), ANSWER_TIMEOUT_MS);
    const take = async (bytes: Uint8Array): Promise<void> => {
      if (asked !== undefined) {
        const answer = handshake.answered(bytes);
        if ("refused" in answer) over(new JoinRefused(sentence(at, answer.refused), answer.retryAfterMs));
        else over(undefined, { ...checkedWelcome(answer.welcome, asked.challenge, asked.ask), token: answer.token });
        return;
      }
      if (challenged) throw new HandshakeRefused("it sent more than one challenge");
      challenged = true;
      const { challenge, ask } = handshake.challenged(bytes, channel);
      const prepared = await prepare(challenge);
      if (socket.readyState !== socket.OPEN) return;
      asked = { ask: prepared.ask, challenge };
      socket.send(ask(prepared.ask, prepared.key));
    };
    socket.on("open", () => socket.send(handshake.opening));
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      const taken = isBinary ? take(data) : Promise.reject(new MalformedBytes("it sent a text message"));
      taken.catch((error: Error) => over(error));
    });
    socket.on("unexpected-response", (_, response) => {
      response.resume();
      over(refusedStatus(at, response.statusCode ?? 0, Number(response.headers["retry-after"] ?? 1)));
    });
    socket.on("error", (error: NodeJS.ErrnoException) =>
      over(
        error.code === "ECONNREFUSED"
          ? new JoinRefused(
              `Nobody listens on ${at}. \`agent-mesh status\`, in the swarm's folder, shows its agents' ports.`,
            )
          : error,
      ),
    );
    socket.on("close", (_, reason) =>
      over(new JoinRefused(sentence(at, reason.toString() || "the connection closed"))),
    );
  });
}

function sentence(at: string, why: string): string {
  return `${at} refused: ${why.replace(/\.$/, "")}.`;
}

function refusedStatus(at: string, status: number, retryAfterSeconds: number): JoinRefused {
  if (status === 429)
    return new JoinRefused(
      `${at} refused: too many ask to join. Wait ${retryAfterSeconds} s.`,
      retryAfterSeconds * 1000,
    );
  if (status === 503) return new JoinRefused(`${at} is starting or ending. Try again in a moment.`, 1_000);
  return new JoinRefused(`${at} is no agent that can be joined: it answered with HTTP status ${status}.`);
}

/** @throws JoinRefused for what a seed must not say */
export function checkedWelcome(
  bytes: Uint8Array,
  { swarm: id }: JoinChallenge,
  ask: JoinAsk,
): { readonly swarm: SwarmFile; readonly own: RosterAgent } {
  let swarm: SwarmFile;
  try {
    swarm = checkedSwarm(JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    throw new JoinRefused(`The swarm's answer cannot be used: ${(error as Error).message}.`);
  }
  if (swarm.id !== id) throw new JoinRefused(`The answer is about swarm ${swarm.id}, but this one was asked: ${id}.`);
  const own = swarm.agents.find((agent) => agent.id === ask.id);
  if (
    own?.port !== ask.port ||
    (own.host ?? "") !== ask.host ||
    own.publicKey !== ask.publicKey ||
    own.joined !== true ||
    own.left === true
  )
    throw new JoinRefused(`The roster in the answer does not have ${ask.id} as it asked to be in it.`);
  return { swarm, own };
}
