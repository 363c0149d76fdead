/** What a person points at or chooses in the picture. */

/** bundle: all links between two of which one at least is a closed group. */
export type Thing =
  | { readonly kind: "agent"; readonly agent: string }
  | { readonly kind: "link"; readonly link: string }
  | { readonly kind: "group"; readonly group: string }
  | { readonly kind: "bundle"; readonly bundle: string };

export function sameThing(a: Thing | null, b: Thing | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What names a thing among those of its kind. */
export function thingId(thing: Thing): string {
  switch (thing.kind) {
    case "agent":
      return thing.agent;
    case "link":
      return thing.link;
    case "group":
      return thing.group;
    case "bundle":
      return thing.bundle;
  }
}

/** Whether a thing is this link (or bundle), or stands at one of its ends. */
export function touches(
  thing: Thing | null,
  id: string,
  { a, b }: { readonly a: string; readonly b: string },
): boolean {
  if (thing === null) return false;
  const name = thingId(thing);
  return thing.kind === "link" || thing.kind === "bundle" ? name === id : name === a || name === b;
}
