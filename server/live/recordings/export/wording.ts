import type { Fields, TimelineEvent } from "../../../contract/timeline.ts";

/** An event in a few words, on one line: its kind, or its message and where it goes, and its fields. */
export function eventWords({ kind, message, fields }: TimelineEvent): string {
  if (message === undefined) return [kind, ...fieldWords(fields)].join(" ");
  const { type, from, to } = message;
  const what = kind === "send" ? `send ${type} to ${to}` : `receive ${type} from ${from}`;
  return [what, ...fieldWords(message.fields)].join(" ");
}

function fieldWords(fields: Fields): string[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}=${typeof value === "object" ? value.join(",") : oneLine(String(value))}`);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
