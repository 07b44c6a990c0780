import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { float32, int32 } from "../tensor/index.ts";
import {
  loadCheckpoint,
  openCheckpoint,
  readAll,
  readSafetensors,
  readTokenizerFiles,
  type StateDict,
  saveCheckpoint,
  validatedWeights,
  validateParameters,
} from "./index.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "checkpoint-"));
});
afterAll(() => rm(directory, { recursive: true }));

const tensors = (): StateDict =>
  new Map([
    ["query_tokens", float32([1, 2, 3, 4], [1, 2, 2])],
    ["lm_head.weight", float32([5, 6, 7, 8, 9, 10], [3, 2])],
    ["norm.weight", float32([0.5, 0.25], [2])],
  ]);

describe("a checkpoint directory", () => {
  it("comes back as it was saved", async () => {
    const path = join(directory, "whole");
    const files = { "tokenizer.json": "{}", "tokenizer.model": Uint8Array.of(1, 2) };
    await saveCheckpoint(path, {
      config: { model_type: "mplug-owl" },
      tensors: tensors(),
      generationConfig: { top_k: 3 },
      files,
      tensorFiles: { "optimizer.safetensors": new Map([["step", float32([7], [1])]]) },
    });
    const loaded = await loadCheckpoint(path);
    expect(loaded).toMatchObject({ config: { model_type: "mplug-owl" }, generationConfig: { top_k: 3 } });
    expect(loaded.preprocessorConfig).toBeUndefined();
    expect(new Map([...loaded.tensors].sort())).toEqual(new Map([...tensors()].sort()));
    expect(Object.keys(await readTokenizerFiles(path))).toEqual(["tokenizer.json", "tokenizer.model"]);
    expect((await readSafetensors(join(path, "optimizer.safetensors"))).get("step")?.data[0]).toBe(7);
  });

  it("is split into shards with an index, and read back", async () => {
    const path = join(directory, "sharded");
    await saveCheckpoint(path, { config: {}, tensors: tensors(), floatType: "F16", maxShardBytes: 12 });
    const index = JSON.parse(await readFile(join(path, "model.safetensors.index.json"), "utf8"));
    expect(index.metadata.total_size).toBe(24);
    expect(index.weight_map["lm_head.weight"]).toBe("model-00002-of-00003.safetensors");
    expect((await loadCheckpoint(path)).tensors.get("lm_head.weight")).toEqual(
      tensors().get("lm_head.weight"),
    );
    await rm(join(path, "model-00001-of-00003.safetensors"));
    await writeFile(join(path, "model-00003-of-00003.safetensors"), "");
    await expect(loadCheckpoint(path)).rejects.toThrow(/2 problems[\s\S]*00001-of[\s\S]*00003-of/);
  });

  it("is the whole file's where an index of shards was left beside it, in both formats", async () => {
    const stale = JSON.stringify({ weight_map: { a: "model-00001-of-00002.safetensors" } });
    const path = join(directory, "stale");
    await saveCheckpoint(path, { config: {}, tensors: tensors() });
    await writeFile(join(path, "model.safetensors.index.json"), stale);
    expect([...(await loadCheckpoint(path)).tensors.keys()].sort()).toEqual([...tensors().keys()].sort());
    const torch = join(directory, "stale-torch");
    await mkdir(torch);
    await writeFile(join(torch, "config.json"), "{}");
    await copyFile(
      new URL("../../tests/fixtures/torch/edge.pt", import.meta.url),
      join(torch, "pytorch_model.bin"),
    );
    await writeFile(join(torch, "pytorch_model.bin.index.json"), stale.replace("safetensors", "bin"));
    expect((await loadCheckpoint(torch)).tensors.size).toBeGreaterThan(0);
  });

  it("whose index and shards disagree names every tensor", async () => {
    const path = join(directory, "disagreeing");
    await saveCheckpoint(path, { config: {}, tensors: tensors(), maxShardBytes: 1 });
    const file = join(path, "model.safetensors.index.json");
    const index = JSON.parse(await readFile(file, "utf8"));
    index.weight_map.ghost = index.weight_map.query_tokens;
    delete index.weight_map["norm.weight"];
    index.weight_map.other = "model-00003-of-00003.safetensors";
    await writeFile(file, JSON.stringify(index));
    await expect(loadCheckpoint(path)).rejects.toThrow(
      /ghost is not in[\s\S]*other is not in[\s\S]*norm\.weight of/,
    );
  });

  it("without weights says what it holds instead", async () => {
    const path = join(directory, "torch");
    await mkdir(path);
    await writeFile(join(path, "config.json"), "{}");
    await expect(loadCheckpoint(path)).rejects.toThrow(/torch: must hold model\.safetensors.*got none/);
    await writeFile(join(path, "config.json"), "{");
    await expect(loadCheckpoint(path)).rejects.toThrow(/config\.json: must be valid JSON/);
    await expect(loadCheckpoint(join(directory, "none"))).rejects.toThrow(/none: .*no such directory/);
  });

  it("saved again loses its old weights and keeps other files", async () => {
    const path = join(directory, "again");
    await saveCheckpoint(path, { config: {}, tensors: tensors(), maxShardBytes: 1 });
    await writeFile(join(path, "README.md"), "mine");
    await mkdir(join(path, "notes"));
    await saveCheckpoint(path, { config: {}, tensors: tensors() });
    expect((await readdir(path)).sort()).toEqual(["README.md", "config.json", "model.safetensors", "notes"]);
    expect((await readdir(directory)).filter((name) => name.startsWith("again"))).toEqual(["again"]);
  });

  it("may not be the current directory", async () => {
    await expect(saveCheckpoint(".", { config: {}, tensors: tensors() })).rejects.toThrow(/current one/);
  });
});

describe("an interrupted save", () => {
  const version = (value: number) => ({
    config: { version: value },
    tensors: new Map([["weight", float32(new Array(1000).fill(value), [1000])]]),
  });
  const versionAt = async (path: string) => {
    const { config, tensors: loaded } = await loadCheckpoint(path);
    const versions = new Set([(config as { version: number }).version, ...loaded.get("weight")!.data]);
    expect(versions.size).toBe(1);
    return [...versions][0];
  };

  it("leaves the old checkpoint where writing failed, and the next save succeeds", async () => {
    const path = join(directory, "failed");
    await saveCheckpoint(path, version(1));
    const bad = new Map([["weight", float32([1e9], [1])]]);
    await expect(saveCheckpoint(path, { config: {}, tensors: bad, floatType: "F16" })).rejects.toThrow(
      /1000000000/,
    );
    expect(await versionAt(path)).toBe(1);
    await saveCheckpoint(path, version(2));
    expect(await versionAt(path)).toBe(2);
  });

  it("between its two renames leaves the new checkpoint, and what was kept of the old", async () => {
    const path = join(directory, "between");
    await saveCheckpoint(path, version(1));
    await writeFile(join(path, "README.md"), "mine");
    await saveCheckpoint(join(directory, "new"), version(2));
    await rename(path, `${path}.previous`);
    await rename(join(directory, "new"), `${path}.next`);
    expect(await versionAt(path)).toBe(2);
    await saveCheckpoint(path, version(3));
    expect(await versionAt(path)).toBe(3);
    expect(await readFile(join(path, "README.md"), "utf8")).toBe("mine");
  });
});

describe("the proof that tensors fit", () => {
  const expected = [...tensors()].map(([name, { dims }]) => ({ name, dims }));

  it("passes where they do, derived buffers aside", () => {
    const given = tensors().set("layers.0.self_attn.rotary_emb.inv_freq", float32([1], [1]));
    expect(() => validateParameters(expected, given)).not.toThrow();
  });

  it("names what is missing, unexpected and of another shape at once", () => {
    const given = new Map([
      ["lm_head.weight", float32([1, 2], [1, 2])],
      ["query_tokens", float32([1, 2, 3, 4], [1, 2, 2])],
      ["stray", float32([1], [1])],
    ]);
    expect(() => validateParameters(expected, given, "models/x")).toThrow(
      /models\/x: must hold the 3 parameters[\s\S]*missing norm\.weight \[2\][\s\S]*lm_head\.weight must be \[3, 2\], is \[1, 2\][\s\S]*unexpected stray \[1\]/,
    );
  });
});

describe("weights that fit a model", () => {
  const table = "language_model.model.embed_tokens.weight";
  const head = "language_model.lm_head.weight";
  const expected = [{ name: table, dims: [3, 2], role: "embedding" as const }];
  const opened = async (name: string, given: StateDict) => {
    const path = join(directory, name);
    await saveCheckpoint(path, { config: {}, tensors: given });
    return (await openCheckpoint(path)).weights;
  };
  const values = [1, 2, 3, 4, 5, 6];

  it("are tied with or without a head that repeats the embeddings", async () => {
    const without = new Map([[table, float32(values, [3, 2])]]);
    const both = new Map([...without, [head, float32(values, [3, 2])]]);
    for (const given of [without, both]) {
      const weights = await validatedWeights(await opened("tied", given), expected);
      expect([...(await readAll(weights)).keys()]).toEqual([table]);
      expect(() => validateParameters(expected, given)).not.toThrow();
    }
  });

  it("are refused where the head differs from the embeddings, or has another shape", async () => {
    const other = new Map([
      [table, float32(values, [3, 2])],
      [head, float32([1, 2, 3, 4, 5, 7], [3, 2])],
    ]);
    await expect(validatedWeights(await opened("untied", other), expected)).rejects.toThrow(
      /lm_head\.weight that differs from .*embed_tokens\.weight\. Set tie_word_embeddings/,
    );
    other.set(head, float32(values, [2, 3]));
    await expect(validatedWeights(await opened("untied", other), expected)).rejects.toThrow(
      /unexpected language_model\.lm_head\.weight \[2, 3\]/,
    );
  });

  it("are floating point", async () => {
    const whole: StateDict = new Map([[table, int32([1, 2, 3, 4, 5, 6], [3, 2])]]);
    await expect(validatedWeights(await opened("whole", whole), expected)).rejects.toThrow(
      /embed_tokens\.weight must be floating point, is I32/,
    );
  });

  it("are read a few rows at a time", async () => {
    const weights = await opened("rows", new Map([[table, float32(values, [3, 2])]]));
    expect(await weights.read(table, [1, 3])).toEqual(float32([3, 4, 5, 6], [2, 2]));
    await expect(weights.read(table, [1, 4])).rejects.toThrow(/\[3, 2\]: must have the rows 1 to 4/);
    await weights.close();
  });
});

describe.skipIf(!sharedAvailable)("the reference's checkpoint", () => {
  it("loads without its derived buffers", async () => {
    const { tensors: loaded, preprocessorConfig } = await loadCheckpoint(shared("golden/tiny-image"));
    expect(loaded.size).toBe(121);
    expect(loaded.get("language_model.lm_head.weight")?.dims).toEqual([32000, 96]);
    expect(preprocessorConfig).toMatchObject({ size: { shortest_edge: 56 } });
  });
});
