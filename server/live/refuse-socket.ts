import type { Duplex } from "node:stream";

/** For the answer to leave, ms. */
const FLUSH_MS = 1_000;

/**
 * Answers a connection that is not let in and ends it, whether or not the other side ever ends its half: a server of node:http leaves that half
 * open, and the connection would count for as long as the caller likes.
 */
export function refuseSocket(
  socket: Duplex,
  status: string,
  body = "",
  headers: Readonly<Record<string, string>> = {},
): void {
  const timer = setTimeout(() => socket.destroy(), FLUSH_MS);
  socket.once("close", () => clearTimeout(timer));
  const fields = {
    "Content-Type": "text/plain",
    "Content-Length": Buffer.byteLength(body),
    Connection: "close",
    ...headers,
  };
  const lines = Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  const head = `HTTP/1.1 ${status}\r\n${lines}\r\n`;
  socket.end(head + body, () => socket.destroy());
}
