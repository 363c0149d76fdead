/** The swarm's memory as people type it: texts, or base64 where a value is no UTF-8. */
import type { ItemInfo, MeshClient } from "../client/client.ts";
import type { MemoryAnswer, MemoryItemView, MemoryRequest } from "../contract/coordinator.ts";

/** @throws MeshError */
export async function askMemory(client: MeshClient, request: MemoryRequest): Promise<MemoryAnswer> {
  const { namespace } = request;
  switch (request.op) {
    case "get": {
      const item = await client.get(namespace, request.key);
      return { type: "item", item: item && itemView(item) };
    }
    case "put": {
      const version = await client.put(namespace, request.key, request.text, ttlOf(request));
      return { type: "written", version };
    }
    case "delete":
      return { type: "deleted", existed: await client.delete(namespace, request.key) };
    case "compareAndSet": {
      const { key, expectedVersion, text } = request;
      const { written, version } = await client.compareAndSet(namespace, key, expectedVersion, text, ttlOf(request));
      return { type: written ? "written" : "conflict", version };
    }
    case "list": {
      const { prefix, limit } = request;
      const { items, more } = await client.list(namespace, {
        ...(prefix === undefined ? {} : { prefix }),
        ...(limit === undefined ? {} : { limit }),
      });
      return { type: "items", items: items.map(itemView), more };
    }
  }
}

function ttlOf({ ttlMs }: { readonly ttlMs?: number }): { readonly ttlMs?: number } {
  return ttlMs === undefined ? {} : { ttlMs };
}

function itemView({ namespace, key, value, version, expiresAtMs }: ItemInfo): MemoryItemView {
  const expires = { version, expiresAtMs: expiresAtMs === 0 ? null : expiresAtMs };
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
    return { namespace, key, text, encoding: "utf8", ...expires };
  } catch {
    return { namespace, key, text: Buffer.from(value).toString("base64"), encoding: "base64", ...expires };
  }
}
