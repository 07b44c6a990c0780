import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { gradients } from "../autodiff/index.ts";
import { collatePairs, type PairRow, type TokenBatch, type TokenRow } from "../data/index.ts";
import { traceForward } from "../model/index.ts";
import { randomParameters } from "../model/testing/micro.ts";
import { openDevice } from "../runtime/index.ts";
import {
  dim,
  type Float64Tensor,
  type HostTensor,
  input,
  interpret,
  placeholdersOf,
  type TensorLike,
} from "../tensor/index.ts";
import { preferenceLoss, preferenceObjective } from "./preference.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { config, encode, recipe as small } from "./testing/small-run.ts";
import { createTrainer, type StepResult, type Trainer } from "./trainer.ts";

const beta = 0.5;
const recipe: TrainingRecipe = {
  ...small,
  dpo: { beta },
  lora: { ...small.lora!, useDora: true, modulesToSave: ["lm_head"] },
};

interface Case {
  readonly chosen: number;
  readonly chosenReference: number;
  readonly rejected: number;
  readonly rejectedReference: number;
  readonly loss: number;
  readonly gradientOfChosen: number;
  readonly gradientOfRejected: number;
}

test("the loss and its gradient are PyTorch's, also where answers are told apart by far", () => {
  const path = fileURLToPath(new URL("../../tests/fixtures/dpo/cases.json", import.meta.url));
  const given = JSON.parse(readFileSync(path, "utf8")) as {
    readonly beta: number;
    readonly cases: readonly Case[];
  };
  for (const one of given.cases) {
    const ratios = input("ratios", "float32", [dim("pairs", 1)]);
    const loss = preferenceLoss(ratios, given.beta);
    const values = {
      ratios: { dims: [1], data: [one.chosen - one.rejected] },
      reference: { dims: [1], data: [one.chosenReference - one.rejectedReference] },
      loss_weights: { dims: [1], data: [1] },
    };
    const [found, slope] = interpret([loss, ...gradients(loss, [ratios])], values);
    // β is a number of 32 bits in the graph.
    expect(Math.abs(found.data[0] - one.loss)).toBeLessThan(1e-6 * Math.max(one.loss, 1e-3));
    expect(Math.abs(slope.data[0] - one.gradientOfChosen)).toBeLessThan(1e-6);
    expect(one.gradientOfRejected).toBe(-one.gradientOfChosen);
  }
});

/** Pairs of rows with a picture or without one; the second answer has other tokens and another length. */
async function pairsOf(count: number): Promise<PairRow[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i): Promise<PairRow> => {
      const chosen: TokenRow = await encode({ text: "", images: [] }, 2 * i + (i % 2), `pair ${i}`);
      const from = chosen.ids.length - 3;
      const ids = [
        ...chosen.ids.slice(0, from),
        ...Array.from({ length: 1 + i }, (_, t) => 3 + ((5 * t + i) % 12)),
        2,
      ];
      const learned = (row: readonly number[]): boolean[] => row.map((_, t) => t >= from);
      return {
        chosen: { ...chosen, lossMask: learned(chosen.ids) },
        rejected: { ...chosen, ids, lossMask: learned(ids) },
        reference: 0.3 * i - 0.4,
      };
    }),
  );
}

const options = {
  tokensPerImage: config.numQueryTokens + 1,
  imageSize: 4,
  rounding: { tokens: 4, losses: 4 },
};

describe("a model that learns from pairs", () => {
  let trainer: Trainer<TokenBatch["sizes"]>;
  let weights: Record<string, HostTensor>;
  let pairs: PairRow[];
  beforeAll(async () => {
    pairs = await pairsOf(3);
    const objective = preferenceObjective(config, recipe);
    weights = randomParameters(objective.parameters);
    const device = await openDevice({ threads: 1 });
    trainer = await createTrainer({ device, objective, recipe, weights: new Map(Object.entries(weights)) });
  });

  /** log p of a row's learned tokens, from the logits of a whole forward pass of its own. */
  function logProbability(row: TokenRow): number {
    const single = collatePairs([{ chosen: row, rejected: row, reference: 0 }], options);
    const { rows: batch, tokens, images } = single.sizes;
    const graph = traceForward(config, { batch, tokens, images }, ["logits"], undefined);
    const names = [...placeholdersOf(graph).parameters.keys()];
    const given = Object.fromEntries(names.map((name) => [name, weights[name]]));
    const [logits] = interpret(Object.values(graph.outputs), { ...given, ...single.feeds });
    const width = config.language.vocabulary;
    return row.ids.reduce((sum, id, t) => {
      if (!row.lossMask[t]) return sum;
      const scores = logits.data.slice((t - 1) * width, t * width);
      return sum + scores[id] - Math.log(scores.reduce((all, score) => all + Math.exp(score), 0));
    }, 0);
  }

  test("ratios are log-probabilities of learned tokens alone, the better answer's less the other's", async () => {
    const plain = { ...recipe, stage: "full" as const, lora: undefined };
    const objective = preferenceObjective(config, plain);
    const device = await openDevice({ threads: 1 });
    const whole = await createTrainer({
      device,
      objective,
      recipe: plain,
      weights: new Map(Object.entries(weights)),
    });
    const ratios = await whole.ratiosOf(collatePairs(pairs, options));
    expect(ratios).toHaveLength(3);
    for (const [i, { chosen, rejected }] of pairs.entries())
      expect(ratios[i]).toBeCloseTo(logProbability(chosen) - logProbability(rejected), 4);
    whole.dispose();
  });

  test("gradients equal the float64 interpreter's, and those its finite differences", async () => {
    const batch = collatePairs(pairs, options);
    const { loss, gradients: found } = await trainer.gradients([batch]);
    const traced = preferenceObjective(config, recipe).trace(batch.sizes);
    const { parameters } = placeholdersOf({ name: "loss", outputs: { loss: traced } });
    const names = trainer.trained.filter((name) => parameters.has(name));
    const third = { ...batch.feeds.loss_weights, data: new Float32Array([1, 1, 1]).map((one) => one / 3) };
    const values: Record<string, TensorLike> = { ...weights, ...batch.feeds, loss_weights: third };
    const derivatives = gradients(
      traced,
      names.map((name) => parameters.get(name)!),
    );
    const [exact, ...slopes] = interpret([traced, ...derivatives], values);
    expect(loss).toBeCloseTo(exact.data[0], 5);
    for (const [i, name] of names.entries()) {
      const expected = Array.from(slopes[i].data);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-4);
      const values = found.get(name)!.data as Float32Array;
      const off = expected.reduce((most, value, at) => Math.max(most, Math.abs(value - values[at])), 0);
      expect(off / largest, name).toBeLessThan(1e-3);
    }
    const name = names.find((one) => one.endsWith("lora_magnitude_vector"))!;
    const at = (step: number): number => {
      const { dims, data } = values[name];
      const moved: Float64Tensor = { dims, data: Float64Array.from(data, Number) };
      moved.data[2] += step;
      return interpret([traced], { ...values, [name]: moved })[0].data[0];
    };
    expect(slopes[names.indexOf(name)].data[2]).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 6);
  });

  test("pairs one by one have the gradients and rewards of all together; at the beginning nothing is preferred", async () => {
    const whole = collatePairs(pairs, options);
    const apart = pairs.map((pair) => collatePairs([pair], options));
    const one = await trainer.gradients([whole]);
    const before = new Map(
      [...one.gradients].map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
    );
    const other = await trainer.gradients(apart);
    expect(other.loss).toBeCloseTo(one.loss, 5);
    for (const [name, values] of before) {
      const found = other.gradients.get(name)!.data as Float32Array;
      for (const [i, value] of values.entries()) expect(found[i]).toBeCloseTo(value, 4);
    }
    const ratios = await trainer.ratiosOf(whole);
    const began = pairs.map((pair, i) => ({ ...pair, reference: ratios[i] }));
    const { loss, rewardMargin, rewardAccuracy } = await trainer.update([collatePairs(began, options)]);
    expect(loss).toBeCloseTo(Math.LN2, 6);
    expect(rewardMargin).toBeCloseTo(0, 6);
    expect(rewardAccuracy).toBe(0);
    let last: Partial<StepResult> = {};
    for (let step = 0; step < 5; step++)
      last = await trainer.update(began.map((pair) => collatePairs([pair], options)));
    expect(last.rewardMargin).toBeGreaterThan(0.05);
    expect(last.rewardAccuracy).toBe(1);
  });
});
