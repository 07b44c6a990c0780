import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSafetensors, type StateDict, validateParameters } from "../../src/checkpoint/index.ts";
import { CLIP_PREPROCESSOR, decodeImage, releasedGrids, tileCount, toTiles } from "../../src/image/index.ts";
import { probeModel } from "../../src/inspection/index.ts";
import {
  describeParameters,
  pixelInput,
  traceForward,
  visionEncoder,
  visualAbstractor,
} from "../../src/model/index.ts";
import { Owl } from "../../src/owl/index.ts";
import {
  encodeConversation,
  encodePrompt,
  encodeTrainingSample,
  type PromptTemplate,
} from "../../src/prompt/index.ts";
import { padBatch } from "../../src/prompt/testing/reference-batch.ts";
import { type HostTensor, int64, rootScope } from "../../src/tensor/index.ts";
import { loadTokenizer, type Tokenizer } from "../../src/tokenizer/index.ts";
import { shared, sharedAvailable } from "../shared.ts";
import {
  type Batch,
  batchFeeds,
  gradientDifference,
  largestDifference,
  lossAndGradients,
  type Model,
  numbersOf,
  readBatch,
  readModel,
  runGraph,
} from "./run-model.ts";

const HIDDEN = 1e-4;
const LOGITS = 5e-4;
const LOSS = 1e-4;
const GRADIENT = 5e-4;

const folder = shared("golden/tiny-ureader");
const json = (file: string) => JSON.parse(readFileSync(`${folder}/${file}`, "utf8"));

/** The demo and the evaluation write no system prompt. */
const template: PromptTemplate = { system: "", user: "Human: ", assistant: "AI: ", cut: "pictures" };

const preprocessor = { ...CLIP_PREPROCESSOR, size: 56, grids: releasedGrids };

interface Pictured {
  readonly pixels: HostTensor<"float32">;
  readonly positions: HostTensor<"int64">;
}

/** The tiles of pictures, one picture behind the other. */
async function tilesOf(names: readonly string[]): Promise<Pictured> {
  const tiles = [];
  for (const name of names) {
    const image = await decodeImage(shared(`owleval/cases/${name}`), { fidelity: "reference" });
    tiles.push(...toTiles(image, preprocessor));
  }
  const data = new Float32Array(tiles.length * 3 * 56 * 56);
  for (const [i, { pixels }] of tiles.entries()) data.set(pixels, i * pixels.length);
  return {
    pixels: { dtype: "float32", dims: [tiles.length, 3, 56, 56], data },
    positions: int64(
      tiles.flatMap(({ position }) => [...position!]),
      [tiles.length, 2],
    ),
  };
}

/** Every fourth position of [batch, tokens, width]. */
function everyFourth({ dims: [batch, tokens, width], data }: HostTensor): HostTensor {
  const kept = Math.ceil(tokens / 4);
  const rows = Array.from({ length: batch * kept }, (_, i) => {
    const at = (Math.floor(i / kept) * tokens + (i % kept) * 4) * width;
    return (data as Float32Array).subarray(at, at + width);
  });
  return {
    dtype: "float32",
    dims: [batch, kept, width],
    data: Float32Array.from(rows.flatMap((row) => [...row])),
  };
}

describe.skipIf(!sharedAvailable)("a reader in tiles against the original code", () => {
  let model: Model;
  let io: StateDict;
  let tokenizer: Tokenizer;
  const cases = sharedAvailable ? json("cases.json") : {};
  const expected = (name: string): HostTensor => {
    const tensor = io.get(name);
    if (tensor === undefined) throw new Error(`the fixture has no ${name}`);
    return tensor;
  };

  beforeAll(async () => {
    model = await readModel(folder);
    io = await readSafetensors(`${folder}/io.safetensors`);
    tokenizer = await loadTokenizer(folder);
  });

  test("the weights tell that it reads in tiles, and the model asks for exactly them", () => {
    expect(model.config.tilePositions).toBe(15);
    validateParameters(describeParameters(model.config), new Map(Object.entries(model.weights)));
  });

  test("vision encoder, queries before their places are told, and the tiles' tokens", async () => {
    const { pixels, positions } = await tilesOf(["9.jpg"]);
    const { config } = model;
    const scope = rootScope();
    const vision = visionEncoder(scope.at("vision_model"), pixelInput(config), config.vision).lastHiddenState;
    const { layers, lastHiddenState } = visualAbstractor(scope, vision, config);
    const outputs = {
      "vision.last_hidden_state": vision,
      "abstractor.before_position": layers.at(-1)!,
      "abstractor.last_hidden_state": lastHiddenState,
    };
    const feeds = { ...model.weights, pixel_values: pixels, patch_positions: positions };
    const got = await runGraph({ name: "tiles", outputs }, feeds);
    for (const name of Object.keys(outputs)) {
      expect(largestDifference(got[name], expected(`doc_9.${name}`)), name).toBeLessThan(HIDDEN);
    }
  });

  async function batchOf(tensors: StateDict, prefix: string, pictures: readonly string[][]): Promise<Batch> {
    const batch = readBatch(tensors, prefix);
    if (pictures.flat().length === 0) return batch;
    const { pixels, positions } = await tilesOf(pictures.flat());
    expect(positions).toEqual(tensors.get(`${prefix}patch_positions`));
    return { ...batch, images: pixels.dims[0], pixels: { pixel_values: pixels, patch_positions: positions } };
  }

  test.each([
    "c_one_document",
    "c_text_only",
    "c_batch_two_and_one_and_text",
  ])("%s: embeddings, hidden states, logits and loss", async (name) => {
    const batch = await batchOf(io, `${name}.in.`, cases[name].pictures);
    const sizes = { batch: batch.rows.length, tokens: batch.rows[0].length, images: batch.images };
    const graph = traceForward(model.config, sizes, ["inputs_embeds", "hidden", "logits", "loss"]);
    const got = await runGraph(graph, { ...model.weights, ...batchFeeds(batch, model.config) });
    expect(largestDifference(got.inputs_embeds, expected(`${name}.inputs_embeds`))).toBeLessThan(HIDDEN);
    expect(largestDifference(got.hidden, expected(`${name}.hidden`))).toBeLessThan(HIDDEN);
    const logits = cases[name].logits === "all positions" ? got.logits : everyFourth(got.logits);
    expect(largestDifference(logits, expected(`${name}.logits`))).toBeLessThan(LOGITS);
    expect(Math.abs(numbersOf(got.loss)[0] - cases[name].loss)).toBeLessThan(LOSS);
  });

  test("the gradient of everything that the recipe trains", async () => {
    const stored = await readSafetensors(`${folder}/gradients.safetensors`);
    const startOf = "lora_start.language_model.base_model.model.";
    const lora = [...stored].filter(([name]) => name.startsWith(startOf));
    const weights = {
      ...model.weights,
      ...Object.fromEntries(
        lora.map(([name, value]) => [`language_model.${name.slice(startOf.length)}`, value]),
      ),
    };
    const { rows } = cases.g_train;
    const pictures = rows.map((row: number) => json("formats.json").rows[row].image);
    const batch = await batchOf(stored, "batch.", pictures);
    const { loss, gradients } = await lossAndGradients({ ...model, weights }, batch, "2");
    expect(Math.abs(loss - cases.g_train.loss)).toBeLessThan(LOSS);
    const wanted = [...stored].filter(([name]) => name.startsWith("grad."));
    expect(wanted).toHaveLength(62);
    expect(Object.keys(gradients)).toHaveLength(62);
    for (const [name, gradient] of wanted) {
      const own = gradients[name.slice(5).replace("base_model.model.", "")];
      // Zero but for rounding.
      if (name.endsWith("attention.key.bias")) expect(largestDifference(own, gradient)).toBeLessThan(1e-5);
      else expect(gradientDifference(own, gradient), name).toBeLessThan(GRADIENT);
    }
  });

  test("prompts and training rows", () => {
    const { rows, formats, inference, max_length: maxLength } = json("formats.json");
    const sizes: Record<string, { width: number; height: number }> = {
      "48.jpg": { width: 720, height: 450 },
      "9.jpg": { width: 514, height: 394 },
      "12.jpg": { width: 730, height: 1386 },
    };
    const tiles = (names: readonly string[]): number[] =>
      names.map((name) => tileCount(sizes[name], preprocessor));
    for (const { row, built_text: text, ...wanted } of formats) {
      const sample = encodeTrainingSample(text, tokenizer, {
        maxLength,
        tokensPerImage: 9,
        tiles: tiles(rows[row].image),
        template,
        fidelity: "reference",
      });
      expect(sample.ids, text).toEqual(wanted.input_ids_unpadded);
      expect(sample.imageCount, text).toBe(rows[row].image.length);
      const mask = numbersOf(padBatch([sample], tokenizer, { length: maxLength }).prompt_mask);
      expect([...mask.keys()].filter((at) => mask[at] === 1)).toEqual(wanted.prompt_mask_ones);
      expect(sample.ids.filter((_, at) => sample.lossMask[at])).toEqual(wanted.trained_ids);
    }
    for (const { file, prompt, input_ids: ids } of inference) {
      const own = { tokensPerImage: 9, tiles: file === null ? [] : tiles([file]) };
      expect(encodePrompt(prompt, tokenizer, own), prompt).toEqual(ids);
      const [, question] = prompt.match(/Human: ([^<]*)\nAI: $/);
      const content = [
        ...(file === null ? [] : [{ type: "image" as const, image: file as string }]),
        { type: "text" as const, text: question },
      ];
      const options = { tokensPerImage: 9, template, tilesOf: () => own.tiles[0] };
      const conversation = encodeConversation([{ role: "user", content }], tokenizer, options);
      expect(conversation.text).toBe(prompt);
      expect(conversation.ids).toEqual(ids);
    }
  });

  describe("a directory as it is published", () => {
    let owl: Owl;
    beforeAll(async () => {
      owl = await Owl.load(folder, { threads: 1, fidelity: "reference" });
    });
    afterAll(() => owl.close());

    const questions: Record<string, string> = {
      d_48: "What is the value for the total amount?",
      d_9: "The table lists six cities, Yes or No?",
      d_12: "What does the chart show?",
      d_text: "What is the capital of France?",
    };

    test.each(Object.keys(questions))("%s: asked by a message, the same ids and new tokens", async (name) => {
      const picture = name === "d_text" ? undefined : shared(`owleval/cases/${name.slice(2)}.jpg`);
      const content = [
        ...(picture === undefined ? [] : [{ type: "image" as const, image: picture }]),
        { type: "text" as const, text: questions[name] },
      ];
      const prompt = await owl.prompt([{ role: "user", content }]);
      expect(prompt.ids).toEqual(numbersOf(expected(`${name}.in.input_ids`)));
      const { ids } = await owl.generate(prompt, { maxNewTokens: 12, eosTokenIds: [] });
      expect(ids).toEqual(cases[name].ids[0].slice(1));
    });

    test("frames that are no squares are squeezed, as a file's are: each is one tile and the whole", async () => {
      const frame = (width: number, height: number) => ({
        width,
        height,
        data: new Uint8Array(width * height * 3).fill(90),
      });
      const asked = async (width: number, height: number) => {
        const video = Array.from({ length: 4 }, () => frame(width, height));
        return owl.prompt([
          {
            role: "user",
            content: [
              { type: "video", video },
              { type: "text", text: "What?" },
            ],
          },
        ]);
      };
      const [wide, square] = [await asked(640, 320), await asked(320, 320)];
      expect(wide.ids).toEqual(square.ids);
      const { ids } = await owl.generate(wide, { maxNewTokens: 4, eosTokenIds: [] });
      expect(ids).toEqual((await owl.generate(square, { maxNewTokens: 4, eosTokenIds: [] })).ids);
    });

    test("probe gives the same numbers and tokens", async () => {
      const { pixels, positions } = await tilesOf(["9.jpg"]);
      const inputs = new Map([...io].filter(([name]) => name.startsWith("d_9.in.")));
      inputs.set("d_9.in.pixel_values", pixels);
      expect(positions).toEqual(inputs.get("d_9.in.patch_positions"));
      const generate = { max_new_tokens: 12, eos_token_id: [] };
      const got = await probeModel(owl, inputs, { prefix: "d_9.in.", generate });
      expect(largestDifference(got.get("inputs_embeds")!, expected("d_9.inputs_embeds"))).toBeLessThan(
        HIDDEN,
      );
      expect(numbersOf(got.get("ids")!)).toEqual(cases.d_9.ids[0].slice(1));
      inputs.delete("d_9.in.patch_positions");
      await expect(probeModel(owl, inputs, { prefix: "d_9.in." })).rejects.toThrow(
        "patch_positions must be there with pixel_values",
      );
    });
  });
});
