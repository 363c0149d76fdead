/** The swarm's memory as people type it: texts, or base64 where a value is no UTF-8. */
import type { ItemInfo, MeshClient, WriteRequest } from "../client/client.ts";
import { MeshError } from "../client/errors.ts";
import type { MemoryAnswer, MemoryItemView, MemoryRequest } from "../contract/coordinator.ts";

/** Whoever asks agents: of processes, or of simulated ones. */
type MemoryClient = Pick<MeshClient, "read" | "write" | "list">;

/** @throws MeshError */
export async function askMemory(client: MemoryClient, request: MemoryRequest): Promise<MemoryAnswer> {
  const { namespace } = request;
  switch (request.op) {
    case "get": {
      const read = { op: "get", namespace, key: request.key, ...consistencyOf(request) } as const;
      const { value, from, side } = await client.read(read);
      if (value.type !== "item") throw new MeshError("invalid", "unknown", `An agent answered get with ${value.type}.`);
      return { type: "item", item: value.item && itemView(value.item), ...(side && { from, side }) };
    }
    case "put":
    case "delete":
    case "compareAndSet":
    case "increment":
    case "add":
    case "remove":
      return askWrite(client, request);
    case "list": {
      const { prefix, limit } = request;
      const { items, more, from, side } = await client.list(namespace, {
        ...consistencyOf(request),
        ...(prefix === undefined ? {} : { prefix }),
        ...(limit === undefined ? {} : { limit }),
      });
      return { type: "items", items: items.map(itemView), more, ...(side && { from, side }) };
    }
  }
}

type MemoryWrite = Exclude<MemoryRequest, { readonly op: "get" | "list" }>;

async function askWrite(client: MemoryClient, request: MemoryWrite): Promise<MemoryAnswer> {
  const { value, vouchedBy } = await client.write(operationOf(request));
  const vouched = vouchedBy.length === 0 ? {} : { vouchedBy };
  switch (value.type) {
    case "written":
    case "conflict":
      return { type: value.type, version: value.version, ...vouched };
    case "deleted":
      return { type: "deleted", existed: value.existed, ...vouched };
    case "counted":
    case "added":
    case "removed":
      return value;
    default:
      throw new MeshError("invalid", "unknown", `An agent answered ${request.op} with ${value.type}.`);
  }
}

function operationOf(request: MemoryWrite): WriteRequest {
  const { namespace, key } = request;
  switch (request.op) {
    case "delete":
      return { op: "delete", namespace, key };
    case "increment":
      return { op: "increment", namespace, key, by: request.by };
    case "add":
    case "remove":
      return { op: request.op, namespace, key, element: request.element };
    case "put":
    case "compareAndSet": {
      const written = { namespace, key, value: Buffer.from(request.text, "utf8"), ...ttlOf(request) };
      if (request.op === "put") return { op: "put", ...written };
      return { op: "compareAndSet", expectedVersion: request.expectedVersion, ...written };
    }
  }
}

function consistencyOf({ consistency }: { readonly consistency?: "local" }): { readonly consistency?: "local" } {
  return consistency === undefined ? {} : { consistency };
}

function ttlOf({ ttlMs }: { readonly ttlMs?: number }): { readonly ttlMs?: number } {
  return ttlMs === undefined ? {} : { ttlMs };
}

function itemView({ namespace, key, value, version, expiresAtMs, type }: ItemInfo): MemoryItemView {
  const expires = { version, expiresAtMs: expiresAtMs === 0 ? null : expiresAtMs, ...(type && { type }) };
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
    return { namespace, key, text, encoding: "utf8", ...expires };
  } catch {
    return { namespace, key, text: Buffer.from(value).toString("base64"), encoding: "base64", ...expires };
  }
}
