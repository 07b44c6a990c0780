import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import { type PullOptions, pull } from "../pull.ts";
import type { PullEvent } from "../settings.ts";
import { checksumOf, type HubServer, newCommit, startHub } from "./hub-server.ts";

/** Bytes in no pattern that a mistaken offset would reproduce. */
export function noise(length: number, seed = 1): Buffer {
  let state = seed;
  return Buffer.from(
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
}

/** For machines that have much else to do. */
export const slowPoll = { timeout: 50_000 };

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
export const weights = noise(300_000);
export const files = {
  "README.md": Buffer.from("a model"),
  "config.json": json({ model_type: "mplug-owl" }),
  "tokenizer.json": noise(5_000, 2),
  "tokenizer_config.json": json({}),
  "generation_config.json": Buffer.of(),
  "model.safetensors": weights,
  "pytorch_model.bin": noise(2_000, 3),
  "onnx/model.onnx": noise(2_000, 4),
};
export const smallBytes = files["config.json"].length + 2 + 5_000;
export const needed = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];

/** New for every test: a hub that serves `org/model`, an empty cache, what was told, and the commit of its main branch. */
export let hub: HubServer;
export let cache: string;
export let events: PullEvent[];
export let first: string;

beforeEach(async () => {
  // Whoever runs the tests may have logged in.
  vi.stubEnv("HF_TOKEN", "");
  vi.stubEnv("HUGGING_FACE_HUB_TOKEN", "");
  vi.stubEnv("HF_TOKEN_PATH", "nowhere");
  hub = await startHub();
  cache = mkdtempSync(join(tmpdir(), "owl-hub-"));
  events = [];
  first = newCommit();
  hub.repos.set("org/model", { refs: { main: first }, commits: { [first]: files } });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
  rmSync(cache, { recursive: true });
});

export const fetchIt = (name = "org/model", options: PullOptions = {}) =>
  pull(name, { cache, endpoint: hub.url, retryDelay: 1, onEvent: (event) => events.push(event), ...options });

/** What a promise is rejected with. */
export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "fulfilled",
    (error: unknown) => error,
  );

export const folder = (name = "model"): string => join(cache, `models--org--${name}`);
export const blobs = (): string[] => readdirSync(join(folder(), "blobs"));
export const blobOf = (bytes: Buffer): string => join(folder(), "blobs", checksumOf(bytes));
/** Cuts the connection of the weights, when what was sent has been read. */
export const cutWeights = (after: number, times: number): void => {
  const arrived = () => events.reduce((sum, e) => (e.kind === "progress" ? e.bytes : sum), 0) - smallBytes;
  hub.trouble.cut.set("model.safetensors", { after, times, until: (sent) => arrived() >= sent });
};
export const sentFor = (path: string): number[] =>
  hub.served.filter((served) => served.path === path).map(({ sent }) => sent);
