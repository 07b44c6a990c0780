import { expect, test } from "vitest";
import { assembleOwl, mergeCheckpoint } from "../src/assembly/index.ts";
import { WorkerOwl } from "../src/browser/index.ts";
import { exportOnnx } from "../src/export/index.ts";
import { cachedModel, modelDirectory, pull, push } from "../src/hub/index.ts";
import { OptionsError, Owl, probeModel } from "../src/index.ts";
import { convertCheckpoint } from "../src/quantization/index.ts";
import { prepareRun } from "../src/recipes/index.ts";
import { openDevice } from "../src/runtime/index.ts";
import { createServer } from "../src/server/index.ts";

/** Options as a JavaScript caller may pass them, unchecked. */
const as = <T>(value: object): T => value as T;
const models = { a: { owl: { config: {} } } };

/** Each function with a misspelt and an impossible option; it must fail before it reads, fetches or writes anything. */
const calls: [name: string, call: () => unknown, says: RegExp][] = [
  [
    "Owl.load",
    () => Owl.load("none", as({ thread: 1, device: "gpu" })),
    /mean threads\?.*device: must be one of/,
  ],
  [
    "openDevice",
    () => openDevice(as({ Threads: 1, spinning: "yes" })),
    /mean threads\?.*spinning: must be true or false/,
  ],
  [
    "pull",
    () => pull("a/b", as({ offlin: true, retryDelay: "1s" })),
    /mean offline\?.*retryDelay: must be a whole number/,
  ],
  [
    "push",
    () => push("owl-nano", "a/b", as({ privat: true, dryRun: "yes" })),
    /mean private\?.*dryRun: must be true or false/,
  ],
  ["cachedModel", () => cachedModel("a/b", as({ cacheDir: "c" })), /mean cache\?/],
  ["modelDirectory", () => modelDirectory("a/b", as({ cache: 5 })), /cache: must be a text, got 5/],
  [
    "createServer",
    () => createServer(as({ models, limit: {}, origins: "*" })),
    /mean limits\?.*origins: must be a list/,
  ],
  ["createServer without models", () => createServer(as({})), /models: must be the models by name/],
  [
    "createServer with a path",
    () => createServer(as({ models: { a: "owl-nano" } })),
    /models: must be the models by name/,
  ],
  [
    "prepareRun",
    () => prepareRun("none.yaml", as({ outptu: "a", replicas: 0 })),
    /mean output\?.*replicas: must be a whole/,
  ],
  ["probeModel", () => probeModel(as({}), new Map(), as({ stage: "3" })), /stage: must be one of .*got "3"/],
  [
    "convertCheckpoint",
    () => convertCheckpoint("owl-nano", "none", as({ quantise: "q4", blockSize: 48 })),
    /mean quantize\?.*blockSize: must be 32, 64, 128 or "row", got 48.*quantize: must be "q4"/,
  ],
  [
    "mergeCheckpoint",
    () => mergeCheckpoint("owl-nano", "none", as({ adaptor: "a" })),
    /mean adapter\?.*adapter: must be the path/,
  ],
  [
    "assembleOwl",
    () => assembleOwl("none", as({ vison: "a", language: 5 })),
    /mean vision\?.*language: must be the directory/,
  ],
  [
    "exportOnnx",
    () => exportOnnx("owl-nano", "none", as({ dtpye: "f32", inlineBytes: "1 MB" })),
    /mean dtype\?.*inlineBytes: must be a whole number/,
  ],
  [
    "WorkerOwl",
    () => new WorkerOwl(as({ modle: "m", device: "gpu" })),
    /mean model\?.*device: must be one of.*worker: must be/,
  ],
];

test.each(
  calls,
)("%s refuses options that it does not know or that cannot be, all at once", async (_, call, says) => {
  const error = await new Promise((resolve) => resolve(call())).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(OptionsError);
  expect((error as Error).message).toMatch(says);
});
