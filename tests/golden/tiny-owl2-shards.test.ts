import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { narrowFloats, readSafetensors, type StateDict } from "../../src/checkpoint/index.ts";
import { archive, dictPickle, tensorOperations } from "../../src/checkpoint/testing/pickles.ts";
import { probeModel } from "../../src/inspection/index.ts";
import { Owl } from "../../src/owl/index.ts";
import { shared, sharedAvailable } from "../shared.ts";
import { largestDifference } from "./run-model.ts";

/** The README's tolerance. */
const LOGITS = 5e-4;
const SHARDS = 3;

const from = (file: string): string => shared(`golden/tiny-owl2/${file}`);

/** Positions of the abstractor and rotary frequencies: what some writers save, and others leave out. */
const isBuffer = (name: string): boolean => /_pos_embed$|\.inv_freq$/.test(name);

function stridesOf(dims: readonly number[]): number[] {
  return dims.map((_, axis) => dims.slice(axis + 1).reduce((all, one) => all * one, 1));
}

/** Tensors as PyTorch saves them, buffers in half precision, as published ones are. */
function torchFile(tensors: StateDict): Uint8Array {
  const described: Record<string, number[]> = {};
  const storages: { name: string; data: Uint8Array }[] = [];
  for (const [name, { dims, data }] of tensors) {
    const key = String(storages.length);
    const narrow = isBuffer(name) ? narrowFloats(data as Float32Array, "F16") : undefined;
    const storageClass = narrow === undefined ? "FloatStorage" : "HalfStorage";
    const tensor = { dims, strides: stridesOf(dims), length: data.length, key, storageClass };
    described[name] = tensorOperations(tensor);
    const { buffer, byteOffset, byteLength } = narrow ?? data;
    storages.push({ name: `model/data/${key}`, data: new Uint8Array(buffer, byteOffset, byteLength) });
  }
  return archive([{ name: "model/data.pkl", data: dictPickle(described) }, ...storages]);
}

/** The model's directory with its tensors in several `.bin` files, and what tells where each lies. */
function writeBins(directory: string, tensors: StateDict): void {
  mkdirSync(directory);
  copyFileSync(from("config.json"), join(directory, "config.json"));
  const all = [...tensors];
  const weight_map: Record<string, string> = {};
  for (let shard = 0; shard < SHARDS; shard++) {
    const file = `pytorch_model-${shard + 1}-of-${SHARDS}.bin`;
    const own = all.filter((_, i) => i % SHARDS === shard);
    for (const [name] of own) weight_map[name] = file;
    writeFileSync(join(directory, file), torchFile(new Map(own)));
  }
  const index = { metadata: { total_size: 0 }, weight_map };
  writeFileSync(join(directory, "pytorch_model.bin.index.json"), JSON.stringify(index));
}

const work = mkdtempSync(join(tmpdir(), "owl2-shards-"));
afterAll(() => rmSync(work, { recursive: true }));

test.skipIf(!sharedAvailable)(
  "mPLUG-Owl2's .bin shards give the same with position buffers, too coarse as they are, and without",
  async () => {
    const tensors = await readSafetensors(from("model.safetensors"));
    expect([...tensors.keys()].filter(isBuffer)).toHaveLength(3 + 2 * 2);
    writeBins(join(work, "with"), tensors);
    writeBins(join(work, "without"), new Map([...tensors].filter(([name]) => !isBuffer(name))));
    const io = await readSafetensors(from("io.safetensors"));
    const prefix = "c_one_image.in.";
    const { dims, data } = io.get("pixel_values")!;
    const one = (data as Float32Array).slice(0, data.length / dims[0]);
    const inputs: StateDict = new Map([...io].filter(([name]) => name.startsWith(prefix))).set(
      `${prefix}pixel_values`,
      { dtype: "float32", dims: [1, ...dims.slice(1)], data: one },
    );
    const logits = [];
    for (const name of ["with", "without"]) {
      const warnings: string[] = [];
      const onWarning = (text: string): void => void warnings.push(text);
      const owl = await Owl.load(join(work, name), { threads: 1, onWarning });
      logits.push((await probeModel(owl, inputs, { prefix })).get("logits")!);
      await owl.close();
      expect(warnings.filter((text) => /pos_embed|inv_freq/.test(text))).toEqual([]);
    }
    expect(logits[0]).toEqual(logits[1]);
    expect(largestDifference(logits[0], io.get("c_one_image.logits")!)).toBeLessThan(LOGITS);
  },
);
