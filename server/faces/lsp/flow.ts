/** Where a cursor stands within braces and brackets of one line: `{ at: 1s, link: { a: a1, | } }`. */
export interface FlowPlace {
  /** Whose mapping it is: the key before the innermost brace; undefined: an item of the block around the line. */
  readonly section: string | undefined;
  /** Keys of that mapping that stand before the cursor. */
  readonly present: ReadonlySet<string>;
  /** The key whose value is being written, if one is. */
  readonly valueOf: string | undefined;
}

interface Opened {
  readonly by: "{" | "[";
  readonly key: string | undefined;
  readonly present: Set<string>;
}

const TOKEN = /#.*|"(?:[^"\\]|\\.)*"|'[^']*'|[{}[\],]|([A-Za-z]+)\s*:(?=\s|$|[{[])/g;

/** undefined: the cursor is in no braces. @param before the line up to the cursor */
export function flowPlace(before: string): FlowPlace | undefined {
  const opened: Opened[] = [];
  let key: string | undefined;
  for (const [token, named] of before.matchAll(TOKEN)) {
    const top = opened.at(-1);
    if (named !== undefined) {
      key = named;
      top?.present.add(named);
    } else if (token === "{" || token === "[") {
      opened.push({ by: token, key: key ?? (top?.by === "[" ? top.key : undefined), present: new Set() });
      key = undefined;
    } else if (token === "}" || token === "]") {
      opened.pop();
      key = undefined;
    } else if (token === ",") key = undefined;
    else if (token.startsWith("#")) return undefined;
  }
  const top = opened.at(-1);
  if (top === undefined) return undefined;
  if (top.by === "{") return { section: top.key, present: top.present, valueOf: key };
  const around = opened.findLast(({ by }) => by === "{");
  return { section: around?.key, present: new Set(), valueOf: top.key };
}
