/** Tells that an invariant does not hold. `invariant`: its name, from the field; `detail`: who, where, what, for a person. */
export type Broken = (invariant: string, detail: string) => void;
