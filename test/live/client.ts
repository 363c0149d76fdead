// A client of one agent, as small as a test can do with: requests and answers by id, pushes in a list.

import assert from "node:assert/strict";
import { decode, encode } from "@msgpack/msgpack";
import { WebSocket } from "ws";
import {
  type AgentFrame,
  type AgentPush,
  CLIENT_PROTOCOL,
  type ClientOperation,
  type ClientRequest,
  type ClientResult,
  type ClientValue,
} from "../../server/contract/client.ts";
import type { AgentReport } from "../../server/contract/swarm.ts";
import { withDeadline } from "./waiting.ts";

type Hello = Extract<AgentPush, { readonly push: "hello" }>;
type RequestFields = Omit<ClientRequest, "id" | keyof ClientOperation>;

export class TestClient {
  readonly socket: WebSocket;
  readonly pushes: AgentPush[] = [];
  readonly #waiting = new Map<number, (result: ClientResult) => void>();
  readonly #listeners = new Set<() => void>();
  #lastId = 0;
  closed: { readonly code: number; readonly reason: string } | undefined;

  constructor(port: number, token: string) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/client`, CLIENT_PROTOCOL, {
      headers: { Authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    this.socket.on("message", (data: Buffer) => this.#frame(decode(data) as AgentFrame));
    this.socket.on("error", () => {});
    this.socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      for (const answer of this.#waiting.values()) answer({ ok: false, code: "unavailable", message: "disconnected" });
      this.#waiting.clear();
      this.#changed();
    });
  }

  static async open(port: number, token: string): Promise<TestClient> {
    const client = new TestClient(port, token);
    await client.hello();
    return client;
  }

  hello(): Promise<Hello> {
    return this.until("hello", () => this.pushes.find((push) => push.push === "hello") as Hello | undefined);
  }

  request(operation: ClientOperation & RequestFields): Promise<ClientResult> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      if (this.closed !== undefined) {
        resolve({ ok: false, code: "unavailable", message: "disconnected" });
        return;
      }
      this.#waiting.set(id, resolve);
      this.socket.send(encode([{ ...operation, id }], { ignoreUndefined: true }));
    });
  }

  /** The value of an answer that must be a success. */
  async ask(operation: ClientOperation & RequestFields): Promise<ClientValue> {
    const result = await this.request(operation);
    assert.ok(result.ok, `${operation.op}: ${JSON.stringify(result)}`);
    return result.value;
  }

  /** With the hash of its state. */
  async report(): Promise<AgentReport> {
    const value = await this.ask({ op: "report", state: true });
    assert.equal(value.type, "report");
    return (value as { report: AgentReport }).report;
  }

  put(key: string, value: string, more: RequestFields = {}): Promise<ClientResult> {
    return this.request({ op: "put", namespace: "test", key, value: Buffer.from(value), ...more });
  }

  async get(key: string): Promise<string | null> {
    const value = await this.ask({ op: "get", namespace: "test", key });
    assert.equal(value.type, "item");
    const { item } = value as Extract<ClientValue, { readonly type: "item" }>;
    return item === null ? null : Buffer.from(item.value).toString();
  }

  /** What `find` finds once it does, looked for whenever something arrives. */
  until<T>(what: string, find: () => T | undefined, deadlineMs = 8_000): Promise<T> {
    let look = (): void => {};
    const found = new Promise<T>((resolve) => {
      look = () => {
        const value = find();
        if (value !== undefined) resolve(value);
      };
      this.#listeners.add(look);
      look();
    });
    return withDeadline(found, deadlineMs, what).finally(() => this.#listeners.delete(look));
  }

  close(): void {
    this.socket.terminate();
  }

  #frame(frame: AgentFrame): void {
    for (const one of frame) {
      if ("push" in one) this.pushes.push(one);
      else {
        this.#waiting.get(one.id)?.(one);
        this.#waiting.delete(one.id);
      }
    }
    this.#changed();
  }

  #changed(): void {
    for (const look of [...this.#listeners]) look();
  }
}
