import type { DetectorKind } from "../contract/mesh.ts";
import type { AgentId } from "../core/consensus.ts";
import { HeartbeatCodec } from "../core/membership/heartbeat/codec.ts";
import { HeartbeatMembership } from "../core/membership/heartbeat/heartbeat.ts";
import type { Membership, MembershipCodec } from "../core/membership/membership.ts";
import { SwimCodec } from "../core/membership/swim/codec.ts";
import { SwimMembership } from "../core/membership/swim/swim.ts";
import type { Random } from "../core/random.ts";
import { heartbeatConfig, swimConfig } from "./settings.ts";
import type { AgentConfig } from "./types.ts";

/** How agents of a swarm find out who is alive: all in the same way. */
export interface Detector {
  /** @param trust how far the agent trusts another, in [0, 1]. */
  make(config: AgentConfig, now: number, random: Random, trust: (id: AgentId) => number): Membership;
  codec(roster: readonly AgentId[]): MembershipCodec;
}

const DETECTORS: Readonly<Record<DetectorKind, Detector>> = {
  swim: {
    make: (config, now, random, trust) =>
      // Numbers of its own in each life: an answer to an earlier one is none.
      new SwimMembership(swimConfig(config), config.incarnation, now, random.fork(`life ${config.incarnation}`), trust),
    codec: (roster) => new SwimCodec(roster),
  },
  heartbeat: {
    make: (config, now, random) => new HeartbeatMembership(heartbeatConfig(config), config.incarnation, now, random),
    codec: (roster) => new HeartbeatCodec(roster),
  },
};

export function detectorKindOf({ detector = "heartbeat" }: AgentConfig): DetectorKind {
  return detector;
}

export function detectorOf(config: AgentConfig): Detector {
  return DETECTORS[detectorKindOf(config)];
}
