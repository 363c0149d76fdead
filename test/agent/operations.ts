import assert from "node:assert/strict";
import type { ClientResult, MembersChange } from "../../server/contract/client.ts";

export function put(key: string, value: string) {
  return { op: "put", namespace: "n", key, value: new TextEncoder().encode(value) } as const;
}

export function get(key: string) {
  return { op: "get", namespace: "n", key } as const;
}

export function submit(id: string, more: object = {}) {
  return { op: "submitTask", task: { id, command: "true", ...more } } as const;
}

/** The value a `get` found, as text; null when there was none. */
export function stored(result: ClientResult): string | null {
  assert.ok(result.ok && result.value.type === "item", JSON.stringify(result));
  return result.value.item === null ? null : new TextDecoder().decode(result.value.item.value);
}

/** The version that a write gave. */
export function version(result: ClientResult): number {
  assert.ok(result.ok && result.value.type === "written", JSON.stringify(result));
  return result.value.version;
}

export function code(result: ClientResult): string {
  return result.ok ? "ok" : result.code;
}

export function changeMembers(change: MembersChange) {
  return { op: "changeMembers", change } as const;
}

/** "a1 a2 / a3": voters and learners; "unchanged: ..." when they were so already. */
export function members(result: ClientResult): string {
  assert.ok(result.ok && result.value.type === "members", JSON.stringify(result));
  const { changed, voters, learners } = result.value;
  return `${changed ? "" : "unchanged: "}${voters.join(" ")} / ${learners.join(" ")}`;
}

export function refusal(result: ClientResult): string {
  assert.ok(!result.ok, JSON.stringify(result));
  return `${result.code}: ${result.message}`;
}
