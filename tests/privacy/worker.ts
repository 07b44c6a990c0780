// A program whose main thread does not import this package; a worker thread does, with the named binding.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { stay } from "./waiting.ts";

const thread = JSON.stringify(new URL("./worker-thread.ts", import.meta.url).href);
// tsx does not apply to worker threads by itself.
const source = `import("tsx/esm/api").then(({ register }) => { register(); return import(${thread}); });`;
const worker = new Worker(source, { eval: true, workerData: process.argv[2] });
await once(worker, "message");
await stay();
await worker.terminate();
