import { describe, expect, test } from "vitest";
import { gradients } from "../autodiff/index.ts";
import { type CollateOptions, collate, type TokenRow } from "../data/index.ts";
import {
  knownFamilies,
  type LanguageConfig,
  type OwlConfig,
  readLanguageConfig,
  spansOfPlaceholders,
} from "../model/index.ts";
import { microConfig, randomNumbers, randomParameters } from "../model/testing/micro.ts";
import { openDevice } from "../runtime/index.ts";
import { type HostTensor, interpret, placeholdersOf } from "../tensor/index.ts";
import { languageObjective } from "./objective.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { recipe as stage2 } from "./testing/small-run.ts";
import { createTrainer } from "./trainer.ts";

const options: CollateOptions = {
  tokensPerImage: microConfig.numQueryTokens + 1,
  imageSize: microConfig.vision.imageSize,
  rounding: { tokens: 1, losses: 1 },
};
const packing: CollateOptions = { ...options, sequenceTokens: 16 };

/** Rows of these lengths; those with a picture begin with it. Of each some tokens are learned. */
function rowsOf(lengths: readonly number[], pictures: readonly number[] = []): TokenRow[] {
  return lengths.map((length, r) => {
    const words = randomNumbers(length, 1, 17 * (r + 1)).map(
      (value) => 3 + (Math.floor(Math.abs(value * 7)) % 12),
    );
    const shows = pictures.includes(r);
    const ids = shows ? [1, -1, -1, -1, -1, ...words.slice(5)] : words;
    return {
      ids,
      spans: spansOfPlaceholders(ids, options.tokensPerImage),
      lossMask: ids.map((id, t) => id >= 0 && (t + r) % 3 !== 0),
      pixels: shows ? [Float32Array.from(randomNumbers(3 * options.imageSize ** 2, 1, r + 1))] : [],
      name: `rows.jsonl:${r + 1}`,
    };
  });
}

/** A language model of a family, with a window and capped scores where it has them. */
function tiny(family: string): OwlConfig {
  const sizes = {
    model_type: family,
    hidden_size: 8,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    n_head: 2,
    num_key_value_heads: 1,
    head_dim: 4,
    intermediate_size: 8,
    vocab_size: 16,
    sliding_window: 3,
    use_sliding_window: true,
    max_window_layers: 0,
    initializer_range: 0.3,
    bos_token_id: 1,
    eos_token_id: 2,
    pad_token_id: 0,
  };
  const problems: string[] = [];
  const language: LanguageConfig | undefined = readLanguageConfig(sizes, (key, text) =>
    problems.push(key + text),
  );
  expect(problems).toEqual([]);
  return { ...microConfig, language: language! };
}

/** Loss and gradients in float64. */
function computed(config: OwlConfig, recipe: TrainingRecipe, rows: readonly TokenRow[], how: CollateOptions) {
  const objective = languageObjective(config, recipe);
  const { sizes, feeds } = collate(rows, how);
  const loss = objective.trace(sizes);
  const { parameters } = placeholdersOf({ name: "loss", outputs: { loss } });
  const [value, ...found] = interpret([loss, ...gradients(loss, [...parameters.values()])], {
    ...feeds,
    ...randomParameters(objective.parameters),
  });
  return { sizes, loss: value.data[0], gradients: found.flatMap(({ data }) => [...data]) };
}

function expectEqual(config: OwlConfig, recipe: TrainingRecipe, rows: readonly TokenRow[]): void {
  const [apart, together] = [
    computed(config, recipe, rows, options),
    computed(config, recipe, rows, packing),
  ];
  expect(together.sizes.rows).toBeLessThan(apart.sizes.rows);
  expect(together.loss).toBeCloseTo(apart.loss, 10);
  const largest = Math.max(...apart.gradients.map(Math.abs));
  const worst = Math.max(...apart.gradients.map((value, i) => Math.abs(value - together.gradients[i])));
  expect(worst / largest).toBeLessThan(1e-10);
}

describe("in float64 the loss and all gradients of packed rows are those of rows by themselves", () => {
  const full: TrainingRecipe = { ...stage2, stage: "full", lora: undefined };

  test.each(knownFamilies().match(/\w{2,}(?=")/g)!)("%s", (family) => {
    expectEqual(tiny(family), full, rowsOf([6, 3, 4]));
  });

  test("rows with pictures, whose encoder learns too", () => {
    expectEqual(microConfig, { ...full, stage: "1" }, rowsOf([7, 3, 7], [0, 2]));
  });
});

test("on the device they are the same within rounding, layer by layer too", async () => {
  const device = await openDevice({ threads: 1 });
  const rows = rowsOf([7, 4, 6, 9], [0, 3]);
  const results: { loss: number; gradients: number[] }[] = [];
  for (const [how, recompute] of [
    [options, false],
    [packing, false],
    [packing, true],
  ] as const) {
    const recipe = { ...stage2, recompute };
    const objective = languageObjective(microConfig, recipe);
    const weights = new Map<string, HostTensor>(Object.entries(randomParameters(objective.parameters)));
    const trainer = await createTrainer({ device, recipe, objective, weights });
    const { loss, gradients: found } = await trainer.gradients([collate(rows, how)]);
    results.push({ loss, gradients: [...found.values()].flatMap(({ data }) => Array.from(data, Number)) });
    trainer.dispose();
  }
  const [apart, ...packed] = results;
  const largest = Math.max(...apart.gradients.map(Math.abs));
  for (const { loss, gradients: found } of packed) {
    expect(Math.abs(loss / apart.loss - 1)).toBeLessThan(1e-6);
    expect(Math.max(...found.map((value, i) => Math.abs(value - apart.gradients[i])))).toBeLessThan(
      1e-5 * largest,
    );
  }
});
