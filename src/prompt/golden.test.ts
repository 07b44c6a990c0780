import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import type { HostTensor } from "../tensor/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { encodePrompt, encodeTrainingSample, padBatch, padPrompts, publishedTemplate } from "./index.ts";

interface SampleGolden {
  id: string;
  max_length: number;
  input_ids: number[];
  seq_length: number;
  non_padding_mask: number[];
  non_media_mask: number[];
  prompt_mask: number[];
  n_media_tokens: number;
  n_loss_tokens: number;
  error?: string;
}

const tokensPerImage = 65;
const numbers = ({ data }: HostTensor<"int64">) => Array.from(data, Number);
const lines = (path: string) =>
  readFileSync(shared(path), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe.skipIf(!sharedAvailable)("prompts and training samples against the reference", () => {
  let tokenizer: Tokenizer;
  let prompts: {
    single: { prompt: string; add_BOS: boolean; ids: number[] }[];
    batch_of_first_4: { input_ids: number[][]; attention_mask: number[][] };
  };
  beforeAll(async () => {
    tokenizer = await loadTokenizer(shared("golden/tiny-image"));
    prompts = JSON.parse(readFileSync(shared("golden/text/prompt-cases.json"), "utf8"));
  });

  test("prompts", () => {
    for (const { prompt, add_BOS, ids } of prompts.single) {
      expect(encodePrompt(prompt, tokenizer, { tokensPerImage, addBos: add_BOS }), prompt).toEqual(ids);
    }
  });

  test("a batch of prompts", () => {
    const texts = prompts.single.filter(({ add_BOS }) => add_BOS).slice(0, 4);
    const batch = padPrompts(
      texts.map(({ prompt }) => encodePrompt(prompt, tokenizer, { tokensPerImage })),
      tokenizer,
    );
    expect(numbers(batch.input_ids)).toEqual(prompts.batch_of_first_4.input_ids.flat());
    expect(numbers(batch.attention_mask)).toEqual(prompts.batch_of_first_4.attention_mask.flat());
  });

  // Where the reference errs silently; docs/fidelity.md, "Text".
  const better: Record<string, string | undefined> = {
    text_no_markers: "must begin with",
    text_long_prompt_all_masked: "must begin within",
    image_long_prompt_all_masked: "must begin within",
    "image_at_the_cut 128": "must begin within",
    "image_two_images 128": "must begin within",
    first_chunk_too_long: "must fit",
  };
  const elsewhere = ["text_answer_with_AI_marker_inside", "image_at_start", "image_empty_last_answer"];

  test("training samples", () => {
    const rows = new Map(lines("golden/text/train-samples.jsonl").map(({ id, text }) => [id, text]));
    const goldens: SampleGolden[] = lines("golden/text/train-goldens.jsonl");
    expect(goldens.length).toBeGreaterThan(30);
    for (const golden of goldens) {
      const { id, max_length: maxLength } = golden;
      const options = { maxLength, tokensPerImage, template: publishedTemplate, where: id };
      const encode = (fidelity: "reference" | "default") =>
        encodeTrainingSample(rows.get(id), tokenizer, { ...options, fidelity });
      const problem = better[id] ?? better[`${id} ${maxLength}`];
      if (golden.error) expect(() => encode("reference"), id).toThrow(`${id}: `);
      else expectSample(encode("reference"), golden);
      if (problem) expect(() => encode("default"), id).toThrow(new RegExp(`^${id}: .*${problem}`));
      else if (!elsewhere.includes(id)) expectSample(encode("default"), golden);
    }
  });

  function expectSample(sample: ReturnType<typeof encodeTrainingSample>, golden: SampleGolden) {
    const batch = padBatch([sample], tokenizer, { length: golden.max_length });
    const name = `${golden.id} ${golden.max_length}`;
    expect(sample.ids.length, name).toBe(golden.seq_length);
    expect(sample.imageCount * tokensPerImage, name).toBe(golden.n_media_tokens);
    expect(sample.counted.filter(Boolean).length, name).toBe(golden.n_loss_tokens);
    for (const key of ["input_ids", "non_padding_mask", "non_media_mask", "prompt_mask"] as const) {
      expect(numbers(batch[key]), `${name} ${key}`).toEqual(golden[key]);
    }
  }
});
