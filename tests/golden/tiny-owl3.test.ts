import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readSafetensors, type StateDict } from "../../src/checkpoint/index.ts";
import { modelSystem } from "../../src/evaluation/index.ts";
import { probeModel } from "../../src/inspection/index.ts";
import { type ChatMessage, Owl } from "../../src/owl/index.ts";
import { convertCheckpoint } from "../../src/quantization/index.ts";
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

/** Some entries of one axis of a tensor whose axes before it are of size 1. */
function picked(tensor: HostTensor, entries: readonly number[], axis = 0): HostTensor {
  const rest = tensor.dims.slice(axis + 1);
  const size = rest.reduce((all, one) => all * one, 1);
  const data = entries.flatMap((entry) => [
    ...(tensor.data as Float32Array).subarray(entry * size, (entry + 1) * size),
  ]);
  return float32(data, [entries.length, ...rest]);
}

/** The mean loss of a row of logits [1, tokens, vocabulary], in float64. */
function crossEntropy({ data, dims }: HostTensor, labels: readonly number[]): number {
  const width = dims[2];
  const losses = labels.flatMap((label, t) => {
    if (t === 0 || label === -100) return [];
    return [-logProbabilities([...(data as Float32Array).subarray((t - 1) * width, t * width)])[label]];
  });
  return losses.reduce((all, loss) => all + loss, 0) / losses.length;
}

function logProbabilities(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const sum = logits.reduce((all, logit) => all + Math.exp(logit - most), 0);
  return logits.map((logit) => logit - most - Math.log(sum));
}

/** The cosine of the angle between two lists of numbers. */
function likeness(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, v, i) => sum + v * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
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

    /** Cases as rows of one batch, padding behind the shorter ones; cut to their prompts or whole. */
    function batchOf(names: readonly string[], part: "prompt" | "whole" = "whole"): StateDict {
      const rows = names.map((name) => {
        const length = part === "prompt" ? cases[name].prompt_len : cases[name].input_ids.length;
        return { ...cases[name], length, pixels: io.get(`${name}.pixel_values_u8`) };
      });
      const width = Math.max(...rows.map(({ length }) => length));
      const filled = (of: (row: (typeof rows)[number]) => readonly number[], filling: number): HostTensor => {
        const all = rows.flatMap((row) => {
          const own = of(row).slice(0, row.length);
          return [...own, ...new Array<number>(width - own.length).fill(filling)];
        });
        return int64(all, [rows.length, width]);
      };
      const bytes = rows.flatMap(({ pixels }) => (pixels ? [...(pixels.data as Uint8Array)] : []));
      const values = Float32Array.from(bytes, (value) => (Math.fround(Math.fround(value) / 255) - 0.5) / 0.5);
      const starts = rows.flatMap(({ media_starts }) => media_starts);
      const side = rows.find(({ pixels }) => pixels)?.pixels?.dims[3] ?? 0;
      return new Map<string, HostTensor>([
        ["input_ids", filled(({ input_ids }) => input_ids, 0)],
        ["labels", filled(({ labels }) => labels, -100)],
        ["attention_mask", filled(({ length }) => new Array<number>(length).fill(1), 0)],
        ["media_starts", int64(starts, [starts.length])],
        [
          "num_sub_pictures",
          int64(
            rows.map((row) => row.num_sub_pictures),
            [rows.length],
          ),
        ],
        ["pixel_values", float32(values, [starts.length, 3, side, side])],
      ]);
    }

    test("visual tokens, logits and losses of all cases in one batch", async () => {
      const got = await probeModel(owl, batchOf(names));
      const [vision, visual, logits] = ["vision", "abstractor", "logits"].map(
        (name) => got.get(name === "logits" ? name : `${name}.last_hidden_state`)!,
      );
      let before = 0;
      for (const [row, name] of names.entries()) {
        const { logit_positions, loss, num_sub_pictures: count, labels } = cases[name];
        if (count > 0) {
          const own = Array.from({ length: count }, (_, i) => before + i);
          before += count;
          expect(largestDifference(picked(vision, own), io.get(`${name}.vision_hidden`)!)).toBeLessThan(
            VISION,
          );
          expect(largestDifference(picked(visual, own), io.get(`${name}.image_embeds`)!)).toBeLessThan(
            VISION,
          );
        }
        const ofRow = picked(logits, [row]);
        const sampled = picked(ofRow, logit_positions, 1);
        expect(largestDifference(sampled, io.get(`${name}.logits`)!), name).toBeLessThan(LOGITS);
        expect(Math.abs(crossEntropy(ofRow, labels) - loss), name).toBeLessThan(LOSS);
      }
      const taught = names.map((name) => cases[name].labels.filter((label) => label !== -100).length);
      const sum = names.reduce((all, name, i) => all + cases[name].loss * taught[i], 0);
      const mean = sum / taught.reduce((all, count) => all + count, 0);
      expect(Math.abs(numbersOf(got.get("loss")!)[0] - mean)).toBeLessThan(LOSS);
    });

    test("new tokens of all cases in one batch over the KV cache", async () => {
      const generate = { max_new_tokens: 12, eos_token_id: [] };
      const got = await probeModel(owl, batchOf(names, "prompt"), { generate });
      expect(numbersOf(got.get("ids")!)).toEqual(names.flatMap((name) => cases[name].greedy_with_cache));
    });

    test("beams over the KV cache are those of rows that are computed whole", async () => {
      const inputs = batchOf(["one_picture"], "prompt");
      const generate = { max_new_tokens: 5, num_beams: 3, eos_token_id: [] };
      const found = numbersOf((await probeModel(owl, inputs, { generate })).get("ids")!);
      const { input_ids, prompt_len, media_starts, greedy_with_cache } = cases.one_picture;
      const pixels = inputs.get("pixel_values") as HostTensor<"float32">;
      const after = async (ids: readonly number[]): Promise<number[]> => {
        const row = [...input_ids.slice(0, prompt_len), ...ids];
        const { logits } = await owl.forward({ ids: [row], pixels, pictureStarts: [media_starts] });
        return logProbabilities(numbersOf(logits).slice(-logits.dims[2]));
      };
      let beams = [{ ids: [] as number[], score: 0 }];
      for (let step = 0; step < 5; step++) {
        const longer = [];
        for (const { ids, score } of beams)
          longer.push(...(await after(ids)).map((log, id) => ({ ids: [...ids, id], score: score + log })));
        beams = longer.sort((a, b) => b.score - a.score).slice(0, 3);
      }
      expect(found).toEqual(beams[0].ids);
      expect(found).not.toEqual(greedy_with_cache.slice(0, 5));
    });

    test("the gradient of every parameter", async () => {
      const inputs = batchOf(["two_turns"]);
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

    const image = shared("owleval/cases/9.jpg");
    const about = (text: string) =>
      ({
        role: "user",
        content: [
          { type: "image", image },
          { type: "text", text },
        ],
      }) as const;

    test("a picture of turns that are left out stands in front with the words of its cut", async () => {
      const turns = Array.from({ length: 60 }, (_, i): ChatMessage[] => [
        { role: "user", content: `${i}: and how many of them fly?` },
        { role: "assistant", content: "Two of them." },
      ]);
      const long = [about("Is it day?"), { role: "assistant", content: "Yes." } as const, ...turns.flat()];
      const last = { role: "user", content: "Which?" } as const;
      const { ids, pictures, notes } = await owl.prompt([...long, last], { truncation: "auto" });
      const [, left] = notes?.[0].match(/its (\d+) oldest turns were left out\.$/) ?? [];
      const [first, ...rest] = turns.slice(Number(left) - 1).flat();
      const kept = [about(String(first.content)), ...rest, last];
      expect(pictures).toHaveLength(7);
      const { hasRoomFor } = modelSystem(owl, "tiny", "checkpoint");
      expect([await hasRoomFor!([...long, last]), await hasRoomFor!([last])]).toEqual([false, true]);
      expect(ids).toEqual((await owl.prompt(kept)).ids);
    });

    if (version === "240728") {
      test.each([
        ["four bits", { quantize: "q4", blockSize: 32 }, 0.9],
        ["eight bits, one scale a row", { quantize: "q8", blockSize: "row" }, 0.99],
      ] as const)("in %s it is alike, and answers over the cache what it computes at once", async (_, few, least) => {
        const out = mkdtempSync(join(tmpdir(), "owl3-"));
        await convertCheckpoint(shared(at), join(out, "few"), few);
        const small = await Owl.load(join(out, "few"), { threads: 1, onWarning: () => undefined });
        const inputs = batchOf(["two_turns"], "prompt");
        const generate = { max_new_tokens: 4, eos_token_id: [] };
        const [whole, got] = [await probeModel(owl, inputs), await probeModel(small, inputs, { generate })];
        const ids = numbersOf(got.get("ids")!);
        const [expected, logits] = [whole, got].map((one) => numbersOf(one.get("logits")!));
        expect(likeness(logits, expected)).toBeGreaterThan(least);
        const last = logits.slice(-448);
        expect(ids[0]).toBe(last.indexOf(Math.max(...last)));
        const longer = cases.two_turns.input_ids.slice(0, cases.two_turns.prompt_len).concat(ids);
        const places = {
          ids: [longer],
          pixels: inputs.get("pixel_values") as HostTensor<"float32">,
          pictureStarts: [cases.two_turns.media_starts],
        };
        const again = numbersOf((await small.forward(places)).logits);
        for (const [i, id] of ids.entries()) {
          const at = again.slice(
            448 * (longer.length - ids.length + i - 1),
            448 * (longer.length - ids.length + i),
          );
          expect(at.indexOf(Math.max(...at))).toBe(id);
        }
        await small.close();
        rmSync(out, { recursive: true });
      });
    }

    test("a conversation about pictures goes on in the cache as it would from the beginning", async () => {
      const asked = about("How many birds are there?");
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
