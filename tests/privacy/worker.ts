// A program whose main thread does not import this package; a worker thread does, with the named binding.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { stay } from "./waiting.ts";

const [binding, thread] = process.argv.slice(2);
const worker = new Worker(thread, { workerData: binding });
await once(worker, "message");
await stay();
await worker.terminate();
