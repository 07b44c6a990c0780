import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { readSafetensors, type StateDict } from "../checkpoint/index.ts";
import type { Stage } from "../model/index.ts";
import { Owl } from "../owl/index.ts";
import { float32, type HostTensor, int64 } from "../tensor/index.ts";
import { probeModel } from "./probe.ts";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/model/${name}`, import.meta.url));

function difference(got: HostTensor | undefined, wanted: HostTensor): number {
  expect(got?.data.length).toBe(wanted.data.length);
  return Array.from<number | bigint, number>(wanted.data, Number).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - Number(got!.data[i]))),
    0,
  );
}

/** Largest difference relative to the tensor's largest entry, as the fixtures measure gradients. */
function gradientDifference(got: HostTensor | undefined, wanted: HostTensor): number {
  const largest = (wanted.data as Float32Array).reduce(
    (most, value) => Math.max(most, Math.abs(value)),
    1e-3,
  );
  return difference(got, wanted) / largest;
}

describe("on the small fixture", () => {
  let owl: Owl;
  let tensors: StateDict;
  beforeAll(async () => {
    owl = await Owl.load(fixture("."), { threads: 1, adapter: fixture("lora.safetensors") });
    tensors = await readSafetensors(fixture("io.safetensors"));
  });
  afterAll(() => owl.close());

  test("a forward pass without the adapter equals the reference", async () => {
    const plain = await Owl.load(fixture("."), { threads: 1 });
    const results = await probeModel(plain, tensors);
    expect([...results.keys()].sort()).toEqual([
      "abstractor.last_hidden_state",
      "inputs_embeds",
      "logits",
      "loss",
      "vision.last_hidden_state",
    ]);
    expect(difference(results.get("inputs_embeds"), tensors.get("inputs_embeds")!)).toBeLessThan(1e-4);
    expect(difference(results.get("loss"), tensors.get("loss")!)).toBeLessThan(1e-4);
    await plain.close();
  });

  test("each stage gives the gradients of what it trains", async () => {
    const trained: [Stage, RegExp][] = [
      ["1", /^(vision_model|abstractor)\.|^query_tokens$/],
      ["2", /^abstractor\.|^query_tokens$|^base_model\.model\..*[qv]_proj\.lora_[AB]\.weight$/],
      ["released", /^base_model\.model\..*[qv]_proj\.lora_[AB]\.weight$/],
      ["full", /^language_model\./],
    ];
    for (const [stage, names] of trained) {
      const results = await probeModel(owl, tensors, { stage });
      const found = [...results.keys()].filter((name) => name.startsWith("grad."));
      expect(found.length).toBeGreaterThan(10);
      for (const name of found) expect(name.slice(5)).toMatch(names);
    }
  });

  test("ids come out as new tokens, short rows filled with padding, masked positions left out", async () => {
    const { data } = tensors.get("input_ids")!;
    const rows = [0, 1].map((row) => Array.from(data as BigInt64Array).slice(row * 24, row * 24 + 24));
    const generate = { max_new_tokens: 6, eos: [] };
    const [first] = await owl.generateBatch(
      [{ ids: rows[0].map(Number).filter((id) => id >= 0), pictures: [] }],
      {
        maxNewTokens: 6,
        eosTokenIds: [],
      },
    );
    const ids = rows[0].map(Number).filter((id) => id >= 0);
    const padded = new Map<string, HostTensor>([
      ["x.input_ids", int64([...ids, 2, 2, ...ids, 7, 7], [2, ids.length + 2])],
      [
        "x.attention_mask",
        float32([...ids.map(() => 1), 0, 0, ...ids.map(() => 1), 1, 1], [2, ids.length + 2]),
      ],
    ]);
    const results = await probeModel(owl, padded, { prefix: "x.", generate });
    const made = Array.from(results.get("ids")!.data, Number);
    expect(made.slice(0, 6)).toEqual(first.ids);
    const ended = { max_new_tokens: 6, eos_token_id: first.ids[2], pad_token_id: 9 };
    const again = await probeModel(owl, padded, { prefix: "x.", generate: ended });
    expect(Array.from(again.get("ids")!.data, Number).slice(0, 6)).toEqual([
      ...first.ids.slice(0, 3),
      9,
      9,
      9,
    ]);
  });

  test("all that is wrong with the inputs is told", async () => {
    const wrong: StateDict = new Map(tensors);
    wrong.set("num_images", int64([2, 1], [2]));
    wrong.set("prompt_mask", int64([1], [1, 1]));
    await expect(probeModel(owl, wrong)).rejects.toThrow(
      /prompt_mask must be \[2, 23\].*row 0 must have 9 negative/,
    );
    await expect(probeModel(owl, tensors, { prefix: "d_" })).rejects.toThrow(
      /d_input_ids must be there.*prefixes/,
    );
    const plain = await Owl.load(fixture("."), { threads: 1 });
    await expect(probeModel(plain, tensors, { stage: "2" })).rejects.toThrow(/stage 2 trains a LoRA/);
    await plain.close();
  });
});

describe.skipIf(!sharedAvailable)("on the reference's fixtures", () => {
  const folder = shared("golden/tiny-image");

  test("forward, loss and generated ids of one case each", async () => {
    const owl = await Owl.load(folder, { threads: 1 });
    const tensors = await readSafetensors(`${folder}/io.safetensors`);
    const trained = await probeModel(owl, tensors, { prefix: "c_batch_1_and_2.in." });
    for (const name of ["inputs_embeds", "loss"]) {
      expect(difference(trained.get(name), tensors.get(`c_batch_1_and_2.${name}`)!)).toBeLessThan(1e-4);
    }
    const generate = { max_new_tokens: 24, num_beams: 3, no_repeat_ngram_size: 2, early_stopping: true };
    const made = await probeModel(owl, tensors, { prefix: "d_batch_equal.in.", generate });
    const wanted = tensors.get("d_batch_equal.beam3.ids")!;
    // The reference's rows begin with BOS.
    const ids = Array.from<number | bigint, number>(wanted.data, Number).filter((_, i) => i % 25 > 0);
    expect(Array.from<number | bigint, number>(made.get("ids")!.data, Number)).toEqual(ids);
    await owl.close();
  });

  test("stage 2 with the adapter's LoRA", async () => {
    const training = shared("golden/tiny-train");
    const owl = await Owl.load(folder, { threads: 1, adapter: `${training}/stage2-lora-init.safetensors` });
    const results = await probeModel(owl, await readSafetensors(`${training}/batch.safetensors`), {
      stage: "2",
    });
    const wanted = await readSafetensors(`${training}/stage2-grads.safetensors`);
    expect(Number(results.get("loss")!.data[0])).toBeCloseTo(14.5765314, 3);
    const names = [...wanted.keys()].filter((name) => wanted.get(name)!.data.length > 1);
    expect(names.length).toBeGreaterThan(50);
    for (const name of names) {
      expect(gradientDifference(results.get(`grad.${name}`), wanted.get(name)!), name).toBeLessThan(5e-4);
    }
    await owl.close();
  });
});
