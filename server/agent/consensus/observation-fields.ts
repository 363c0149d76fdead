import type { Fields } from "../../contract/timeline.ts";
import type { AgentObservation } from "./kind.ts";

/** An observation's fields as its event carries them. Those that come with every write are named here, as leaving one out of all of an object's fields takes far longer. */
export function observationFields(observation: AgentObservation): Fields {
  if (observation.type === "appended") {
    const { term, fromIndex, toIndex } = observation;
    return { term, fromIndex, toIndex };
  }
  if (observation.type === "committed" && !("seq" in observation)) {
    const { term, fromIndex, toIndex, acks } = observation;
    return { term, fromIndex, toIndex, acks };
  }
  const { type: _, ...fields } = observation;
  return fields;
}
