// The parts are random checkpoints in their published layouts, and what they compute was computed by transformers 5.17.0
// (tests/fixtures/parts/make.py): an implementation that shares nothing with this one.

import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint, readSafetensors, type TensorEntry, writeSafetensors } from "../checkpoint/index.ts";
import { familyTitles, knownFamilies, publishedVisionTypes, towerTitles } from "../model/index.ts";
import { Owl } from "../owl/index.ts";
import { prepareRun } from "../recipes/index.ts";
import { float32, type HostTensor } from "../tensor/index.ts";
import { type AssemblyOptions, assembleOwl } from "./index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/parts/${path}`, import.meta.url));
const example = fileURLToPath(new URL("../../examples/owl.png", import.meta.url));
const io = await readSafetensors(fixture("expected.safetensors"));

let directory: string;
let made = 0;
/** The parts as they are, put together. */
let path: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "owl-assemble-"));
  path = await assembled();
});
afterAll(() => rmSync(directory, { recursive: true }));

const parts: AssemblyOptions = {
  vision: fixture("clip"),
  language: fixture("llama3"),
  queries: 3,
  abstractorLayers: 2,
};

async function assembled(options: Partial<AssemblyOptions> = {}): Promise<string> {
  const output = join(directory, `owl-${made++}`);
  await assembleOwl(output, { ...parts, ...options });
  return output;
}

/** A copy of a fixture with other settings or tensors. */
async function changed(
  name: string,
  config: (json: Record<string, unknown>) => unknown,
  tensors: (all: Map<string, HostTensor>) => Map<string, HostTensor> = (all) => all,
): Promise<string> {
  const output = join(directory, `${name}-${made++}`);
  mkdirSync(output);
  for (const file of readdirSync(fixture(name))) copyFileSync(fixture(`${name}/${file}`), join(output, file));
  const json = JSON.parse(readFileSync(fixture(`${name}/config.json`), "utf8"));
  writeFileSync(join(output, "config.json"), JSON.stringify(config(json)));
  const all = tensors(await readSafetensors(fixture(`${name}/model.safetensors`)));
  await writeSafetensors(join(output, "model.safetensors"), all, { floatType: "F16" });
  return output;
}

const same = (json: Record<string, unknown>): unknown => json;

async function read(
  path: string,
): Promise<{ tensors: Map<string, HostTensor>; entries: readonly TensorEntry[] }> {
  const { weights } = await openCheckpoint(path);
  const tensors = new Map<string, HostTensor>();
  for (const { name } of weights.tensors) tensors.set(name, await weights.read(name));
  await weights.close();
  return { tensors, entries: weights.tensors };
}

/** Names, sizes and numbers, as text that is compared quickly. */
function fingerprint(tensors: Map<string, HostTensor>): string[] {
  return [...tensors].map(([name, { dims, data }]) => {
    const hash = createHash("sha256").update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return `${name} [${dims}] ${hash.digest("hex")}`;
  });
}

const printOf = async (path: string): Promise<string[]> => fingerprint((await read(path)).tensors).sort();

function difference(got: HostTensor | undefined, expected: HostTensor): number {
  expect(got?.dims).toEqual(expected.dims);
  const values = Array.from<number | bigint, number>(expected.data, Number);
  return Math.max(...values.map((value, i) => Math.abs(value - Number(got!.data[i]))));
}

describe("an owl of a CLIP and a LLaMA", () => {
  let owl: Owl;
  beforeAll(async () => {
    owl = await Owl.load(path, { threads: 1 });
  });
  afterAll(() => owl.close());

  test("sees what the CLIP saw: query, key and value projections are fused in an owl's layout", async () => {
    const pixels = io.get("clip.pixel_values") as HostTensor<"float32">;
    const slots = [-1, -1, -1, -1];
    const { visionHiddenState, visualTokens } = await owl.forward({
      ids: [[5, ...slots, ...slots, 7]],
      pixels,
    });
    expect(difference(visionHiddenState, io.get("clip.last_hidden_state")!)).toBeLessThan(2e-5);
    expect(visualTokens?.dims).toEqual([2, 4, 24]);
  });

  test("speaks as the language model did, through the whole way", async () => {
    const ids = Array.from(io.get("llama3.input_ids")!.data, Number);
    const answer = await owl.generate({ ids, pictures: [] }, { maxNewTokens: 12, eosTokenIds: [] });
    expect(answer.ids).toEqual(Array.from(io.get("llama3.greedy")!.data, Number));
    expect(owl.defaults.eosTokenIds).toEqual([318, 319]);
  });

  test("takes a picture in a conversation, prepared as the CLIP's preprocessor says", async () => {
    const content = [
      { type: "image" as const, image: example },
      { type: "text" as const, text: "what is this?" },
    ];
    const messages = [{ role: "user" as const, content }];
    const { pictures } = await owl.prompt(messages);
    expect(pictures[0].pixels).toHaveLength(3 * 28 * 28);
    // A white pixel: (1 − mean) / deviation of each channel.
    const corners = [0, 1, 2].map((channel) => pictures[0].pixels[channel * 28 * 28]);
    const largest = [2, 1.5, 2];
    for (const [channel, value] of corners.entries())
      expect(value).toBeLessThanOrEqual(largest[channel] + 1e-6);
    expect((await owl.chat(messages, { maxNewTokens: 2 }).answer()).ids).toHaveLength(2);
  });

  test("keeps the number formats; the abstractor is float32, and as its seed says", async () => {
    const { entries, tensors } = await read(path);
    for (const { name, type } of entries) {
      expect(type, name).toBe(/^(abstractor\.|query_tokens)/.test(name) ? "F32" : "F16");
    }
    const values = tensors.get("query_tokens")!.data as Float32Array;
    const spread = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    expect(Math.abs(spread / 0.02 - 1)).toBeLessThan(0.3);
    expect(await printOf(await assembled())).toEqual(await printOf(path));
    const other = await read(await assembled({ seed: 1 }));
    const differing = [...tensors.keys()].filter(
      (name) => difference(other.tensors.get(name), tensors.get(name)!) > 0,
    );
    expect(differing).toContain("abstractor.visual_fc.weight");
    expect(differing.every((name) => /^(abstractor\.|query_tokens)/.test(name))).toBe(true);
  });

  test("is what stage 1 begins with: a step moves vision and abstractor, and nothing else", async () => {
    const run = join(directory, "run");
    writeFileSync(join(directory, "pictures.jsonl"), JSON.stringify({ image: [example], text: "an owl" }));
    const recipe = [
      "extends: stage-1",
      `model: ${path}`,
      `output: ${run}`,
      "data: [{ file: pictures.jsonl }]",
      "steps: 1\nbatch: 2\nmicroBatch: 1\nmaxTokens: 24\nwarmup: 0\nlearningRate: 0.01",
    ];
    writeFileSync(join(directory, "stage-1.yaml"), recipe.join("\n"));
    await (await prepareRun(join(directory, "stage-1.yaml"))).start({ device: { threads: 1 } });
    const [before, after] = [await read(path), await read(join(run, "model"))];
    const moved = [...before.tensors].filter(
      ([name, value]) => difference(after.tensors.get(name), value) > 0,
    );
    const names = moved.map(([name]) => name);
    expect(names.some((name) => name.startsWith("vision_model."))).toBe(true);
    expect(names).toContain("query_tokens");
    expect(names.filter((name) => name.startsWith("language_model."))).toEqual([]);
  });
});

describe("other layouts of the parts", () => {
  test("a CLIPVisionModel gives what the whole CLIPModel gives", async () => {
    const vision = await changed(
      "clip",
      (json) => json.vision_config,
      (all) => new Map([...all].filter(([name]) => name.startsWith("vision_model."))),
    );
    expect((await read(await assembled({ vision }))).tensors).toEqual(
      (await read(await assembled())).tensors,
    );
  });

  test("a CLIP with the exact GELU", async () => {
    const vision = await changed("clip", (json) => {
      return { ...json, vision_config: { ...(json.vision_config as object), hidden_act: "gelu" } };
    });
    const owl = await Owl.load(await assembled({ vision }), { threads: 1 });
    const pixels = io.get("clip.pixel_values") as HostTensor<"float32">;
    const { visionHiddenState } = await owl.forward({ ids: [new Array(8).fill(-1)], pixels });
    expect(difference(visionHiddenState, io.get("clip.gelu_last_hidden_state")!)).toBeLessThan(2e-5);
    expect(difference(visionHiddenState, io.get("clip.last_hidden_state")!)).toBeGreaterThan(1e-3);
    await owl.close();
  });

  test("a BLOOM saved without its head and first name", async () => {
    const language = await changed("bloom", same, (all) => {
      return new Map([...all].map(([name, value]) => [name.replace("transformer.", ""), value]));
    });
    for (const file of ["tokenizer.json", "tokenizer_config.json"]) {
      copyFileSync(
        fileURLToPath(new URL(`../../tests/fixtures/text/${file}`, import.meta.url)),
        join(language, file),
      );
    }
    await expect(assembled({ language })).rejects.toThrow(/tokenizer of at most 96 tokens.*got one of 512/s);
    cutTokenizer(join(language, "tokenizer.json"), 96);
    const { tensors } = await read(await assembled({ language }));
    const bloom = await readSafetensors(fixture("bloom/model.safetensors"));
    for (const [name, value] of bloom)
      expect(difference(tensors.get(`language_model.${name}`), value), name).toBe(0);
  });

  test("a LLaMA whose config.json alone names several ends of a sequence", async () => {
    const language = await changed("llama3", same);
    rmSync(join(language, "generation_config.json"));
    const owl = await Owl.load(await assembled({ language }), { threads: 1 });
    expect(owl.defaults.eosTokenIds).toEqual([318, 319]);
    await owl.close();
  });

  test("several files where one would be too large, the same numbers in them", async () => {
    const several = await assembled({ maxShardBytes: 20_000 });
    expect(readdirSync(several).filter((name) => name.endsWith(".safetensors")).length).toBeGreaterThan(3);
    expect(await printOf(several)).toEqual(await printOf(path));
  });
});

/** A tokenizer of the first tokens of another one. */
function cutTokenizer(path: string, size: number): void {
  const json = JSON.parse(readFileSync(path, "utf8"));
  const kept = Object.entries<number>(json.model.vocab).filter(([, id]) => id < size);
  json.model.vocab = Object.fromEntries(kept);
  json.model.merges = [];
  writeFileSync(path, JSON.stringify(json));
}

describe("what does not fit is said, all of it at once", () => {
  test("settings of both parts that are not computed", async () => {
    const vision = await changed("clip", (json) => {
      return {
        ...json,
        vision_config: { ...(json.vision_config as object), hidden_act: "relu", num_channels: 1 },
      };
    });
    const language = await changed("llama3", (json) => {
      return {
        ...json,
        rope_scaling: { rope_type: "spiral", factor: 2 },
        attention_bias: "yes",
        hidden_act: "relu",
      };
    });
    const attempt = assembled({ vision, language });
    for (const part of [
      /num_channels/,
      /vision.*hidden_act|hidden_act.*quick_gelu/,
      /rope_scaling.rope_type.*spiral/,
      /attention_bias.*"yes"/,
      /llama3.*hidden_act.*"relu"/,
    ]) {
      await expect(attempt).rejects.toThrow(part);
    }
  });

  test("models of other kinds", async () => {
    const vision = await changed("clip", () => ({ model_type: "siglip2" }));
    const language = await changed("llama3", ({ model_type: _, ...json }) => json);
    await expect(assembled({ vision, language })).rejects.toThrow(
      /"siglip2".*"llama", .* or "bloom", got nothing/s,
    );
  });

  test("tensors that are missing, of another shape, or too many", async () => {
    const vision = await changed("clip", same, (all) => {
      all.delete("vision_model.encoder.layers.1.self_attn.k_proj.weight");
      return all;
    });
    const language = await changed("llama3", same, (all) => {
      all.set("model.norm.weight", float32([1, 2], [2]));
      all.set("model.layers.0.self_attn.q_proj.bias", float32([1], [1]));
      return all;
    });
    const attempt = assembled({ vision, language });
    for (const part of [
      "missing vision_model.encoder.layers.1.self_attn.query_key_value.weight [72, 24]",
      "unexpected vision_model.encoder.layers.1.self_attn.q_proj.weight [24, 24]",
      "language_model.model.norm.weight must be [24], is [2]",
      "unexpected language_model.model.layers.0.self_attn.q_proj.bias [1]",
    ]) {
      await expect(attempt).rejects.toThrow(part);
    }
  });

  test("a directory that holds a model already", async () => {
    await expect(assembleOwl(path, parts)).rejects.toThrow(/must be a directory without a model, got/);
  });

  test("stopped half way it leaves no model", async () => {
    const stop = new AbortController();
    const output = join(directory, "stopped");
    const onProgress = (): void => stop.abort(new Error("enough"));
    await expect(assembleOwl(output, { ...parts, onProgress, signal: stop.signal })).rejects.toThrow(
      "enough",
    );
    expect(readdirSync(output)).toEqual([]);
  });
});

describe("vision encoders as people have them", () => {
  const withPrefix =
    (prefix: string) =>
    (all: Map<string, HostTensor>): Map<string, HostTensor> =>
      new Map(
        [...all]
          .filter(([name]) => name.startsWith("vision_model."))
          .map(([name, tensor]) => [name.replace("vision_model.", prefix), tensor]),
      );

  test.each([
    "",
    "vision_tower.vision_model.",
    "clip.vision_model.",
  ])("weights with %o in front of their names are the same owl", async (prefix) => {
    const vision = await changed(
      "clip",
      ({ vision_config }) => ({ ...(vision_config as object), model_type: "clip_vision_model" }),
      withPrefix(prefix),
    );
    expect(await printOf(await assembled({ vision }))).toEqual(await printOf(path));
  });

  test("two vision halves in one file are refused: neither is meant more than the other", async () => {
    const vision = await changed("clip", same, (all) => {
      const other = [...all].filter(([name]) => name.startsWith("vision_model."));
      return new Map([...all, ...other.map(([name, tensor]) => [`ema.${name}`, tensor] as const)]);
    });
    await expect(assembled({ vision })).rejects.toThrow(
      /must hold the vision half of one CLIP, got several: (ema\.vision_model\., vision_model\.|vision_model\., ema\.vision_model\.)\. Save/,
    );
  });

  test.each([
    ["siglip2", "Siglip2Model", { vision_config: { model_type: "siglip2_vision_model" } }],
    ["blip-2", "Blip2ForConditionalGeneration", { vision_config: {}, qformer_config: {} }],
    [undefined, "of another program", { hidden_size: 8, image_mean: [0, 0, 0] }],
    ["qwen2_vl", "Qwen2VLForConditionalGeneration", { vision_config: { hidden_size: 8, depth: 2 } }],
  ])("another kind is one line: %s", async (model_type, architecture, more) => {
    const json = { model_type, architectures: [architecture], ...more };
    const got = `got ${JSON.stringify(model_type) ?? "nothing"} (${architecture})`;
    const vision = await changed("clip", () => json);
    const language = await changed("llama3", () => json);
    const asVision = assembled({ vision });
    const visionTypes = publishedVisionTypes()
      .map((type) => `"${type}"`)
      .join(" or ");
    await expect(asVision).rejects.toThrow(
      `vision must be a ${towerTitles()} and language a ${familyTitles()} with settings that are computed here, got ${join(vision, "config.json")}: model_type: must be ${visionTypes}, ${got}`,
    );
    await expect(asVision).rejects.toThrow(/^[^\n]*$/);
    const asLanguage = assembled({ language });
    await expect(asLanguage).rejects.toThrow(`must be ${knownFamilies()}, ${got}`);
    await expect(asLanguage).rejects.toThrow(/^[^\n]*$/);
    const loaded = Owl.load(vision);
    await expect(loaded).rejects.toThrow(
      `${join(vision, "config.json")}: must describe an mPLUG-Owl (model_type "mplug-owl"), ${got}`,
    );
    await expect(loaded).rejects.toThrow(/^[^\n]*$/);
  });

  test("preprocessing in processor_config.json alone is read, and written on", async () => {
    const vision = await changed("clip", same);
    const content = JSON.parse(readFileSync(join(vision, "preprocessor_config.json"), "utf8"));
    rmSync(join(vision, "preprocessor_config.json"));
    writeFileSync(
      join(vision, "processor_config.json"),
      JSON.stringify({ image_processor: content, processor_class: "CLIPProcessor" }),
    );
    const output = await assembled({ vision });
    const written = JSON.parse(readFileSync(join(output, "preprocessor_config.json"), "utf8"));
    expect(written).toMatchObject({ image_mean: [0.5, 0.25, 0.75], image_std: [0.25, 0.5, 0.125] });
  });
});
