import type { HistoryLine } from "../../contract/history.ts";
import type { MemoryOperation } from "../history.ts";

interface Lane {
  readonly process: number;
  /** When its last operation returned; Infinity when nobody knows how that ended. */
  freeUs: number;
}

type Moment = Omit<HistoryLine, "index" | "time"> & { readonly atUs: number; readonly order: number };

/** A history as lines, in the order of time; at the same moment calls come first, which claims no order that was not seen. */
export function historyLines(operations: readonly MemoryOperation[]): HistoryLine[] {
  const lanes = new Map<string, Lane[]>();
  let processes = 0;
  let lastUs = 0;
  for (const { returnedUs, gaveUpUs, invokedUs } of operations)
    lastUs = Math.max(lastUs, invokedUs, gaveUpUs ?? 0, returnedUs === Number.POSITIVE_INFINITY ? 0 : returnedUs);
  const moments: Moment[] = [];
  for (const operation of [...operations].sort((a, b) => a.invokedUs - b.invokedUs)) {
    const { client, invokedUs, returnedUs, gaveUpUs, outcome, call } = operation;
    const ofClient = lanes.get(client) ?? [];
    lanes.set(client, ofClient);
    let lane = ofClient.find(({ freeUs }) => freeUs < invokedUs);
    if (lane === undefined) {
      lane = { process: processes++, freeUs: 0 };
      ofClient.push(lane);
    }
    const lost = outcome.type === "unknown" && call.type !== "get";
    lane.freeUs = lost
      ? Number.POSITIVE_INFINITY
      : returnedUs === Number.POSITIVE_INFINITY
        ? (gaveUpUs ?? lastUs)
        : returnedUs;
    const endUs = returnedUs === Number.POSITIVE_INFINITY ? (gaveUpUs ?? lastUs) : returnedUs;
    const [invoked, ended] = linesOf(operation, lane.process);
    moments.push({ ...invoked, atUs: invokedUs, order: 0 }, { ...ended, atUs: endUs, order: 1 });
  }
  moments.sort((a, b) => a.atUs - b.atUs || a.order - b.order);
  return moments.map(({ atUs, order: _, ...line }, index) => ({ index, ...line, time: Math.round(atUs * 1000) }));
}

/** As text, a line each. */
export function historyText(operations: readonly MemoryOperation[]): string {
  return historyLines(operations)
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}

type Bare = Omit<HistoryLine, "index" | "time">;

function linesOf({ key, call, outcome }: MemoryOperation, process: number): readonly [Bare, Bare] {
  const asked: Bare = { process, type: "invoke", key, ...askedOf(call) };
  switch (outcome.type) {
    case "unknown":
      // A read that got no answer had no effect, whatever became of it.
      return [asked, { ...asked, type: call.type === "get" ? "fail" : "info", error: "no answer" }];
    case "failed":
      return [asked, { ...asked, type: "fail", error: "refused" }];
    case "conflict":
      return [asked, { ...asked, type: "fail", version: outcome.version, error: "conflict" }];
    case "item":
      return [
        asked,
        { ...asked, type: "ok", value: outcome.value, ...(outcome.value === null ? {} : versionOf(outcome)) },
      ];
    case "deleted":
      return [asked, { ...asked, type: "ok", value: outcome.existed ?? null }];
    case "written":
      return [asked, { ...asked, type: "ok", ...versionOf(outcome) }];
  }
}

function askedOf(call: MemoryOperation["call"]): Pick<HistoryLine, "f" | "value"> {
  switch (call.type) {
    case "get":
      return { f: "read", value: null };
    case "put":
      return { f: "write", value: call.value };
    case "delete":
      return { f: "delete", value: null };
    case "compareAndSet":
      return { f: "casVersion", value: [call.expectedVersion, call.value] };
    case "compareAndSwap":
      return { f: "cas", value: [call.expected, call.value] };
  }
}

function versionOf({ version }: { readonly version?: number }): { readonly version?: number } {
  return version === undefined ? {} : { version };
}
