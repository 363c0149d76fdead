import { randomInt } from "node:crypto";
import type { AddressInfo, Server } from "node:net";
import { createServer } from "node:net";

export const LOOPBACK = "127.0.0.1";

/** Below what Linux (32768), macOS, Windows and BSD (49152) give to outgoing connections: an agent keeps its port while it is down, and no such connection is to take it. */
const OWN_RANGE = [10_000, 32_768] as const;
/** Ports of it that are tried for one agent before any other will do. */
const TRIES = 20;

/**
 * Ports of the loopback interface that nobody listens on. With `basePort` 0 any, from 10000 to 32767 where there are; otherwise consecutive ones from it.
 * They are free now; who comes first takes them, so an agent may still find its port taken and says so.
 * @throws Error naming the first port that is taken
 */
export async function freePorts(count: number, basePort: number): Promise<number[]> {
  if (basePort > 0 && basePort + count - 1 > 65_535)
    throw new Error(`${count} agents do not fit between port ${basePort} and 65535. Choose a lower basePort.`);
  const held: Server[] = [];
  try {
    for (let at = 0; at < count; at++) held.push(await (basePort === 0 ? holdAny() : hold(basePort + at)));
    return held.map((server) => (server.address() as AddressInfo).port);
  } finally {
    // All are held until the last is found, so that no port is given twice.
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

async function holdAny(): Promise<Server> {
  for (let tries = 0; tries < TRIES; tries++) {
    // One that is taken, or that this system keeps for itself, is as good as never drawn.
    const server = await hold(randomInt(...OWN_RANGE)).catch(() => undefined);
    if (server !== undefined) return server;
  }
  return hold(0);
}

function hold(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => reject(portProblem(port, error)));
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => resolve(server));
  });
}

/** The sentence for a port that cannot be listened on. */
export function portProblem(port: number, error: NodeJS.ErrnoException, host: string = LOOPBACK): Error {
  if (error.code === "EADDRINUSE")
    return new Error(`Port ${port} of ${host} is taken by another program. End it, or choose another basePort.`);
  if (error.code === "EACCES")
    return new Error(`Port ${port} may not be used by this user. Choose a basePort of 1024 or above.`);
  if (error.code === "EADDRNOTAVAIL")
    return new Error(`${host} is no address of this machine: nobody can listen on it.`);
  return new Error(`Cannot listen on ${host}:${port}: ${error.message}`);
}
