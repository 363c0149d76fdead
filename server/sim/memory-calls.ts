import type { ClientOperation, ClientValue } from "../contract/client.ts";
import { fromUtf8, utf8 } from "../core/bytes.ts";
import type { MemoryCall, MemoryOutcome } from "./history.ts";

/** Where the workload's keys live. */
export const NAMESPACE = "sim";

/** What our memory can be asked. */
export type OwnCall = Exclude<MemoryCall, { readonly type: "compareAndSwap" }>;

export function toClientOperation(key: string, call: OwnCall): ClientOperation {
  const place = { namespace: NAMESPACE, key };
  switch (call.type) {
    case "get":
      return { op: "get", ...place };
    case "put":
      return {
        op: "put",
        ...place,
        value: utf8(call.value),
        ...(call.ttlMs !== undefined && { ttlMs: call.ttlMs }),
      };
    case "delete":
      return { op: "delete", ...place };
    case "compareAndSet":
      return { op: "compareAndSet", ...place, expectedVersion: call.expectedVersion, value: utf8(call.value) };
  }
}

/** @throws RangeError for an answer to something else. */
export function fromClientValue(value: ClientValue): MemoryOutcome {
  switch (value.type) {
    case "written":
    case "conflict":
      return { type: value.type, version: value.version };
    case "deleted":
      return { type: "deleted", existed: value.existed };
    case "item":
      return value.item === null
        ? { type: "item", value: null, version: 0 }
        : { type: "item", value: fromUtf8(value.item.value), version: value.item.version };
    default:
      throw new RangeError(`a memory operation was answered with ${value.type}`);
  }
}
