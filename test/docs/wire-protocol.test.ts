import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createHmac, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, it } from "mocha";
import { CoordinatorError } from "../../server/contract/coordinator.ts";
import { BYZANTINE_BEHAVIOURS } from "../../server/contract/faults.ts";
import { RAFT_MESSAGE_TYPES } from "../../server/contract/timeline.ts";
import { COORDINATOR_METHODS } from "../../server/coordinator/requests.ts";
import { ByteWriter } from "../../server/core/bytes.ts";
import { encodeRaftMessage } from "../../server/core/raft/codec.ts";
import type { RaftMessage } from "../../server/core/raft/types.ts";
import { ClientClose } from "../../server/live/agent/client-hub.ts";
import { LinkClose } from "../../server/live/agent/link.ts";
import { DISK_TROUBLES, TOXIC_KEYS } from "../../server/meshfile/fault-syntax/keys.ts";
import { arbitraryMessages } from "../core/raft/arbitraries.ts";
import { Document, declaration } from "./document.ts";

const protocol = Document.read("docs/wire-protocol.md");
const client = readFileSync("server/contract/client.ts", "utf8");
const coordinator = readFileSync("server/contract/coordinator.ts", "utf8");
const swarm = readFileSync("server/contract/swarm.ts", "utf8");
const faults = readFileSync("server/contract/faults.ts", "utf8");

/** What stands in a declaration's text at the pattern's first group. */
function allIn(text: string, pattern: RegExp): string[] {
  const found = [...new Set([...text.matchAll(pattern)].map(([, name]) => name as string))];
  assert.ok(found.length > 0, `${pattern} is met`);
  return found;
}

const FIELDS = /^ {2}readonly (\w+)\??:/gm;

const words: Readonly<Record<string, readonly string[]>> = {
  "operations of clients": allIn(declaration(client, "export type ClientOperation ="), /readonly op: "(\w+)"/g),
  "fields of requests": allIn(declaration(client, "export type ClientOperation ="), /readonly (\w+)\??: /g),
  "codes of refusals": allIn(declaration(client, "export type ClientErrorCode ="), /"(\w+)"/g),
  "answers to clients": allIn(declaration(client, "export type ClientValue ="), /readonly type: "(\w+)"/g),
  pushes: allIn(declaration(client, "export type AgentPush ="), /readonly push: "(\w+)"/g),
  "effects of faults": allIn(declaration(faults, "export type Effect ="), /readonly on: "(\w+)"/g),
  "fields of effects": allIn(
    ["export type Effect =", "export interface MessageRule", "export type Toxic =", "export type MessageAction ="]
      .map((head) => declaration(faults, head))
      .join("\n"),
    /readonly (\w+)\??: /g,
  ),
  toxics: TOXIC_KEYS.map(({ key }) => key),
  "troubles of disks": DISK_TROUBLES,
  lies: BYZANTINE_BEHAVIOURS,
  "fields of a report": [
    ...allIn(declaration(swarm, "export interface AgentReport"), FIELDS),
    ...allIn(declaration(swarm, "export interface LinkReport"), FIELDS),
    ...allIn(declaration(swarm, "export interface FaultedFrames"), FIELDS),
    ...allIn(declaration(swarm, "export interface ReputationReport"), FIELDS),
    ...allIn(declaration(swarm, "export interface RecordingReport"), FIELDS),
    ...allIn(declaration(swarm, "export interface PbftReport"), FIELDS),
  ],
  "fields of a task": allIn(declaration(swarm, "export interface TaskInfo"), FIELDS),
  "methods of the control socket": COORDINATOR_METHODS,
  notifications: allIn(declaration(coordinator, "export interface CoordinatorNotifications"), FIELDS),
};

/** One message of each type. */
const samples: readonly RaftMessage[] = RAFT_MESSAGE_TYPES.map((type) => {
  const ofType = arbitraryMessages(fc.nat(100)).message.filter((message) => message.type === type);
  return fc.sample(ofType, { numRuns: 1, seed: 1 })[0] as RaftMessage;
});

/** What the row of a message lacks: its tag, or a field. */
function wrongRow(document: Document, message: RaftMessage): string[] {
  const writer = new ByteWriter();
  encodeRaftMessage(writer, message);
  const cells = document.row(message.type);
  if (cells === undefined) return [`there is no row for ${message.type}`];
  const [tag, , text = ""] = cells;
  const said = new Set(text.split(/\W+/));
  const lacking = Object.keys(message).filter((field) => field !== "type" && field !== "term" && !said.has(field));
  return [
    ...lacking.map((field) => `${message.type} has a field ${field}`),
    ...(Number(tag) === writer.finish()[0] ? [] : [`${message.type} has another tag`]),
  ];
}

/** Codes that no table has in its first column. */
function lackedCodes(document: Document, codes: readonly number[]): number[] {
  return codes.filter((code) => !document.text.includes(`\n| ${code} |`) && !document.text.includes(`${code}: `));
}

/** The bytes that a block spells out, and those that its script prints. */
function exampleFrame(document: Document): { readonly shown: string; readonly made: string } {
  const section = new Document(document.text.split("### A frame, byte by byte")[1] ?? "");
  const shown = (section.blocks("")[0] ?? "").replace(
    /^ *((?:[0-9a-f]{2})+(?: (?:[0-9a-f]{2})+)*)(?: {2,}.*)?$/gm,
    "$1",
  );
  const script = /<<'END'\n([\s\S]*?)^END$/m.exec(section.blocks("sh")[0] ?? "")?.[1] ?? "";
  const made = execFileSync(process.execPath, ["--input-type=module"], { input: script, encoding: "utf8" });
  return { shown: shown.replace(/\s/g, ""), made: made.trim() };
}

/** The four messages of the example of joining, and the token that it tells. */
function exampleOfJoining(document: Document): { readonly messages: readonly Buffer[]; readonly token: string } {
  const section = new Document(document.text.split("### Joining")[1]?.split("### Frames")[0] ?? "");
  const lines = section.blocks("").at(-1)?.replace(/\n +/g, "") ?? "";
  const messages = lines
    .trim()
    .split("\n")
    .map((line) => Buffer.from(line.slice(2).replace(/\s/g, ""), "hex"));
  return { messages, token: /The token is `([\w-]+)`/.exec(section.text)?.[1] ?? "" };
}

/** What is wrong with the example by what the document says, computed here by nothing but that. */
function wrongJoining({ messages, token }: ReturnType<typeof exampleOfJoining>): string[] {
  const [hello, challenge, ask, answer] = messages as [Buffer, Buffer, Buffer, Buffer];
  const secret = Buffer.alloc(32, 3);
  const label = (text: string): Buffer => Buffer.from(text.padEnd(16, "\0"));
  const text = (value: string): Buffer => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
  const wish = ask.subarray(1, ask.length - 96);
  const parts = [text("agent-mesh join"), Buffer.of(2), challenge.subarray(1, 15), hello.subarray(2)];
  // On the loopback interface no key of a channel stands before the wish.
  const transcript = Buffer.concat([...parts, challenge.subarray(15), text(""), wish]);
  const hash = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
  const hmac = (...bytes: Uint8Array[]): Buffer => createHmac("sha256", secret).update(Buffer.concat(bytes)).digest();
  const key = createPublicKey({ key: wish.subarray(0, 44), format: "der", type: "spki" });
  const checks = {
    tags: [hello[0], challenge[0], ask[0], answer[0]].join() === "1,2,3,4",
    names: challenge.subarray(1, 15).equals(Buffer.concat([text("0123456789"), text("a1")])),
    signature: verify(null, transcript, key, ask.subarray(-96, -32)),
    newcomer: hmac(label("newcomer"), transcript, hash(Buffer.of())).equals(ask.subarray(-32)),
    seed: hmac(label("seed"), transcript, hash(Buffer.from("{}"))).equals(answer.subarray(2, 34)),
    token: hmac(label("token"), transcript).toString("base64url") === token,
  };
  return Object.entries(checks).flatMap(([what, holds]) => (holds ? [] : [what]));
}

describe("the document of the wire protocol", () => {
  for (const [what, all] of Object.entries(words))
    it(`names all ${what}`, () => assert.deepEqual(protocol.lacks(all), []));

  it("is found wanting where an operation is not in it, or was renamed", () => {
    const without = new Document(protocol.text.replaceAll("setEffects", "setLinkRules"));
    assert.deepEqual(without.lacks(words["operations of clients"] ?? []), ["setEffects"]);
  });

  it("has every message with its tag and its fields", () =>
    assert.deepEqual(
      samples.flatMap((message) => wrongRow(protocol, message)),
      [],
    ));

  it("is found wanting where a message lacks a field, or has another tag", () => {
    const heartbeat = samples.find(({ type }) => type === "heartbeat") as RaftMessage;
    const without = new Document("| 8 | heartbeat | varint commit |");
    assert.deepEqual(wrongRow(without, heartbeat), ["heartbeat has a field round", "heartbeat has another tag"]);
    assert.deepEqual(wrongRow(new Document(""), heartbeat), ["there is no row for heartbeat"]);
  });

  it("has every code that closes a connection or refuses a request", () =>
    assert.deepEqual(
      lackedCodes(
        protocol,
        [LinkClose, ClientClose, CoordinatorError].flatMap((codes) => Object.values(codes)),
      ),
      [],
    ));

  it("is found wanting where a code is not in it", () =>
    assert.deepEqual(lackedCodes(new Document("\n| 4007 | reset |"), [4007, 4008]), [4008]));

  it("spells out the bytes that its example makes", () => {
    const { shown, made } = exampleFrame(protocol);
    assert.ok(made.length > 100);
    assert.equal(shown, made);
  });

  it("has an example of joining that is what the document says, by whoever computes it anew", () => {
    const example = exampleOfJoining(protocol);
    assert.equal(example.messages.length, 4);
    assert.deepEqual(wrongJoining(example), []);
  });

  it("is found wanting where that example shows another byte", () => {
    const wrong = new Document(protocol.text.replace("8827 00 00", "8827 00 01").replace("MjLmVk", "MjLmV-"));
    const all = ["signature", "newcomer", "seed", "token"];
    assert.deepEqual(wrongJoining(exampleOfJoining(wrong)), all);
  });

  it("is found wanting where its example shows another byte", () => {
    const { shown, made } = exampleFrame(new Document(protocol.text.replace("\nd0060d13 ", "\nd0060d14 ")));
    assert.notEqual(shown, made);
  });
});
