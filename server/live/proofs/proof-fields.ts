/** Fields that proofs of all types have. */
import { type Fields, text, WrongShape } from "../checked-json.ts";
import { isId } from "../swarm-file.ts";

/** An Ed25519 key's has 60. */
export const MAX_KEY_CHARACTERS = 200;

/** An id as agents and swarms have them. It is shown to people. @throws WrongShape */
export function checkedId(fields: Fields, name: string, where: string): string {
  const value = text(fields, name, where);
  if (!isId(value)) throw new WrongShape(`${where}.${name} is ${JSON.stringify(value.slice(0, 80))}, which is no id`);
  return value;
}
