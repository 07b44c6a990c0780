import { readFile } from "node:fs/promises";
import { afterAll, describe, expect, test } from "vitest";
import { readSafetensors, type StateDict } from "../../src/checkpoint/index.ts";
import { probeModel } from "../../src/inspection/index.ts";
import { Owl } from "../../src/owl/index.ts";
import { float32, type HostTensor, int64 } from "../../src/tensor/index.ts";
import { shared, sharedAvailable } from "../shared.ts";
import { gradientDifference, largestDifference, numbersOf } from "./run-model.ts";

const folder = "golden/tiny-owl3";
/** The README's tolerances. */
const VISION = 1e-4;
const LOGITS = 2e-4;
const LOSS = 1e-5;
const GRADIENT = 1e-4;

interface Case {
  readonly input_ids: number[];
  readonly labels: number[];
  readonly media_starts: number[];
  readonly num_sub_pictures: number;
  readonly logit_positions: number[];
  readonly loss: number;
  readonly prompt_len: number;
  readonly greedy_with_cache: number[];
}

const names = ["text_only", "one_picture", "two_pictures", "two_turns", "picture_cut", "video"];

/** Rows of a tensor [1, rows, width]. */
function picked(tensor: HostTensor, rows: readonly number[]): HostTensor {
  const width = tensor.dims[2];
  const data = rows.flatMap((row) => [
    ...(tensor.data as Float32Array).slice(row * width, (row + 1) * width),
  ]);
  return float32(data, [rows.length, width]);
}

describe.skipIf(!sharedAvailable)("tiny mPLUG-Owl3s against the released code", () => {
  describe.each(["240728", "241014", "241101"])("%s", async (version) => {
    const at = `${folder}/${version}`;
    const owl = sharedAvailable
      ? await Owl.load(shared(at), { threads: 1, onWarning: () => undefined })
      : ({} as Owl);
    afterAll(() => owl.close?.());
    const io: StateDict = sharedAvailable ? await readSafetensors(shared(`${at}/io.safetensors`)) : new Map();
    const { cases }: { cases: Record<string, Case> } = sharedAvailable
      ? JSON.parse(await readFile(shared(`${at}/cases.json`), "utf8"))
      : { cases: {} };

    function inputsOf(name: string, length = cases[name].input_ids.length): StateDict {
      const { input_ids, labels, media_starts, num_sub_pictures } = cases[name];
      const inputs: StateDict = new Map([
        ["input_ids", int64(input_ids.slice(0, length), [1, length])],
        ["labels", int64(labels.slice(0, length), [1, length])],
        ["media_starts", int64(media_starts, [media_starts.length])],
        ["num_sub_pictures", int64([num_sub_pictures], [1])],
      ]);
      const pixels = io.get(`${name}.pixel_values_u8`);
      if (pixels) {
        const values = Float32Array.from(pixels.data as Uint8Array, (value) =>
          Math.fround((Math.fround(Math.fround(value) / 255) - 0.5) / 0.5),
        );
        inputs.set("pixel_values", float32(values, pixels.dims));
      }
      return inputs;
    }

    test.each(names)("%s: visual tokens, logits and loss", async (name) => {
      const got = await probeModel(owl, inputsOf(name));
      const { logit_positions, loss, num_sub_pictures } = cases[name];
      if (num_sub_pictures > 0) {
        const vision = largestDifference(
          got.get("vision.last_hidden_state")!,
          io.get(`${name}.vision_hidden`)!,
        );
        expect(vision).toBeLessThan(VISION);
        const visual = largestDifference(
          got.get("abstractor.last_hidden_state")!,
          io.get(`${name}.image_embeds`)!,
        );
        expect(visual).toBeLessThan(VISION);
      }
      const logits = picked(got.get("logits")!, logit_positions);
      expect(largestDifference(logits, io.get(`${name}.logits`)!)).toBeLessThan(LOGITS);
      expect(Math.abs(numbersOf(got.get("loss")!)[0] - loss)).toBeLessThan(LOSS);
    });

    test.each(names)("%s: new tokens over the KV cache", async (name) => {
      const { prompt_len, greedy_with_cache } = cases[name];
      const generate = { max_new_tokens: 12, eos_token_id: [] };
      const got = await probeModel(owl, inputsOf(name, prompt_len), { generate });
      expect(numbersOf(got.get("ids")!)).toEqual(greedy_with_cache);
    });

    test("the gradient of every parameter", async () => {
      const inputs = inputsOf("two_turns");
      const expected = await readSafetensors(shared(`${at}/grads.safetensors`));
      const halves = await Promise.all([
        probeModel(owl, inputs, { stage: "1" }),
        probeModel(owl, inputs, { stage: "full" }),
      ]);
      const got: StateDict = new Map(halves.flatMap((half) => [...half]));
      for (const [name, value] of expected) {
        const found = got.get(`grad.${name}`);
        expect(found, name).toBeDefined();
        const largest = Math.max(...numbersOf(value).map(Math.abs));
        // Some are zero but for rounding.
        if (largest < 1e-5) expect(largestDifference(found!, value), name).toBeLessThan(1e-5);
        else expect(gradientDifference(found!, value), name).toBeLessThan(GRADIENT);
      }
    });

    test("a conversation about pictures goes on in the cache as it would from the beginning", async () => {
      const image = shared("owleval/cases/9.jpg");
      const asked = {
        role: "user",
        content: [
          { type: "image", image },
          { type: "text", text: "How many birds are there?" },
        ],
      } as const;
      const prompt = await owl.prompt([asked]);
      const { input_ids, prompt_len, media_starts, greedy_with_cache } = cases.picture_cut;
      const words = prompt.ids.length;
      if (version !== "240728") expect(prompt.ids).toEqual(input_ids.slice(0, prompt_len));
      expect(prompt.spans!.length).toBe(media_starts.length);
      expect(words).toBe(prompt_len);
      const settings = { maxNewTokens: 12, doSample: false, eosTokenIds: [] };
      const first = await owl.chat([asked], settings).answer();
      const [alone] = await owl.generateBatch([prompt], settings);
      expect(first.ids).toEqual(alone.ids);
      expect(greedy_with_cache.length).toBe(12);
      const more = [
        asked,
        { role: "assistant", content: first.text },
        { role: "user", content: "Which ones?" },
      ] as const;
      const second = await owl.chat(more, settings).answer();
      const [again] = await owl.generateBatch([await owl.prompt(more)], settings);
      expect(second.ids).toEqual(again.ids);
    });
  });
});
