// A host in a network namespace of its own: starts agents there, and passes on to their loopback, the only place where they listen, what comes over the network.

import { createConnection, createServer, type Socket } from "node:net";
import type { AgentPlace } from "../../../server/live/agent/startup.ts";
import { type StartedAgent, spawnAgent } from "../../../server/live/spawn.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Relay {
  readonly from: Endpoint;
  readonly to: Endpoint;
}

export type HostRequest =
  | { readonly id: number; readonly op: "relay"; readonly relays: readonly Relay[] }
  | { readonly id: number; readonly op: "start"; readonly place: AgentPlace };

export interface HostAnswer {
  readonly id: number;
  readonly started?: StartedAgent;
  readonly error?: string;
}

/** Listens at one place, and connects whoever comes to another. @returns what ends it, with all its connections */
export async function relay({ from, to }: Relay): Promise<() => void> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = createConnection(to);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.setNoDelay(true);
      // What a socket fails of, its other end sees as closed.
      one.on("error", () => {});
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(from, resolve);
  });
  return () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
}

async function serve(request: HostRequest): Promise<Omit<HostAnswer, "id">> {
  if (request.op === "start") return { started: await spawnAgent(request.place) };
  await Promise.all(request.relays.map(relay));
  return {};
}

if (process.send !== undefined && process.argv[2] === "serve") {
  process.on("message", (request: HostRequest) => {
    serve(request).then(
      (answer) => process.send?.({ id: request.id, ...answer }),
      (error: Error) => process.send?.({ id: request.id, error: error.message }),
    );
  });
  // The agents that it started are ended by whoever ends it.
  process.on("disconnect", () => process.exit(0));
}
