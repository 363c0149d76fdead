import type { KeyObject } from "node:crypto";
import { WebSocket } from "ws";
import { FRAME_LIMIT_BYTES } from "../../agent/frame.ts";
import { urlHost } from "../../contract/address.ts";
import { MalformedBytes } from "../../core/bytes.ts";
import type { Random } from "../../core/random.ts";
import { LOOPBACK } from "../ports.ts";
import { connecting } from "../secure.ts";
import { acceptorHandshake, dialerHandshake, type HandshakeIdentity } from "./handshake.ts";
import { LinkClose, type LinkEvents, type OpenLink, runLink } from "./link.ts";
import type { LinkFaults } from "./link-faults.ts";

const FIRST_REDIAL_MS = 20;
const LAST_REDIAL_MS = 500;
/** Redials are moved by up to this share, so that neighbours of a restarted agent do not come all at once. */
const REDIAL_JITTER = 0.2;
const OPEN_TIMEOUT_MS = 2_000;

/** A configured neighbour, or with `onDemand` one that may be. Of two neighbours the one that is later in the roster dials; on demand, whoever wants to. */
export interface Neighbour {
  readonly id: string;
  readonly port: number;
  /** Where it is reached over TLS; absent: on this machine. */
  readonly host?: string;
  readonly key: KeyObject;
  readonly dials: "we" | "they";
}

export interface LinksOptions {
  readonly swarm: string;
  readonly id: string;
  readonly incarnation: number;
  readonly privateKey: KeyObject;
  readonly neighbours: readonly Neighbour[];
  readonly faults: LinkFaults;
  readonly random: Random;
  /** Links are opened and closed as the agent wants them, and not looked for again by themselves. */
  readonly onDemand?: boolean;
  readonly up: (peer: string) => void;
  /** Also of one that was wanted and could not be opened. */
  readonly down: (peer: string) => void;
  /** May throw MalformedBytes. */
  readonly frame: (peer: string, frame: Uint8Array) => void;
  readonly note: (line: string) => void;
}

/** All links of one agent: dials, redials and accepts them; at most one a neighbour is up. */
export class Links {
  readonly #options: LinksOptions;
  #neighbours: ReadonlyMap<string, Neighbour>;
  readonly #open = new Map<string, OpenLink>();
  /** Redials that are due, by neighbour. */
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #lastProblem = new Map<string, string>();
  readonly #events: LinkEvents;
  readonly #redialMs = new Map<string, number>();
  readonly #onDemand: boolean;
  #closed = false;

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#onDemand = options.onDemand ?? false;
    this.#neighbours = new Map(options.neighbours.map((neighbour) => [neighbour.id, neighbour]));
    this.#events = {
      up: (link) => this.#up(link, "they"),
      frame: (link, frame) => this.#frame(link, frame),
      down: (peer, link, reason) => this.#down(peer, link, reason),
    };
  }

  /** Begins to dial those that this agent is to dial. */
  start(): void {
    for (const neighbour of this.#neighbours.values()) if (this.#looksFor(neighbour)) this.#dial(neighbour);
  }

  /** One attempt to get a link, with somebody who may be a neighbour. `up` or `down` follows. */
  open(peer: string): void {
    const neighbour = this.#neighbours.get(peer);
    if (neighbour === undefined || this.#options.faults.blocked(peer))
      setImmediate(() => this.#closed || this.#open.has(peer) || this.#options.down(peer));
    else if (!this.#open.has(peer)) this.#dial(neighbour);
  }

  /** The agent wants it no more. */
  shut(peer: string): void {
    const link = this.#open.get(peer);
    if (link === undefined) return;
    link.close(LinkClose.parted, "the link is wanted no more");
    setImmediate(() => {
      if (!this.#closed && this.#open.get(peer) === link) this.#lost(link);
    });
  }

  /**
   * Other agents are to be linked with from now on. Links with those that are no neighbours any more are closed, and neither dialled nor accepted again.
   * Of those that were neighbours before nothing changes: keys and ports are for ever.
   */
  setNeighbours(neighbours: readonly Neighbour[]): void {
    const before = this.#neighbours;
    this.#neighbours = new Map(neighbours.map((neighbour) => [neighbour.id, neighbour]));
    for (const id of before.keys()) if (!this.#neighbours.has(id)) this.#part(id);
    for (const neighbour of neighbours)
      if (this.#looksFor(neighbour) && !before.has(neighbour.id)) this.#dial(neighbour);
  }

  /** A neighbour, or somebody who claims to be one, has connected. `proven` is called when it is one. */
  accept(socket: WebSocket, proven: () => void): void {
    const up = (link: OpenLink): void => {
      proven();
      this.#events.up(link);
    };
    runLink(socket, acceptorHandshake(this.#identity("they")), { ...this.#events, up });
  }

  /** One frame, through the faults; dropped without a word while the link is down. */
  send(to: string, frame: Uint8Array): void {
    const link = this.#open.get(to);
    if (link === undefined) return;
    this.#options.faults.pass("out", to, frame, (passed) => {
      if (!link.send(passed)) this.#options.note(`${to} does not take frames as fast as they come; some are dropped.`);
    });
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const link of this.#open.values()) link.close(LinkClose.leaving, "the agent ends");
  }

  /** A fault closes the connection, if there is one; both sides look for each other again. */
  reset(peer: string): void {
    const link = this.#open.get(peer);
    if (link === undefined) return;
    this.#lost(link);
    link.close(LinkClose.reset, "a fault was injected");
  }

  #looksFor({ dials }: Neighbour): boolean {
    return dials === "we" && !this.#onDemand;
  }

  #part(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#redialMs.delete(id);
    this.#lastProblem.delete(id);
    const link = this.#open.get(id);
    if (link === undefined) return;
    this.#options.note(`The link with ${id} is closed: it is configured no more.`);
    this.#lost(link);
    link.close(LinkClose.parted, "the link is configured no more");
  }

  #identity(whoDials: Neighbour["dials"]): HandshakeIdentity {
    const { swarm, id, incarnation, privateKey } = this.#options;
    const keyOf = (peer: string): KeyObject | undefined => {
      const neighbour = this.#neighbours.get(peer);
      return this.#onDemand || neighbour?.dials === whoDials ? neighbour?.key : undefined;
    };
    return { swarm, id, incarnation, privateKey, keyOf };
  }

  #dial(neighbour: Neighbour): void {
    if (this.#options.faults.blocked(neighbour.id)) {
      this.#noteProblem(neighbour.id, false, "a fault lets nothing pass");
      this.#redial(neighbour);
      return;
    }
    const { host, port, key } = neighbour;
    const socket = new WebSocket(
      host === undefined ? `ws://${LOOPBACK}:${port}/link` : `wss://${urlHost(host)}:${port}/link`,
      {
        ...(host !== undefined && { createConnection: connecting({ host, port }, key) }),
        perMessageDeflate: false,
        handshakeTimeout: OPEN_TIMEOUT_MS,
        maxPayload: FRAME_LIMIT_BYTES,
        // Masks keep browsers from speaking other protocols through proxies; here is neither, and a mask of zeros costs nothing.
        generateMask: (mask) => mask.fill(0),
      },
    );
    const handshake = dialerHandshake(this.#identity("we"), neighbour.id);
    socket.once("open", () => socket.send(handshake.opening));
    runLink(socket, handshake, { ...this.#events, up: (link) => this.#up(link, "we") }, neighbour.id);
  }

  #up(link: OpenLink, dialled: Neighbour["dials"]): void {
    const before = this.#open.get(link.peer);
    if (before !== undefined) {
      if (this.#onDemand && before.open && before.incarnation === link.incarnation && !this.#closed) {
        this.#choose(before, link, dialled);
        return;
      }
      this.#lost(before);
      before.close(LinkClose.replaced, "a newer link took its place");
    }
    if (this.#closed) {
      link.close(LinkClose.leaving, "the agent ends");
      return;
    }
    if (!this.#neighbours.has(link.peer)) {
      link.close(LinkClose.parted, "the link is configured no more");
      return;
    }
    this.#open.set(link.peer, link);
    this.#options.faults.connected(link.peer);
    this.#redialMs.delete(link.peer);
    this.#lastProblem.delete(link.peer);
    this.#options.up(link.peer);
  }

  /** Both dialled at once: both keep what the one later in the roster dialled. To the agent it is one link. */
  #choose(before: OpenLink, link: OpenLink, dialled: Neighbour["dials"]): void {
    const kept = dialled === this.#neighbours.get(link.peer)?.dials ? link : before;
    this.#open.set(link.peer, kept);
    (kept === link ? before : link).close(LinkClose.replaced, "another link took its place");
  }

  #frame(link: OpenLink, frame: Uint8Array): void {
    if (this.#open.get(link.peer) !== link) return;
    this.#options.faults.pass("in", link.peer, frame, (passed) => this.#deliver(link, passed));
  }

  /** Maybe long after the frame came: what is wrong with it is dealt with here. */
  #deliver(link: OpenLink, frame: Uint8Array): void {
    if (this.#open.get(link.peer) !== link) return;
    try {
      this.#options.frame(link.peer, frame);
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      this.#options.note(`${link.peer} sent a frame that is none: ${error.message}.`);
      this.#lost(link);
      link.close(LinkClose.badFrame, `a frame that is none: ${error.message}`);
    }
  }

  #down(peer: string | undefined, link: OpenLink | undefined, reason: string): void {
    const lateMs =
      link !== undefined && this.#open.get(link.peer) === link ? this.#options.faults.slowCloseMs(link.peer) : 0;
    // A fault lets the close be seen late: until then the link seems to be there.
    if (lateMs > 0) setTimeout(() => this.#closed || this.#gone(peer, link, reason), lateMs).unref();
    else this.#gone(peer, link, reason);
  }

  #gone(peer: string | undefined, link: OpenLink | undefined, reason: string): void {
    if (link !== undefined && this.#open.get(link.peer) === link) this.#lost(link);
    if (this.#closed || (link !== undefined && !this.#neighbours.has(link.peer))) return;
    // On demand links close all the time.
    if (!this.#onDemand || link === undefined) this.#noteProblem(peer, link !== undefined, reason);
    const neighbour = peer === undefined ? undefined : this.#neighbours.get(peer);
    if (this.#onDemand) {
      if (link === undefined && neighbour !== undefined && !this.#open.has(neighbour.id))
        this.#options.down(neighbour.id);
      return;
    }
    if (neighbour?.dials === "we" && !this.#open.has(neighbour.id)) this.#redial(neighbour);
  }

  #lost(link: OpenLink): void {
    this.#open.delete(link.peer);
    this.#options.faults.forget(link.peer);
    this.#options.down(link.peer);
  }

  #redial(neighbour: Neighbour): void {
    const waitMs = this.#redialMs.get(neighbour.id) ?? FIRST_REDIAL_MS;
    this.#redialMs.set(neighbour.id, Math.min(waitMs * 2, LAST_REDIAL_MS));
    const jitter = 1 + REDIAL_JITTER * (2 * this.#options.random.float() - 1);
    const timer = setTimeout(() => {
      this.#timers.delete(neighbour.id);
      this.#dial(neighbour);
    }, waitMs * jitter);
    this.#timers.set(neighbour.id, timer);
  }

  /** A neighbour that stays away is noted once, not twice a second. */
  #noteProblem(peer: string | undefined, wasUp: boolean, reason: string): void {
    const who = peer ?? "a caller";
    if (!wasUp && peer !== undefined) {
      if (this.#lastProblem.get(peer) === reason) return;
      this.#lastProblem.set(peer, reason);
    }
    this.#options.note(wasUp ? `The link with ${who} went down: ${reason}.` : `No link with ${who}: ${reason}.`);
  }
}
