import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  readModelConfig,
  readSafetensors,
  type StateDict,
  writeSafetensors,
} from "../../src/checkpoint/index.ts";
import { promptAnswer } from "../../src/cli/probe-prompt.ts";
import { owl } from "../../src/cli/testing/captured.ts";
import { decodeImage } from "../../src/image/index.ts";
import { withModelTemplate } from "../../src/prompt/index.ts";
import { float32, type HostTensor, int64 } from "../../src/tensor/index.ts";
import { loadTokenizer } from "../../src/tokenizer/index.ts";
import { shared, sharedAvailable } from "../shared.ts";
import { gradientDifference, largestDifference, numbersOf } from "./run-model.ts";

interface Message {
  readonly role: string;
  readonly content: string;
}

interface Case {
  readonly messages: readonly Message[];
  readonly pictures: readonly string[];
  readonly video_frames_source?: { readonly crops_left_top_right_bottom: readonly unknown[] } | null;
  readonly cut_enable: boolean;
  readonly text: string;
  readonly prompt_text: string;
  readonly input_ids: readonly number[];
  readonly prompt_len: number;
  readonly labels: readonly number[];
  readonly media_starts: readonly number[];
  readonly loss: number;
}

interface Conversation {
  readonly name: string;
  readonly messages: readonly Message[];
  readonly picture_sizes_width_height: readonly (readonly [number, number])[];
  readonly video_frames: readonly number[];
  readonly cut_enable: boolean;
  readonly text: string;
  readonly input_ids_tiny: readonly number[];
}

const versions = ["240728", "241014", "241101"];
const owl3 = (version: string): string => shared(`golden/tiny-owl3/${version}`);
const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const casesOf = (version: string): Record<string, Case> => json(`${owl3(version)}/cases.json`).cases;

/** `owl probe prompt` of a model directory. */
async function prompting(directory: string): Promise<(line: object) => { text: string; ids: number[] }> {
  const config = await readModelConfig(directory);
  const tokenizer = withModelTemplate(await loadTokenizer(directory), config);
  const model = { config, tokenizer, preprocessor: undefined };
  return (line) => promptAnswer(model, JSON.stringify(line), "line 1") as { text: string; ids: number[] };
}

describe.skipIf(!sharedAvailable)("owl probe prompt of mPLUG-Owl3", () => {
  test.each(
    versions,
  )("%s: marks inside a text stand as they are written, with no line between", async (version) => {
    const probe = await prompting(owl3(version));
    for (const [name, one] of Object.entries(casesOf(version))) {
      const { messages, cut_enable, video_frames_source: video } = one;
      const pictures = await Promise.all(
        one.pictures.map(async (file) => {
          const { width, height } = await decodeImage(shared(`owleval/cases/${file}`));
          return [width, height];
        }),
      );
      const video_frames = video ? [video.crops_left_top_right_bottom.length] : [];
      const shown = { pictures, video_frames, cut_enable };
      expect(probe({ messages, ...shown }), name).toEqual({ text: one.text, ids: one.input_ids });
      const asked = [...messages.slice(0, -1), { role: "assistant", content: "" }];
      const ids = one.input_ids.slice(0, one.prompt_len);
      expect(probe({ messages: asked, ...shown }), name).toEqual({ text: one.prompt_text, ids });
    }
  });

  test.each(versions)("%s: the conversations of the fixture", async (version) => {
    const probe = await prompting(owl3(version));
    const { conversations }: { conversations: Conversation[] } = json(`${owl3(version)}/prompts.json`);
    for (const { messages, video_frames, cut_enable, ...golden } of conversations) {
      const pictures = golden.picture_sizes_width_height;
      expect(probe({ messages, pictures, video_frames, cut_enable }), golden.name).toEqual({
        text: golden.text,
        ids: golden.input_ids_tiny,
      });
    }
  });
});

describe.skipIf(!sharedAvailable)("owl probe model --stage", () => {
  const work = mkdtempSync(join(tmpdir(), "owl-probes-"));
  afterAll(() => rmSync(work, { recursive: true }));

  /** What the command writes for some inputs. */
  async function probed(
    directory: string,
    stage: string,
    inputs: StateDict,
    ...more: string[]
  ): Promise<StateDict> {
    const [from, to] = ["inputs", "outputs"].map((name) => join(work, `${stage}-${name}.safetensors`));
    await writeSafetensors(from, inputs);
    const words = ["--inputs", from, "--outputs", to, "--stage", stage, ...more];
    expect(await owl("probe", "model", directory, ...words)).toMatchObject({ code: 0 });
    return readSafetensors(to);
  }

  const gradientNames = (tensors: StateDict): string[] =>
    [...tensors.keys()].filter((name) => name.startsWith("grad.")).sort();

  function requireSame(got: StateDict, expected: StateDict, bound: number): void {
    expect(gradientNames(got)).toEqual(gradientNames(expected));
    for (const name of gradientNames(expected)) {
      const [own, value] = [got.get(name)!, expected.get(name)!];
      // A key's bias has none but for rounding.
      if (name.endsWith("attention.key.bias")) expect(largestDifference(own, value), name).toBeLessThan(1e-5);
      else expect(gradientDifference(own, value), name).toBeLessThan(bound);
    }
  }

  test("owl2-finetune: all behind the vision encoder, by the names of the files", async () => {
    const expected = await readSafetensors(shared("golden/tiny-owl2/finetune-grads.safetensors"));
    const got = await probed(shared("golden/tiny-owl2"), "owl2-finetune", expected, "--prefix", "batch.");
    requireSame(got, expected, 5e-4);
  });

  test("owl2-lora: matrices and abstractor, the LoRA by PEFT's names", async () => {
    const batch = await readSafetensors(shared("golden/tiny-owl2/finetune-grads.safetensors"));
    const expected = await readSafetensors(shared("golden/tiny-owl2/lora-grads.safetensors"));
    const adapter = shared("golden/tiny-owl2/lora/adapter_model.bin");
    const more = ["--prefix", "batch.", "--adapter", adapter];
    const got = await probed(shared("golden/tiny-owl2"), "owl2-lora", batch, ...more);
    const matrices = [...got].filter(([name]) => name.includes(".lora_"));
    expect(
      gradientNames(got)
        .filter((name) => !name.includes(".lora_"))
        .join(),
    ).toContain("visual_abstractor");
    requireSame(new Map(matrices), expected, 5e-4);
  });

  test("ureader: all that the recipe trains, by the names of its training", async () => {
    const folder = shared("golden/tiny-ureader");
    const expected = await readSafetensors(`${folder}/gradients.safetensors`);
    const start = "lora_start.";
    const lora = [...expected].filter(([name]) => name.startsWith(start));
    const adapter = join(work, "lora.safetensors");
    await writeSafetensors(adapter, new Map(lora.map(([name, value]) => [name.slice(start.length), value])));
    const { rows } = json(`${folder}/formats.json`);
    const pictures: string[] = json(`${folder}/cases.json`).g_train.rows.flatMap(
      (row: number) => rows[row].image,
    );
    const batch: StateDict = new Map([...expected, ["batch.pixel_values", await tilesOf(pictures)]]);
    const got = await probed(folder, "ureader", batch, "--prefix", "batch.", "--adapter", adapter);
    requireSame(got, expected, 5e-4);
  });

  /** The case two_turns of an mPLUG-Owl3, as the command takes it. */
  async function twoTurns(version: string): Promise<StateDict> {
    const { input_ids, labels, media_starts } = casesOf(version).two_turns;
    const io = await readSafetensors(`${owl3(version)}/io.safetensors`);
    const { data, dims } = io.get("two_turns.pixel_values_u8")!;
    const pixels = Array.from<number | bigint, number>(
      data,
      (value) => (Math.fround(Number(value) / 255) - 0.5) / 0.5,
    );
    return new Map<string, HostTensor>([
      ["input_ids", int64(input_ids, [1, input_ids.length])],
      ["labels", int64(labels, [1, labels.length])],
      ["media_starts", int64(media_starts, [media_starts.length])],
      ["num_sub_pictures", int64([media_starts.length], [1])],
      ["pixel_values", float32(pixels, dims)],
    ]);
  }

  /** Gradients of the language model in the fixture; those of the version of October 2024 are some of its parameters'. */
  async function languageGradients(version: string): Promise<StateDict> {
    const all = await readSafetensors(`${owl3(version)}/grads.safetensors`);
    const own = [...all].filter(([name]) => name.startsWith("language_model."));
    return new Map(own.map(([name, value]) => [`grad.${name}`, value]));
  }

  test.each(
    versions,
  )("owl3-finetune, %s: the whole language model, by the names of the files", async (version) => {
    const expected = await languageGradients(version);
    const got = await probed(owl3(version), "owl3-finetune", await twoTurns(version));
    expect(Math.abs(numbersOf(got.get("loss")!)[0] - casesOf(version).two_turns.loss)).toBeLessThan(1e-5);
    const fixed = version === "241014" ? [...got].filter(([name]) => expected.has(name)) : [...got];
    requireSame(new Map(fixed), expected, 1e-4);
  });

  /** Beside a matrix W of gradient G, B = 0 has the gradient s G Aᵀ and A has none, with the scale s. */
  test.each(versions)("owl3-lora, %s: what follows from the gradients of the matrices", async (version) => {
    const [rank, scale] = [2, 32 / 2];
    const prefix = "base_model.model.";
    const lora: StateDict = new Map();
    const expected: StateDict = new Map();
    for (const [name, { dims, data }] of await languageGradients(version)) {
      const layer = name.slice("grad.".length).replace(/\.weight$/, "");
      if (dims.length !== 2 || /embed_tokens|lm_head|gate_proj\.0/.test(layer)) continue;
      const [outs, ins] = dims;
      const a = Float32Array.from({ length: rank * ins }, (_, i) => Math.sin(i + 1));
      const rows = Array.from({ length: outs * rank }, (_, i) => {
        const [row, k] = [Math.floor(i / rank), i % rank];
        const products = Array.from({ length: ins }, (_, j) => Number(data[row * ins + j]) * a[k * ins + j]);
        return scale * products.reduce((sum, one) => sum + one, 0);
      });
      lora.set(`${prefix}${layer}.lora_A.weight`, float32(a, [rank, ins]));
      lora.set(`${prefix}${layer}.lora_B.weight`, float32(new Array(outs * rank).fill(0), [outs, rank]));
      expected.set(
        `grad.${prefix}${layer}.lora_A.weight`,
        float32(new Array(rank * ins).fill(0), [rank, ins]),
      );
      expected.set(`grad.${prefix}${layer}.lora_B.weight`, float32(rows, [outs, rank]));
    }
    const adapter = join(work, `${version}.safetensors`);
    await writeSafetensors(adapter, lora);
    const got = await probed(owl3(version), "owl3-lora", await twoTurns(version), "--adapter", adapter);
    expect(gradientNames(expected).join()).toContain("v_kv_proj.lora_B");
    requireSame(got, expected, 1e-4);
  });

  /** The tiles of pictures of OwlEval, as the model gets them. */
  async function tilesOf(names: readonly string[]): Promise<HostTensor> {
    const out = join(work, "tiles.safetensors");
    const all: number[][] = [];
    for (const name of names) {
      const words = [
        shared(`owleval/cases/${name}`),
        shared("golden/tiny-ureader"),
        "--outputs",
        out,
        "--fidelity",
        "reference",
      ];
      expect(await owl("probe", "pixels", ...words)).toMatchObject({ code: 0 });
      all.push(numbersOf((await readSafetensors(out)).get("pixel_values")!));
    }
    const pixels = all.flat();
    return float32(pixels, [pixels.length / (3 * 56 * 56), 3, 56, 56]);
  }
});
