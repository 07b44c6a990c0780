import { expect, it } from "vitest";
import { describeParameters, stages } from "../../src/model/index.ts";
import { rootScope } from "../../src/tensor/index.ts";
import { SHORT_OWL } from "../recipes.ts";
import { languageBeginning } from "./language-beginning.ts";

const weights = languageBeginning(SHORT_OWL, 7);
const { hidden, layers } = SHORT_OWL.language;
const dataOf = (layer: number, part: string): Float32Array =>
  weights.get(`language_model.model.layers.${layer}.self_attn.${part}.weight`)!.data as Float32Array;

it("each layer copies what it attends to", () => {
  for (let layer = 0; layer < layers; layer++) {
    const [value, output] = [dataOf(layer, "v_proj"), dataOf(layer, "o_proj")];
    const size = 0.08 ** 2 * hidden;
    for (let i = 0; i < hidden; i++)
      for (let j = 0; j < hidden; j++) {
        let sum = 0;
        for (let k = 0; k < hidden; k++) sum += output[i * hidden + k] * value[k * hidden + j];
        expect(sum).toBeCloseTo(i === j ? size : 0, 5);
      }
  }
  expect(weights.size).toBe(2 * layers);
  expect(dataOf(0, "v_proj")).not.toEqual(dataOf(1, "v_proj"));
});

it("are weights that the model has, of its shapes", () => {
  const trained = rootScope({ trained: stages.language.trained });
  const shapes = new Map(describeParameters(SHORT_OWL, trained).map(({ name, dims }) => [name, dims]));
  for (const [name, { dims }] of weights) expect(dims, name).toEqual(shapes.get(name));
});

it("are not made for shared keys", () => {
  const language = { ...SHORT_OWL.language, keyValueHeads: 1 };
  expect(() => languageBeginning({ ...SHORT_OWL, language }, 7)).toThrow(/2 × 32 of 64, 1 with keys/);
});
