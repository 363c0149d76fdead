import type { MessageAction } from "../../server/contract/faults.ts";
import { MESSAGE_TYPES, type MessageType } from "../../server/contract/timeline.ts";
import type { InjectTarget, MessageTarget } from "../../server/contract/webview.ts";

const LONGEST_ID = 200;
const ACTIONS: readonly MessageAction["action"][] = ["drop", "delay", "duplicate", "corrupt"];

/** What a context menu or a page says of what it was opened on. Comes from outside: every field is checked, and left out when it is none. */
export function targetOf(argument: unknown): Partial<InjectTarget> {
  const fields = fieldsOf(argument);
  const message = messageOf(fields.message);
  return { ...textsOf(fields, ["swarm", "agent", "a", "b"]), ...(message === undefined ? {} : { message }) };
}

function messageOf(value: unknown): MessageTarget | undefined {
  const fields = fieldsOf(value);
  const { from, to } = textsOf(fields, ["from", "to"]);
  if (from === undefined || to === undefined) return undefined;
  const type = MESSAGE_TYPES.find((one: MessageType) => one === fields.type);
  const action = ACTIONS.find((one) => one === fields.action);
  return {
    from,
    to,
    ...(type === undefined ? {} : { type }),
    ...(action === undefined ? {} : { action }),
    ...(fields.bothWays === true ? { bothWays: true } : {}),
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textsOf<K extends string>(
  fields: Readonly<Record<string, unknown>>,
  names: readonly K[],
): { readonly [key in K]?: string } {
  const found = names.flatMap((name) => {
    const value = fields[name];
    return typeof value === "string" && value !== "" && value.length <= LONGEST_ID ? [[name, value] as const] : [];
  });
  return Object.fromEntries(found) as { readonly [key in K]?: string };
}
