// Agents with real keys, and what they sign twice.

import { createHash, sign } from "node:crypto";
import type { EvidenceLine } from "../../../server/contract/evidence.ts";
import { evidenceText } from "../../../server/core/pbft/evidence.ts";
import { checkpointBytes, orderBytes } from "../../../server/core/pbft/signed.ts";
import type { Evidence } from "../../../server/core/pbft/types.ts";
import { type KeyTexts, makeKeys, privateKeyOf } from "../../../server/live/identity.ts";
import type { SwarmFile } from "../../../server/live/swarm-file.ts";
import { LOCAL_TIMING } from "../swarm.ts";

export class Liars {
  readonly #keys: ReadonlyMap<string, KeyTexts>;
  readonly swarm: SwarmFile;

  constructor(...ids: readonly string[]) {
    this.#keys = new Map(ids.map((id) => [id, makeKeys()]));
    this.swarm = {
      version: 1,
      ...{ id: "f00d", name: "demo", file: "", folder: "/nowhere", createdAtMs: 0, topology: "mesh" },
      ...{
        consensus: "pbft",
        reads: "readIndex",
        detector: "swim",
        links: [],
        timing: LOCAL_TIMING,
        slots: 1,
        taskLeaseMs: 1000,
      },
      ...{ graceMs: 1000, detached: false, recording: null },
      agents: ids.map((id, at) => ({ id, port: 4000 + at, publicKey: this.publicKey(id) })),
    };
  }

  publicKey(id: string): string {
    return (this.#keys.get(id) as KeyTexts).publicKey;
  }

  /** Two statements with the signer's signature, at one place. */
  evidence(signer: string, { kind = "prepare", view = 3, seq = 41, ...changes }: Partial<Evidence> = {}): Evidence {
    const key = privateKeyOf((this.#keys.get(signer) as KeyTexts).privateKey);
    const statement = (which: number) => {
      const digest = new Uint8Array(createHash("sha256").update(String(which)).digest());
      const bytes = kind === "checkpoint" ? checkpointBytes(seq, digest) : orderBytes(kind, view, seq, digest);
      return { digest, signature: new Uint8Array(sign(null, bytes, key)) };
    };
    return { culprit: signer, kind, view, seq, first: statement(1), second: statement(2), ...changes };
  }

  digits(signer: string, changes: Partial<Evidence> = {}): string {
    return evidenceText(this.evidence(signer, changes));
  }

  line(signer: string, changes: Partial<EvidenceLine> = {}): EvidenceLine {
    const { id, name } = this.swarm;
    const evidence = changes.evidence ?? this.digits(signer);
    const publicKey = this.publicKey(signer);
    const told = { type: "evidence", version: 1, swarm: id, name, culprit: signer, publicKey, evidence } as const;
    return { ...told, by: "a1", atMs: 1, ...changes };
  }
}
