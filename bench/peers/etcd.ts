import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { join } from "node:path";
import { freePorts } from "../../server/live/ports.ts";

export function etcdVersion(): string | undefined {
  const { status, stdout } = spawnSync("etcd", ["--version"], { encoding: "utf8" });
  return status === 0 ? (/etcd Version: (\S+)/.exec(stdout)?.[1] ?? "unknown") : undefined;
}

/** Three durable etcd members on loopback. */
export class EtcdCluster {
  readonly #folder: string;
  readonly #members: ChildProcess[] = [];
  #clientPorts: number[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param parent folder on the disk that is measured. */
  static async start(parent: string, count = 3): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(mkdtempSync(join(parent, "etcd-")));
    const ports = await freePorts(count * 2, 0);
    cluster.#clientPorts = ports.slice(0, count);
    const peers = ports.slice(count);
    const initial = peers.map((port, at) => `m${at}=http://127.0.0.1:${port}`).join(",");
    for (let at = 0; at < count; at++) {
      const client = `http://127.0.0.1:${cluster.#clientPorts[at]}`;
      const peer = `http://127.0.0.1:${peers[at]}`;
      const args = [
        ["--name", `m${at}`],
        ["--data-dir", join(cluster.#folder, `m${at}`)],
        ["--listen-client-urls", client],
        ["--advertise-client-urls", client],
        ["--listen-peer-urls", peer],
        ["--initial-advertise-peer-urls", peer],
        ["--initial-cluster", initial],
        ["--initial-cluster-state", "new"],
        ["--log-level", "error"],
      ].flat();
      cluster.#members.push(spawn("etcd", args, { stdio: "ignore" }));
    }
    await cluster.#ready();
    return cluster;
  }

  /** A client of the member that leads, or of the first one. */
  client(): EtcdClient {
    return new EtcdClient(this.#clientPorts[0] as number);
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#members.map((member) => {
        if (member.exitCode !== null) return undefined;
        const gone = new Promise((resolve) => member.once("exit", resolve));
        member.kill("SIGKILL");
        return gone;
      }),
    );
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const client = this.client();
      try {
        await client.put(Buffer.from("ready"), Buffer.from("1"));
        return;
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`etcd did not get ready within 30 s: ${String(error)}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      } finally {
        client.close();
      }
    }
  }
}

const PUT_PATH = "/etcdserverpb.KV/Put";

/** gRPC by hand over one HTTP/2 connection: the lightest client Node can have, so that the peer is not slowed by a library. */
export class EtcdClient {
  readonly #session: ClientHttp2Session;
  #failed: Error | undefined;

  constructor(port: number) {
    this.#session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 1 << 20 } });
    this.#session.on("error", (error) => {
      this.#failed = error;
    });
  }

  put(key: Buffer, value: Buffer): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failed);
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        ":method": "POST",
        ":path": PUT_PATH,
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.on("error", reject);
      stream.on("trailers", (trailers) => {
        if (trailers["grpc-status"] === "0") resolve();
        else reject(new Error(`etcd: ${String(trailers["grpc-message"] ?? trailers["grpc-status"])}`));
      });
      stream.on("response", (headers) => {
        if (headers["grpc-status"] !== undefined && headers["grpc-status"] !== "0")
          reject(new Error(`etcd: ${String(headers["grpc-message"])}`));
      });
      stream.on("close", () => reject(new Error("etcd: the stream closed without an answer")));
      stream.resume();
      stream.end(putFrame(key, value));
    });
  }

  close(): void {
    this.#session.destroy();
  }
}

/** The 5-byte gRPC prefix and a PutRequest{key = 1, value = 2} in protocol buffers. */
function putFrame(key: Buffer, value: Buffer): Buffer {
  const message = Buffer.concat([
    Buffer.from([0x0a, ...varint(key.length)]),
    key,
    Buffer.from([0x12, ...varint(value.length)]),
    value,
  ]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  out.push(rest);
  return out;
}
