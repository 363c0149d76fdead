// Two hosts with a network between them, as far as one kernel has such: network namespaces, joined by a link that can be cut.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { AgentPlace } from "../../../server/live/agent/startup.ts";
import type { StartedAgent } from "../../../server/live/spawn.ts";
import type { TestSwarm } from "../swarm.ts";
import { withDeadline } from "../waiting.ts";
import { type HostAnswer, type HostRequest, relay } from "./host-process.ts";

const LOOPBACK = "127.0.0.1";
const DEADLINE_MS = 30_000;
const PROGRAM = fileURLToPath(new URL("host-process.ts", import.meta.url));

type Unnumbered<T> = T extends unknown ? Omit<T, "id"> : never;

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"], timeout: DEADLINE_MS });
}

/** Why there can be no hosts here, in a sentence; undefined: there can. */
export function whyNoHosts(): string | undefined {
  if (process.platform !== "linux") return "only Linux has network namespaces";
  if (process.getuid?.() !== 0) return "only root may make network namespaces";
  const name = `am-try-${process.pid}`;
  try {
    ip("netns", "add", name);
    ip("netns", "del", name);
    return undefined;
  } catch (error) {
    return `ip netns add does not work (Debian: apt-get install -y iproute2): ${(error as Error).message}`;
  }
}

interface Host {
  /** Its network namespace. */
  readonly name: string;
  /** This machine\'s end of its link. */
  readonly outer: string;
  readonly agents: readonly string[];
  /** On the link between the hosts. */
  readonly address: string;
  /** On a link with the test, which is never cut. */
  readonly outerAddress: string;
  readonly process: ChildProcess;
}

/**
 * The agents of a swarm on two hosts. Each host has a loopback of its own, where its agents listen; relays make agents of the other host reachable at their
 * port there, over the link between the hosts, and all of them at theirs from the test.
 */
export class TestHosts {
  readonly #swarm: TestSwarm;
  readonly #hosts: Host[] = [];
  readonly #waiting = new Map<number, (answer: HostAnswer) => void>();
  readonly #relays: (() => void)[] = [];
  /** This machine's ends of its links to the hosts, as far as they were made. */
  readonly #outers = new Set<string>();
  #lastId = 0;

  private constructor(swarm: TestSwarm) {
    this.#swarm = swarm;
  }

  /** From now on the swarm starts its agents on these hosts. Close them in any case. */
  static async make(swarm: TestSwarm, sides: readonly [readonly string[], readonly string[]]): Promise<TestHosts> {
    const hosts = new TestHosts(swarm);
    try {
      await hosts.#build(sides);
    } catch (error) {
      await hosts.close();
      throw error;
    }
    swarm.spawn = (place) => hosts.#start(place);
    return hosts;
  }

  /** Nothing passes between the hosts any more: no packet arrives, and nobody is told. */
  cut(): void {
    const [, other] = this.#hosts as [Host, Host];
    ip("-n", other.name, "link", "set", "across", "down");
  }

  join(): void {
    const [, other] = this.#hosts as [Host, Host];
    ip("-n", other.name, "link", "set", "across", "up");
  }

  async close(): Promise<void> {
    for (const end of this.#relays) end();
    for (const { name, outer, process: host } of this.#hosts) {
      if (host.exitCode === null) {
        host.kill("SIGKILL");
        await once(host, "exit");
      }
      // With a host its end goes, but some time later, and another one of the same name may come before that.
      if (this.#outers.delete(outer)) ip("link", "del", outer);
      ip("netns", "del", name);
    }
    this.#hosts.length = 0;
  }

  async #build(sides: readonly [readonly string[], readonly string[]]): Promise<void> {
    const net = `10.231.${process.pid % 250}`;
    for (const [at, agents] of sides.entries()) {
      const name = `am-${process.pid}-${at}`;
      ip("netns", "add", name);
      const address = `${net}.${at + 1}`;
      const outerAddress = `${net}.${at * 4 + 18}`;
      const outer = `am${process.pid}o${at}`;
      this.#hosts.push({ name, outer, agents, address, outerAddress, process: this.#run(name) });
      ip("link", "add", outer, "type", "veth", "peer", "name", "outer", "netns", name);
      this.#outers.add(outer);
      ip("addr", "add", `${net}.${at * 4 + 17}/30`, "dev", outer);
      ip("link", "set", outer, "up");
      ip("-n", name, "addr", "add", `${outerAddress}/30`, "dev", "outer");
      for (const device of ["lo", "outer"]) ip("-n", name, "link", "set", device, "up");
    }
    const [one, other] = this.#hosts as [Host, Host];
    ip("-n", one.name, "link", "add", "across", "type", "veth", "peer", "name", "across", "netns", other.name);
    for (const { name, address } of this.#hosts) {
      ip("-n", name, "addr", "add", `${address}/30`, "dev", "across");
      ip("-n", name, "link", "set", "across", "up");
    }
    await Promise.all([this.#relay(one, other), this.#relay(other, one)]);
  }

  /** Makes a host's agents reachable from the other host, and from here. */
  async #relay(host: Host, other: Host): Promise<void> {
    const ports = host.agents.map((id) => this.#swarm.port(id));
    const local = (port: number) => ({ host: LOOPBACK, port });
    const passOn = (from: string, to: string) =>
      ports.map((port) => ({ from: { host: from, port }, to: { host: to, port } }));
    await this.#ask(host, {
      op: "relay",
      relays: [...passOn(host.address, LOOPBACK), ...passOn(host.outerAddress, LOOPBACK)],
    });
    await this.#ask(other, { op: "relay", relays: passOn(LOOPBACK, host.address) });
    for (const port of ports)
      this.#relays.push(await relay({ from: local(port), to: { host: host.outerAddress, port } }));
  }

  #run(name: string): ChildProcess {
    const child = spawn("ip", ["netns", "exec", name, process.execPath, PROGRAM, "serve"], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    child.on("message", (answer: HostAnswer) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    return child;
  }

  async #start(place: AgentPlace): Promise<StartedAgent> {
    const host = this.#hosts.find(({ agents }) => agents.includes(place.agent));
    assert.ok(host, `${place.agent} has a host`);
    const { started } = await this.#ask(host, { op: "start", place });
    return started as StartedAgent;
  }

  async #ask(host: Host, request: Unnumbered<HostRequest>): Promise<HostAnswer> {
    const id = ++this.#lastId;
    const answered = new Promise<HostAnswer>((resolve) => this.#waiting.set(id, resolve));
    host.process.send({ ...request, id });
    const answer = await withDeadline(answered, DEADLINE_MS, `${host.name} answers ${request.op}`);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }
}
