import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { gradientDifference, largestDifference, numbersOf } from "../../tests/golden/run-model.ts";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { readSafetensors, type StateDict } from "../checkpoint/index.ts";
import { collate, type Example, rowEncoder, type TokenBatch, type TokenRow } from "../data/index.ts";
import { crop, decodeImage, type RgbImage } from "../image/index.ts";
import { hyperOf, type Stage, storedName, tokensPerImage } from "../model/index.ts";
import type { ContentPart, Message } from "../prompt/index.ts";
import { type Device, openDevice } from "../runtime/index.ts";
import { float32 } from "../tensor/index.ts";
import { createTrainer, languageObjective, type TrainingRecipe } from "../training/index.ts";
import { type BaseModel, loadBaseModel } from "./base-model.ts";
import { pictureReading, textOptions } from "./batches.ts";
import { publishedRecipes } from "./published.ts";
import type { RunPlan } from "./recipe-file.ts";

interface Case {
  readonly messages: readonly { readonly role: Message<number>["role"]; readonly content: string }[];
  readonly pictures: readonly string[];
  readonly video_frames_source: {
    readonly picture: string;
    readonly crops_left_top_right_bottom: readonly (readonly [number, number, number, number])[];
  } | null;
  readonly cut_enable: boolean;
  readonly input_ids: number[];
  readonly labels: number[];
  readonly media_starts: number[];
  readonly loss: number;
}

/** The README's tolerances. */
const LOSS = 1e-5;
const GRADIENT = 1e-4;

const recipe: TrainingRecipe = { ...publishedRecipes.full.recipe, maxTokens: 256 };

/** A text with its marks as parts. */
function partsOf(text: string): Message<number, number>["content"] {
  const parts = text.split(/(<\|(?:image|video)\|>)/).flatMap((part): ContentPart<number, number>[] => {
    if (part === "<|image|>") return [{ type: "image", image: 0 }];
    if (part === "<|video|>") return [{ type: "video", video: 0 }];
    return part === "" ? [] : [{ type: "text", text: part }];
  });
  return parts.some(({ type }) => type !== "text") ? parts : text;
}

const decoded = (name: string): Promise<RgbImage> => decodeImage(shared(`owleval/cases/${name}`));

async function exampleOf({ messages, pictures, video_frames_source: video }: Case): Promise<Example> {
  const whole = video && (await decoded(video.picture));
  const frames = (video?.crops_left_top_right_bottom ?? []).map(([left, top, right, bottom]) =>
    crop(whole!, { left, top, width: right - left, height: bottom - top }),
  );
  return {
    text: messages.map(({ role, content }) => ({
      role,
      content: role === "user" ? partsOf(content) : content,
    })),
    images: await Promise.all(pictures.map(decoded)),
    ...(video && { videos: [frames] }),
  };
}

describe.skipIf(!sharedAvailable)("rows of tiny mPLUG-Owl3s against the released code", () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ threads: 1 });
  });

  describe.each(["240728", "241014", "241101"])("%s", (version) => {
    const folder = shared(`golden/tiny-owl3/${version}`);
    let base: BaseModel;
    let cases: Readonly<Record<string, Case>>;
    let rows: Readonly<Record<string, TokenRow>>;

    beforeAll(async () => {
      base = await loadBaseModel({ model: folder, recipe } as RunPlan);
      ({ cases } = JSON.parse(await readFile(`${folder}/cases.json`, "utf8")));
      const encoded = Object.entries(cases).map(async ([name, one]) => {
        const { cuts: _, ...whole } = base.preprocessor!;
        const preprocessor = one.cut_enable ? base.preprocessor : whole;
        const encode = rowEncoder({
          ...textOptions(recipe, base, "conversation"),
          ...pictureReading({ ...base, preprocessor }),
        });
        return [name, await encode(await exampleOf(one), 0, name)] as const;
      });
      rows = Object.fromEntries(await Promise.all(encoded));
    });

    const batchOf = (names: readonly string[], sequenceTokens?: number): TokenBatch =>
      collate(
        names.map((name) => rows[name]),
        {
          tokensPerImage: tokensPerImage(base.config),
          imageSize: base.config.vision.imageSize,
          hyper: hyperOf(base.config),
          rounding: { images: 2, maxTokens: 1024 },
          sequenceTokens,
        },
      );

    async function gradientsOf(
      stage: Stage,
      batches: readonly TokenBatch[],
      more: Partial<TrainingRecipe> = {},
    ): Promise<{ readonly loss: number; readonly gradients: StateDict }> {
      const own = { ...recipe, ...more, stage };
      const objective = languageObjective(base.config, own);
      const trainer = await createTrainer({ device, recipe: own, objective, weights: base.tensors });
      const found = await trainer.gradients(batches);
      const gradients = [...found.gradients].map(
        ([name, { dims, data }]) => [name, float32(Array.from(data, Number), dims)] as const,
      );
      trainer.dispose();
      return { loss: found.loss, gradients: new Map(gradients) };
    }

    function expectSame(got: StateDict, expected: StateDict): void {
      expect([...got.keys()]).toEqual([...expected.keys()]);
      for (const [name, value] of expected) {
        const largest = Math.max(...numbersOf(value).map(Math.abs));
        // Some are zero but for rounding.
        if (largest < 1e-5) expect(largestDifference(got.get(name)!, value), name).toBeLessThan(1e-5);
        else expect(gradientDifference(got.get(name)!, value), name).toBeLessThan(GRADIENT);
      }
    }

    // A text right behind a picture begins a line here; in two_pictures it does not.
    const alike = ["text_only", "one_picture", "two_turns", "picture_cut", "video"];

    test("ids, what is learned, places of pictures, and pixels to the bit", async () => {
      const io = await readSafetensors(`${folder}/io.safetensors`);
      for (const name of alike) {
        const { ids, lossMask, spans, pixels } = rows[name];
        const { input_ids, labels, media_starts } = cases[name];
        expect(ids, name).toEqual(input_ids);
        expect(lossMask, name).toEqual(labels.map((label) => label !== -100));
        expect(
          spans.map(({ start }) => start),
          name,
        ).toEqual(media_starts);
        const bytes = io.get(`${name}.pixel_values_u8`)?.data ?? [];
        const values = pixels.flatMap((one) => [...one]);
        expect(values.length, name).toBe(bytes.length);
        const isOther = (value: number, i: number): boolean =>
          value !== Math.fround((Math.fround(Number(bytes[i]) / 255) - 0.5) / 0.5);
        expect(values.filter(isOther).length, name).toBe(0);
      }
    });

    test("gradients of every parameter, in one program and layer by layer", async () => {
      const expected = await readSafetensors(`${folder}/grads.safetensors`);
      for (const recompute of [false, true]) {
        const got: StateDict = new Map();
        for (const stage of ["1", "full"] as const) {
          const { loss, gradients } = await gradientsOf(stage, [batchOf(["two_turns"])], { recompute });
          expect(Math.abs(loss - cases.two_turns.loss)).toBeLessThan(LOSS);
          for (const [name, value] of gradients) got.set(storedName(base.config, name), value);
        }
        expectSame(new Map([...expected.keys()].map((name) => [name, got.get(name)!])), expected);
      }
    });

    test("unequal rows at once, apart, packed and layer by layer have the same loss and gradients", async () => {
      const counts = alike.map((name) => rows[name].lossMask.filter(Boolean).length);
      const mean =
        alike.reduce((sum, name, i) => sum + cases[name].loss * counts[i], 0) /
        counts.reduce((sum, count) => sum + count, 0);
      const stage = "behind-vision";
      const apart = await gradientsOf(
        stage,
        alike.map((name) => batchOf([name])),
      );
      expect(Math.abs(apart.loss - mean)).toBeLessThan(LOSS);
      const together = batchOf(alike);
      expect(together.sizes).toMatchObject({ rows: 5, images: 14, picturesPerRow: 8 });
      const packed = batchOf(alike, 256);
      expect(packed.sizes.rows).toBeLessThan(5);
      for (const [batch, recompute] of [
        [together, false],
        [together, true],
        [packed, false],
        [packed, true],
      ] as const) {
        const got = await gradientsOf(stage, [batch], { recompute });
        expect(Math.abs(got.loss - mean)).toBeLessThan(LOSS);
        expectSame(got.gradients, apart.gradients);
      }
    });
  });
});
