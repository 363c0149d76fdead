import type { WebSocket } from "ws";
import { MalformedBytes } from "../../core/bytes.ts";
import { type Handshake, HandshakeRefused } from "./handshake.ts";

/** Bytes that may wait to be sent on one link; frames beyond it are dropped, as the network may. */
export const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
/** From the connection until both sides know each other. */
const HANDSHAKE_TIMEOUT_MS = 3_000;
/** Until a peer has answered a close. */
const CLOSE_TIMEOUT_MS = 300;

/** WebSocket close codes of links, in the range for private use (RFC 6455, §7.4.2). */
export const LinkClose = {
  leaving: 4000,
  handshakeRefused: 4001,
  badFrame: 4002,
  replaced: 4003,
  parted: 4006,
  reset: 4007,
} as const;

export interface LinkEvents {
  /** The peer proved who it is. */
  readonly up: (link: OpenLink) => void;
  /** A whole frame. */
  readonly frame: (link: OpenLink, frame: Uint8Array) => void;
  /** The connection is gone. `wasUp`: it had been up; else the handshake never ended, for this reason. */
  readonly down: (peer: string | undefined, wasUp: OpenLink | undefined, reason: string) => void;
}

/** A connection whose other side is known. */
export class OpenLink {
  readonly peer: string;
  readonly incarnation: number;
  readonly #socket: WebSocket;
  #overflowed = false;

  constructor(peer: string, incarnation: number, socket: WebSocket) {
    this.peer = peer;
    this.incarnation = incarnation;
    this.#socket = socket;
  }

  /** Neither side has begun to close it. */
  get open(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** @returns false at the first frame of this link that is dropped because the peer does not take them */
  send(frame: Uint8Array): boolean {
    if (this.#socket.bufferedAmount <= MAX_BUFFERED_BYTES) {
      this.#socket.send(frame);
      return true;
    }
    const first = !this.#overflowed;
    this.#overflowed = true;
    return !first;
  }

  close(code: number, reason: string): void {
    closeSocket(this.#socket, code, reason);
  }
}

/** Runs a handshake over a connection, then hands its frames over until it closes. `peer`: whom this side called, if it did. */
export function runLink(socket: WebSocket, handshake: Handshake, events: LinkEvents, peer?: string): void {
  let open: OpenLink | undefined;
  let reason = "";
  const fail = (code: number, why: string): void => {
    if (reason === "") reason = why;
    closeSocket(socket, code, why);
  };
  const timer = setTimeout(() => fail(LinkClose.handshakeRefused, "the handshake took too long"), HANDSHAKE_TIMEOUT_MS);
  const handshakeMessage = (bytes: Uint8Array): void => {
    const step = handshake.receive(bytes);
    if (step.send !== undefined) socket.send(step.send);
    if (step.done === undefined) return;
    clearTimeout(timer);
    open = new OpenLink(step.done.peer, step.done.incarnation, socket);
    events.up(open);
  };
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    if (reason !== "") return;
    try {
      if (!isBinary) throw new MalformedBytes("it is a text message");
      if (open === undefined) handshakeMessage(data);
      else events.frame(open, data);
    } catch (error) {
      if (error instanceof HandshakeRefused) fail(LinkClose.handshakeRefused, error.message);
      else if (error instanceof MalformedBytes) fail(LinkClose.badFrame, `no handshake message: ${error.message}`);
      else throw error;
    }
  });
  // Every error is followed by the close.
  socket.on("error", (error) => {
    if (reason === "") reason = error.message;
  });
  socket.on("close", (code, text) => {
    clearTimeout(timer);
    if (reason === "") reason = text.length > 0 ? `closed by the other side: ${text.toString()}` : `closed (${code})`;
    events.down(open?.peer ?? peer, open, reason);
  });
}

/** Closes in good order, or at once when the other side does not answer. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  // A close frame's reason has at most 123 bytes.
  socket.close(
    code,
    Buffer.from(reason)
      .subarray(0, 120)
      .toString()
      .replace(/\ufffd+$/, ""),
  );
  setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS).unref();
}
