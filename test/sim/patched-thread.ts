/** A thread whose modules are loaded with patches; nobody else's are. */
import { parentPort, workerData } from "node:worker_threads";
import { loadPatched } from "../mutants/load-patched.ts";
import type { PatchedCall } from "./patched.ts";

const { patches, root, module, name, given } = workerData as PatchedCall;
const missing = loadPatched(root, patches);
const called = (await import(module)) as Readonly<Record<string, (...given: readonly unknown[]) => unknown>>;
const missed = missing();
if (missed.length > 0) throw new Error(`not loaded, so not patched: ${missed.join(", ")}`);
const call = called[name];
if (call === undefined) throw new Error(`${module} has no ${name}`);
parentPort?.postMessage(call(...given));
