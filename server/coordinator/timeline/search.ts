/** What a search asks of an event: words that all occur, and fields that match. */
import { CONSENSUS, kindOfRole } from "../../contract/consensus.ts";
import type { Fields, TimelineEvent } from "../../contract/timeline.ts";

export type Matcher = (event: TimelineEvent) => boolean;

/** `name:value` matches a field of that name; everything else is a word that occurs somewhere. Case does not matter. */
export function matcherOf(text: string): Matcher {
  const tests = text
    .toLowerCase()
    .split(/\s+/)
    .filter((term) => term !== "")
    .map((term): Matcher => {
      const field = /^([a-z]+):(.+)$/.exec(term);
      return field === null ? (event) => hasWord(event, term) : (event) => hasField(event, field[1]!, field[2]!);
    });
  return (event) => tests.every((test) => test(event));
}

function hasWord(event: TimelineEvent, word: string): boolean {
  const { message } = event;
  return (
    has(event.kind, word) ||
    has(event.agent, word) ||
    has(event.id, word) ||
    (message !== undefined && (has(message.type, word) || has(message.from, word) || has(message.to, word))) ||
    bagHas(event.fields, word) ||
    (message !== undefined && bagHas(message.fields, word))
  );
}

function hasField(event: TimelineEvent, name: string, value: string): boolean {
  const { message, state } = event;
  switch (name) {
    case "kind":
    case "type":
      return event.kind.toLowerCase() === value || message?.type.toLowerCase() === value;
    case "agent":
      return event.agent.toLowerCase() === value;
    case "from":
      return message?.from.toLowerCase() === value;
    case "to":
      return message?.to.toLowerCase() === value;
    case "id":
      return event.id.toLowerCase() === value;
    case "role":
      return state?.role.toLowerCase() === value || valueIn(event.fields, name, value);
    case "term":
    case "view": {
      // An event without a term or view of its own happened in its agent's.
      const word = state === undefined ? "" : CONSENSUS[kindOfRole(state.role)].term;
      const own = state !== undefined && word !== "" && (name === "term" || word === "view");
      return (
        valueIn(event.fields, name, value) ||
        valueIn(message?.fields ?? {}, name, value) ||
        (own && !(name in event.fields) && message?.fields[name] === undefined && String(state.term) === value)
      );
    }
    default:
      return valueIn(event.fields, name, value) || valueIn(message?.fields ?? {}, name, value);
  }
}

function valueIn(fields: Fields, name: string, value: string): boolean {
  for (const key in fields) {
    if (key.toLowerCase() !== name) continue;
    const field = fields[key]!;
    return Array.isArray(field)
      ? field.some((one) => one.toLowerCase() === value)
      : String(field).toLowerCase() === value;
  }
  return false;
}

function bagHas(fields: Fields, word: string): boolean {
  for (const key in fields) {
    if (has(key, word) || has(String(fields[key]), word)) return true;
  }
  return false;
}

function has(text: string, word: string): boolean {
  return text.toLowerCase().includes(word);
}
