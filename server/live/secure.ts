/**
 * Connections between hosts: TLS 1.3 (RFC 8446), where a server's certificate says nothing but its key, which is the agent's own. Whoever connects knows that key from the
 * roster, or, when it joins, has it bound into the handshake of joining: no authority is asked, and a certificate of another key is of no use.
 */
import { createPublicKey, type KeyObject, sign, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import type { ClientOptions } from "ws";
import { urlHost } from "../contract/address.ts";

const TLS_VERSION = "TLSv1.3";
const CONNECT_TIMEOUT_MS = 3_000;

/** What a TLS server of an agent is made with. */
export interface ServerCredentials {
  readonly key: string;
  readonly cert: string;
  readonly minVersion: typeof TLS_VERSION;
}

export function credentialsOf(privateKey: KeyObject): ServerCredentials {
  const certificate = certificateOf(privateKey).toString("base64").replaceAll(/.{64}/g, "$&\n");
  return {
    key: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
    minVersion: TLS_VERSION,
  };
}

/** Where an agent of another host is reached. */
export interface FarAddress {
  readonly host: string;
  readonly port: number;
}

/** What `ws` takes for the making of connections. */
export type Connecting = NonNullable<ClientOptions["createConnection"]>;

/**
 * Nothing is sent before the server has proved that it has the expected key.
 * @param expected undefined: whoever answers; `connected` is told its key, and must bind it to what follows
 */
export function connecting(
  { host, port }: FarAddress,
  expected: KeyObject | undefined,
  connected: (serverKey: KeyObject) => void = () => {},
): Connecting {
  const made = (_options: unknown, done: (error: Error | null, socket?: TLSSocket) => void): undefined => {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = connect({
      host,
      port,
      minVersion: TLS_VERSION,
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
      ...name,
    });
    const fail = (error: Error): void => {
      socket.removeAllListeners("secureConnect");
      socket.destroy();
      done(error);
    };
    const timer = setTimeout(
      () => fail(new Error(`no TLS with ${urlHost(host)}:${port} in ${CONNECT_TIMEOUT_MS} ms`)),
      CONNECT_TIMEOUT_MS,
    );
    socket.once("error", fail);
    socket.once("close", () => clearTimeout(timer));
    socket.once("secureConnect", () => {
      clearTimeout(timer);
      const key = socket.getPeerX509Certificate()?.publicKey;
      if (key === undefined || (expected !== undefined && !key.equals(expected))) {
        fail(new Error(`${urlHost(host)}:${port} has another key than the roster says: it is not that agent`));
        return;
      }
      socket.removeListener("error", fail);
      socket.setNoDelay(true);
      connected(key);
      done(null, socket);
    });
    return undefined;
  };
  // The types of ws know only connections that are made at once; Node's http.request, to which it hands this on, also takes those that are called back.
  return made as unknown as Connecting;
}

/** Self-signed, of version 1, for ever (RFC 5280, 4.1; RFC 8410): it carries the key, and that is all that anybody reads of it. */
function certificateOf(privateKey: KeyObject): Buffer {
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const algorithm = der(SEQUENCE, ED25519);
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from("agent-mesh")))));
  const validity = der(
    SEQUENCE,
    der(UTC_TIME, Buffer.from("200101000000Z")),
    der(GENERALIZED_TIME, Buffer.from("99991231235959Z")),
  );
  const serial = der(INTEGER, Buffer.from([1]));
  const body = der(SEQUENCE, serial, algorithm, name, validity, name, publicKey);
  const signature = der(BIT_STRING, Buffer.from([0]), sign(null, body, privateKey));
  const certificate = der(SEQUENCE, body, algorithm, signature);
  return new X509Certificate(certificate).raw;
}

const [INTEGER, BIT_STRING, UTF8_STRING, UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET] = [
  2, 3, 12, 23, 24, 48, 49,
] as const;
/** Object identifiers 1.3.101.112 and 2.5.4.3, with their tags and lengths. */
const ED25519 = Buffer.from("06032b6570", "hex");
const COMMON_NAME = Buffer.from("0603550403", "hex");

/** Tag, length, contents (X.690, 8.1). */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const length = content.length;
  const lengthBytes = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}
