import type { Duplex } from "node:stream";

/** For the answer to leave, ms. */
const FLUSH_MS = 1_000;

/**
 * Answers a connection that is not let in and ends it, whether or not the other side ever ends its half: a server of node:http leaves that half
 * open, and the connection would count for as long as the caller likes.
 */
export function refuseSocket(socket: Duplex, status: string, body = ""): void {
  const timer = setTimeout(() => socket.destroy(), FLUSH_MS);
  socket.once("close", () => clearTimeout(timer));
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
}
