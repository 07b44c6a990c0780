import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeParameters, parseConfig, publishedModel } from "../model/index.ts";
import { float32, type HostTensor, loraScale } from "../tensor/index.ts";
import {
  loadAdapter,
  loadCheckpoint,
  loraName,
  mergeLora,
  openValidated,
  readSafetensors,
  type StateDict,
  writeSafetensors,
} from "./index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/${path}`, import.meta.url));
const plain = fixture("strangers/lora-plain");
const defaultNames = fixture("strangers/lora-default-names.safetensors");

let folder: string;
let made = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-adapters-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** lora-plain with other settings. */
function adapterWith(settings: object): string {
  const directory = join(folder, `${made++}`);
  cpSync(plain, directory, { recursive: true });
  const path = join(directory, "adapter_config.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...config, ...settings }));
  return directory;
}

describe("what is no plain LoRA is refused by its name", () => {
  test("a start that changed the base model", async () => {
    await expect(loadAdapter(fixture("strangers/lora-pissa"))).rejects.toThrow(
      /lora-pissa.*adapter_config\.json: must describe a plain LoRA, got init_lora_weights: "pissa" is no plain LoRA/,
    );
    for (const start of ["pissa_niter_16", "olora", "corda", "loftq", "lora_ga", "of-tomorrow"]) {
      await expect(loadAdapter(adapterWith({ init_lora_weights: start })), start).rejects.toThrow(
        `init_lora_weights: ${JSON.stringify(start)}`,
      );
    }
  });

  test.each([
    { use_qalora: true },
    { lora_bias: true },
    { fan_in_fan_out: true },
    { bias: "lora_only" },
    { rank_pattern: { q_proj: 4 } },
    { alpha_pattern: { q_proj: 4 } },
    { layer_replication: [[0, 1]] },
    { trainable_token_indices: [3] },
    { target_parameters: ["mlp.experts"] },
    { megatron_config: { hidden: 8 } },
    { loftq_config: { loftq_bits: 4 } },
    { arrow_config: { top_k: 2 } },
    { alora_invocation_tokens: [1, 2] },
    { peft_type: "IA3" },
    { peft_type: "ADALORA" },
    { a_setting_of_tomorrow: 3 },
    { modules_to_save: ["lm_head"] },
  ])("%o", async (settings) => {
    await expect(loadAdapter(adapterWith(settings))).rejects.toThrow(Object.keys(settings)[0]);
  });

  test("another kind is one line, whatever settings it has", async () => {
    const loha = { peft_type: "LOHA", r: undefined, lora_alpha: undefined, alpha: 8, rank_dropout: 0.1 };
    await expect(loadAdapter(adapterWith(loha))).rejects.toThrow(
      /must describe a plain LoRA, got peft_type: must be "LORA", got "LOHA"\. Merge[^\n]*$/,
    );
  });

  test("what it asks for is said as it stands there", async () => {
    await expect(loadAdapter(adapterWith({ use_qalora: true }))).rejects.toThrow(
      "use_qalora: not supported here, got true",
    );
    await expect(loadAdapter(adapterWith({ bias: "all" }))).rejects.toThrow(
      'bias: not supported here, got "all"',
    );
  });

  test("all at once", async () => {
    const path = adapterWith({ use_qalora: true, a_setting_of_tomorrow: [1], bias: "all" });
    await expect(loadAdapter(path)).rejects.toThrow(/3 problems[\s\S]*tomorrow[\s\S]*bias[\s\S]*use_qalora/);
  });

  test.each([
    "q_proj.lora_B.bias",
    "embed_tokens.lora_embedding_A",
    "q_proj.lora_E.default",
    "k_proj.ia3_l",
    "q_proj.hada_w1_a",
  ])("a tensor %s", async (name) => {
    const directory = adapterWith({});
    const tensors = await readSafetensors(join(directory, "adapter_model.safetensors"));
    tensors.set(`base_model.model.language_model.${name}`, float32([1], [1]));
    await writeSafetensors(join(directory, "adapter_model.safetensors"), tensors);
    await expect(loadAdapter(directory)).rejects.toThrow(`language_model.${name}, which no plain LoRA has`);
  });
});

test("what says nothing about the matrices is no reason to refuse", async () => {
  const settings = {
    init_lora_weights: "gaussian",
    velora_config: { velora_scale: 1 },
    peft_version: "0.18.0",
    megatron_core: "megatron.core",
    megatron_config: null,
    loftq_config: {},
    rank_pattern: {},
    qalora_group_size: 16,
    layers_to_transform: [0, 1],
    layers_pattern: "layers",
    exclude_modules: ["lm_head"],
    target_parameters: [],
    of_tomorrow: false,
    runtime_config: { ephemeral_gpu_offload: false },
  };
  const { lora, settings: read } = await loadAdapter(adapterWith(settings));
  expect(lora).toEqual((await loadAdapter(plain)).lora);
  expect(read).toMatchObject({ rank: 8, alpha: 32, targetModules: ["q_proj", "v_proj"] });
  for (const start of [true, false, null, "eva", "orthogonal", "mica", "Gaussian"]) {
    await loadAdapter(adapterWith({ init_lora_weights: start }));
  }
});

test("a rank-stabilised LoRA is scaled by alpha / √rank", async () => {
  const { settings } = await loadAdapter(adapterWith({ use_rslora: true }));
  expect(settings).toMatchObject({ rank: 8, alpha: 32, useRslora: true });
  expect(loraScale(settings)).toBeCloseTo(32 / Math.sqrt(8), 12);
});

describe("the lengths of a DoRA's rows", () => {
  const dora = fixture("peft/dora");
  const file = "adapter_model.safetensors";
  const layer = "language_model.model.layers.0.mlp.down_proj";

  /** The DoRA with changed tensors and settings. */
  async function changed(change: (tensors: StateDict) => void, settings: object = {}): Promise<string> {
    const directory = join(folder, `${made++}`);
    cpSync(dora, directory, { recursive: true });
    const tensors = await readSafetensors(join(dora, file));
    change(tensors);
    await writeSafetensors(join(directory, file), tensors);
    const path = join(directory, "adapter_config.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as object;
    writeFileSync(path, JSON.stringify({ ...config, ...settings }));
    return directory;
  }

  test("belong to all of its layers, in their size, and to no other LoRA", async () => {
    const lengths = loraName(layer, "magnitude");
    const lost = await changed((tensors) => tensors.delete(lengths));
    await expect(loadAdapter(lost)).rejects.toThrow(`${layer} without lora_magnitude_vector`);
    const short = await changed((tensors) => tensors.set(lengths, float32([1], [1])));
    await expect(loadAdapter(short)).rejects.toThrow(
      `${layer}.lora_magnitude_vector as float32 [1] where lora_B has 16 rows`,
    );
    const plainly = await changed(() => undefined, { use_dora: false });
    await expect(loadAdapter(plainly)).rejects.toThrow(`${layer}.lora_magnitude_vector, where`);
    const alone = await changed((tensors) => tensors.delete(loraName(layer, "A")));
    await expect(loadAdapter(alone)).rejects.toThrow(`${layer} with lora_B only`);
  });

  test("are read from a state dict of a script, which says of a DoRA by them alone", async () => {
    const path = join(folder, `${made++}.safetensors`);
    const tensors = [...(await readSafetensors(join(dora, file)))].map(([name, tensor]) => [
      name
        .replace(/(lora_[AB])\.weight$/, "$1.default.weight")
        .replace(/(lora_magnitude_vector)$/, "$1.default.weight"),
      tensor,
    ]);
    await writeSafetensors(path, new Map(tensors as [string, HostTensor][]));
    const { lora, settings } = await loadAdapter(path);
    expect(lora).toEqual((await loadAdapter(dora)).lora);
    expect(settings).toMatchObject({ rank: 2, alpha: 32, useDora: true });
  });
});

test("a table of tokens that PEFT saved apart from the output layer is refused where they are one", async () => {
  const expected = await readSafetensors(fixture("peft/expected.safetensors"));
  const base = new Map([...expected].map(([name, tensor]) => [name.replace(/^base\./, ""), tensor]));
  const adapter = await loadAdapter(fixture("peft/saved"));
  expect(mergeLora(base, adapter).get("language_model.lm_head.weight")).toBeDefined();
  base.delete("language_model.lm_head.weight");
  expect(() => mergeLora(base, adapter)).toThrow(
    /language_model\.model\.embed_tokens\.weight, which is this model's output layer too/,
  );
});

describe("what a training script saved", () => {
  test("an adapter with its own name in its matrices' is the same adapter, alpha 32", async () => {
    const { lora, settings } = await loadAdapter(defaultNames);
    expect([...lora.keys()].sort()).toEqual([...(await loadAdapter(plain)).lora.keys()].sort());
    expect(settings).toEqual({ rank: 8, alpha: 32, dropout: 0, targetModules: ["q_proj", "v_proj"] });
    for (const name of ["model.safetensors", "adapter_model.safetensors"]) {
      const directory = join(folder, `${made++}`);
      cpSync(defaultNames, join(directory, name));
      expect((await loadAdapter(directory)).lora).toEqual(lora);
    }
  });

  test("a wrapper of several devices or a compiled model in front of the names is passed over", async () => {
    const path = join(folder, `${made++}.safetensors`);
    const named = [...(await readSafetensors(defaultNames))];
    const wrapped = named.map(([name, tensor], i) => [
      `${["module.", "_orig_mod.", "module._orig_mod.", "_fsdp_wrapped_module."][i % 4]}${name}`,
      tensor,
    ]) as [string, HostTensor][];
    await writeSafetensors(path, new Map(wrapped));
    expect((await loadAdapter(path)).lora).toEqual((await loadAdapter(defaultNames)).lora);
  });

  test("a directory whose adapters lie in directories of their names says which", async () => {
    const directory = join(folder, `${made++}`);
    for (const name of ["mine", "other"]) cpSync(plain, join(directory, name), { recursive: true });
    await expect(loadAdapter(directory)).rejects.toThrow(
      "Name one of the directories in it that hold one: mine, other.",
    );
  });

  test("two adapters in one file are refused", async () => {
    const path = join(folder, "two.safetensors");
    const matrices: StateDict = new Map();
    for (const name of ["one", "other"]) {
      for (const [matrix, dims] of [
        ["A", [1, 2]],
        ["B", [2, 1]],
      ] as const) {
        matrices.set(`layer.${name}.lora_${matrix}.${name}.weight`, float32([1, 2], [...dims]));
      }
    }
    for (const name of ["one", "other"]) {
      matrices.set(`layer.lora_A.${name}.weight`, float32([1, 2], [1, 2]));
      matrices.set(`layer.lora_B.${name}.weight`, float32([1, 2], [2, 1]));
    }
    await writeSafetensors(path, matrices);
    await expect(loadAdapter(path)).rejects.toThrow(
      /^[^\n]*got several adapters \(one, other\) where one is meant[^\n]*$/,
    );
  });

  /** The small model's weights as a wrapped model has them, with a LoRA on its queries. */
  async function wrapped(baseLayer: string): Promise<{ all: StateDict; lora: StateDict }> {
    const { tensors } = await loadCheckpoint(fixture("model"));
    const all: StateDict = new Map();
    const lora: StateDict = new Map();
    for (const [name, tensor] of tensors) {
      const query = /^(language_model\..*\.q_proj)\.weight$/.exec(name)?.[1];
      all.set(`base_model.model.${query ? `${query}${baseLayer}.weight` : name}`, tensor);
      if (query === undefined) continue;
      for (const matrix of ["A", "B"] as const) {
        const dims = matrix === "A" ? [2, tensor.dims[1]] : [tensor.dims[0], 2];
        const values = Array.from({ length: dims[0] * dims[1] }, (_, i) => Math.sin(i + all.size));
        const value: HostTensor = float32(values, dims);
        all.set(`base_model.model.${query}.lora_${matrix}.default.weight`, value);
        lora.set(loraName(query, matrix), value);
      }
    }
    return { all, lora };
  }

  test.each([
    "",
    ".base_layer",
  ])("a whole model with a LoRA in it (layers%s.weight) is an adapter", async (baseLayer) => {
    const { all, lora } = await wrapped(baseLayer);
    const path = join(folder, `${made++}.safetensors`);
    await writeSafetensors(path, all);
    const adapter = await loadAdapter(path);
    expect(adapter.lora).toEqual(lora);
    const { tensors, config } = await loadCheckpoint(fixture("model"));
    const blank = new Map(
      [...tensors].map(([name, { dims, data }]) => [name, float32(new Float32Array(data.length), dims)]),
    );
    const expected = mergeLora(tensors, { settings: adapter.settings, lora, replaced: new Map() });
    expect(mergeLora(blank, adapter)).toEqual(expected);
    expect(expected.size).toBe(describeParameters(parseConfig(config)).length);
  });

  test("a whole model in several files is an adapter too", async () => {
    const { all, lora } = await wrapped(".base_layer");
    const directory = join(folder, `${made++}`);
    mkdirSync(directory);
    const weight_map: Record<string, string> = {};
    for (const [i, part] of [[...all].slice(0, 40), [...all].slice(40)].entries()) {
      const file = `model-0000${i + 1}-of-00002.safetensors`;
      await writeSafetensors(join(directory, file), new Map(part));
      for (const [name] of part) weight_map[name] = file;
    }
    writeFileSync(join(directory, "model.safetensors.index.json"), JSON.stringify({ weight_map }));
    expect((await loadAdapter(directory)).lora).toEqual(lora);
  });

  test("in place of a model it is told what it is and what to do", async () => {
    const { all, lora } = await wrapped(".base_layer");
    for (const [tensors, got] of [
      [all, `got ${lora.size} matrices of a LoRA adapter among ${all.size} tensors`],
      [await readSafetensors(defaultNames), "got those of a LoRA adapter (16 matrices)"],
    ] as const) {
      const directory = join(folder, `${made++}`);
      cpSync(fixture("model/config.json"), join(directory, "config.json"));
      await writeSafetensors(join(directory, "model.safetensors"), tensors);
      const opened = openValidated(directory, publishedModel);
      await expect(opened).rejects.toThrow(`${directory}: must hold a model's weights, ${got}`);
      await expect(opened).rejects.toThrow(`owl merge MODEL --adapter ${directory} --out DIRECTORY`);
      await expect(opened).rejects.toThrow(/^[^\n]*$/);
    }
    await expect(loadCheckpoint(plain)).rejects.toThrow(
      `${plain}: must be a model directory, got adapter_config.json without config.json: a LoRA adapter`,
    );
  });
});
