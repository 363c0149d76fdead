import type { ProposalSettings } from "../../contract/proposals.ts";
import { policyOf } from "../../meshfile/policies.ts";

/** What of a proposal's body does not fit; undefined: it fits. */
export type BodyCheck = (body: string) => string | undefined;

export interface ProposalSchemas {
  /** What every proposal of the swarm must fit; undefined: any JSON will do. */
  readonly ofSwarm: BodyCheck | undefined;
  /** What this agent's policy approves; undefined: that is not asked of a schema. */
  readonly ofPolicy: BodyCheck | undefined;
}

/**
 * The JSON schemas that an agent needs, ready to be used. What checks them takes 3 MB and 8 ms to load: an agent without any does not.
 * @throws Error naming the schema that is none
 */
export async function loadSchemas(settings: ProposalSettings, agent: string): Promise<ProposalSchemas> {
  const policy = policyOf(settings, agent);
  const ofPolicy = policy.kind === "schema" ? policy.schema : null;
  if (settings.schema === null && ofPolicy === null) return { ofSwarm: undefined, ofPolicy: undefined };
  const { schemaProblem } = await import("./proposal-schema.ts");
  const check = (schema: string | null, of: string): BodyCheck | undefined => {
    if (schema === null) return undefined;
    try {
      schemaProblem(schema, "null");
    } catch (error) {
      throw new Error(`The JSON schema of ${of} is none: ${(error as Error).message}. Correct it in the mesh file.`);
    }
    return (body) => schemaProblem(schema, body);
  };
  return { ofSwarm: check(settings.schema, "the swarm's proposals"), ofPolicy: check(ofPolicy, `${agent}'s policy`) };
}
