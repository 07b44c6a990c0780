import { afterAll, describe, expect, test } from "vitest";
import { readSafetensors, type StateDict } from "../../src/checkpoint/index.ts";
import { probeModel } from "../../src/inspection/index.ts";
import { Owl } from "../../src/owl/index.ts";
import type { HostTensor } from "../../src/tensor/index.ts";
import { shared, sharedAvailable } from "../shared.ts";
import { gradientDifference, largestDifference, numbersOf } from "./run-model.ts";

const folder = "golden/tiny-owl2";
/** The README's tolerances for float32. */
const HIDDEN = 1e-4;
const LOGITS = 5e-4;
const LOSS = 1e-4;
const GRADIENT = 5e-4;

/** The numbers of some of the pictures. */
function picked(pixels: HostTensor, indices: readonly number[]): HostTensor {
  const size = pixels.data.length / pixels.dims[0];
  const data = indices.flatMap((i) => [...(pixels.data as Float32Array).slice(i * size, (i + 1) * size)]);
  return { dtype: "float32", dims: [indices.length, ...pixels.dims.slice(1)], data: Float32Array.from(data) };
}

/** The largest difference at positions that hold tokens: padding is seen by padding alone. */
function differenceAtTokens(got: HostTensor, expected: HostTensor, mask: HostTensor | undefined): number {
  if (mask === undefined) return largestDifference(got, expected);
  const width = expected.dims[2];
  const [a, b, present] = [got, expected, mask].map(numbersOf);
  return a.reduce((most, value, i) => {
    const counts = present[Math.floor(i / width)] === 1;
    return counts ? Math.max(most, Math.abs(value - b[i])) : most;
  }, 0);
}

describe.skipIf(!sharedAvailable)("the tiny mPLUG-Owl2 against the original code", async () => {
  const load = (path: string, adapter?: string): Promise<Owl> =>
    Owl.load(shared(path), {
      threads: 1,
      onWarning: () => undefined,
      ...(adapter !== undefined && { adapter: shared(adapter) }),
    });
  const owl = sharedAvailable ? await load(folder) : ({} as Owl);
  afterAll(() => owl.close?.());
  const io: StateDict = sharedAvailable
    ? await readSafetensors(shared(`${folder}/io.safetensors`))
    : new Map();
  const golden = (file: string): Promise<StateDict> =>
    readSafetensors(shared(`${folder}/${file}.safetensors`));

  /** A case's inputs with the pictures of these numbers; −1: a picture of zeros, for a row without one. */
  function inputsOf(name: string, images: readonly number[]): StateDict {
    const own = [...io].filter(([key]) => key.startsWith(`${name}.in.`));
    if (images.length === 0) return new Map(own);
    const shown = picked(
      io.get("pixel_values")!,
      images.map((i) => Math.max(0, i)),
    );
    const size = shown.data.length / images.length;
    for (const [i, image] of images.entries()) {
      if (image < 0) (shown.data as Float32Array).fill(0, i * size, (i + 1) * size);
    }
    return new Map([...own, [`${name}.in.pixel_values`, shown]]);
  }

  const newIds = async (name: string, images: readonly number[]): Promise<number[]> => {
    const options = { prefix: `${name}.in.`, generate: { max_new_tokens: 12, eos_token_id: [] } };
    return numbersOf((await probeModel(owl, inputsOf(name, images), options)).get("ids")!);
  };

  test("the vision encoder, and the abstractor with its positions", async () => {
    const inputs = inputsOf("c_batch_2_and_1", [0, 1, 2]);
    const got = await probeModel(owl, inputs, { prefix: "c_batch_2_and_1.in." });
    for (const name of ["vision.last_hidden_state", "abstractor.last_hidden_state"]) {
      expect(largestDifference(got.get(name)!, io.get(name)!), name).toBeLessThan(HIDDEN);
    }
  });

  test.each<[string, number[]]>([
    ["c_text_only", []],
    ["c_one_image", [0]],
    ["c_two_images", [0, 1]],
    ["c_batch_image_and_text", [0, -1]],
    ["c_batch_2_and_1", [0, 1, 2]],
  ])("%s: embeddings, logits and loss", async (name, images) => {
    const got = await probeModel(owl, inputsOf(name, images), { prefix: `${name}.in.` });
    const mask = io.get(`${name}.attention_mask`);
    const of = (what: string): HostTensor => io.get(`${name}.${what}`)!;
    expect(differenceAtTokens(got.get("inputs_embeds")!, of("inputs_embeds"), mask)).toBeLessThan(HIDDEN);
    expect(differenceAtTokens(got.get("logits")!, of("logits"), mask)).toBeLessThan(LOGITS);
    expect(Math.abs(numbersOf(got.get("loss")!)[0] - numbersOf(of("loss"))[0])).toBeLessThan(LOSS);
  });

  test.each<[string, number[]]>([
    ["d_text_only", []],
    ["d_one_image", [0]],
    ["d_two_images", [0, 1]],
    ["d_batch_equal", [0, 1]],
    ["d_row_b", [1]],
  ])("%s: new tokens over the KV cache", async (name, images) => {
    expect(await newIds(name, images)).toEqual(numbersOf(io.get(`${name}.new_ids`)!));
  });

  test("rows of unequal length give what each gives alone, where the original code mistakes their padding", async () => {
    const alone = ["d_one_image", "d_row_b"].flatMap((name) => numbersOf(io.get(`${name}.new_ids`)!));
    expect(await newIds("d_left_padded_quirk", [0, 1])).toEqual(alone);
  });

  test(".bin shards in half precision, without position buffers", async () => {
    const half = await load(`${folder}/torch-bin`);
    const got = await probeModel(half, inputsOf("c_two_images", [0, 1]), { prefix: "c_two_images.in." });
    await half.close();
    expect(largestDifference(got.get("logits")!, io.get("torch_bin.logits")!)).toBeLessThan(LOGITS);
    const loss = numbersOf(got.get("loss")!)[0];
    expect(Math.abs(loss - numbersOf(io.get("torch_bin.loss")!)[0])).toBeLessThan(LOSS);
  });

  test("a LoRA with the tensors that were trained beside it", async () => {
    const tuned = await load(folder, `${folder}/lora`);
    const got = await probeModel(tuned, inputsOf("c_one_image", [0]), { prefix: "c_one_image.in." });
    await tuned.close();
    expect(largestDifference(got.get("logits")!, io.get("lora_merged.logits")!)).toBeLessThan(LOGITS);
    const loss = numbersOf(got.get("loss")!)[0];
    expect(Math.abs(loss - numbersOf(io.get("lora_merged.loss")!)[0])).toBeLessThan(LOSS);
  });

  /** A key's bias has a gradient of zero but for rounding. */
  function requireGradients(got: StateDict, expected: StateDict): void {
    const wanted = [...expected].filter(([name]) => name.startsWith("grad."));
    for (const [name, value] of wanted) {
      const found = got.get(name)!;
      if (name.endsWith("attention.key.bias"))
        expect(largestDifference(found, value), name).toBeLessThan(1e-5);
      else expect(gradientDifference(found, value), name).toBeLessThan(GRADIENT);
    }
  }

  test("fine-tuning: the gradient of everything behind the vision encoder", async () => {
    const expected = await golden("finetune-grads");
    const options = { prefix: "batch.", stage: "behind-vision" } as const;
    const got = await probeModel(owl, expected, options);
    expect(numbersOf(got.get("loss")!)[0]).toBeCloseTo(8.411856651306152, 4);
    const grads = (all: StateDict): string[] => [...all.keys()].filter((name) => name.startsWith("grad."));
    expect(grads(got).sort()).toEqual(grads(expected).sort());
    requireGradients(got, expected);
  });

  test("LoRA: the gradients of its matrices, on both halves of keys and values", async () => {
    const expected = await golden("lora-grads");
    const batch = await golden("finetune-grads");
    const tuned = await load(folder, `${folder}/lora/adapter_model.bin`);
    const got = await probeModel(tuned, batch, { prefix: "batch.", stage: "2" });
    await tuned.close();
    expect(numbersOf(got.get("loss")!)[0]).toBeCloseTo(8.680070877075195, 4);
    requireGradients(got, expected);
  });
});
