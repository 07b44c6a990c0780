import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { loadCheckpoint, readSafetensors, type StateDict } from "../checkpoint/index.ts";
import { calibrateKvCache, LoadedModel, mediaFromPixels, type Prompt } from "../inference/index.ts";
import { parseConfig, tokensPerImage } from "../model/index.ts";
import { Owl } from "../owl/index.ts";
import { openDevice } from "../runtime/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { Engine } from "./engine.ts";
import { generateBatch } from "./generate-batch.ts";
import { completeSettings, settingsFromJson } from "./settings.ts";

interface Case {
  readonly name: string;
  readonly kind: "greedy" | "beam" | "forward";
  readonly settings: object;
  readonly ids: readonly number[][];
  readonly text: readonly string[];
}

const casesOf = (folder: string): Case[] =>
  sharedAvailable
    ? JSON.parse(readFileSync(`${folder}/cases.json`, "utf8")).cases.filter(
        (one: Case) => one.kind !== "forward",
      )
    : [];

/** LLaMA with rotary positions and an untied head; BLOOM with ALiBi and a tied one. */
const models = ["golden/tiny-image", "golden/tiny-bloom"];

/** The reference reads the short row's next token from a padding slot; ours must equal the row on its own. */
const quirk = "d_batch_right_padded_quirk.greedy";

describe.skipIf(!sharedAvailable).each(models)("generation against the reference, %s", (name) => {
  const folder = shared(name);
  const cases = casesOf(folder);
  let model: LoadedModel;
  let tokenizer: Tokenizer;
  let inputs: StateDict;

  beforeAll(async () => {
    const checkpoint = await loadCheckpoint(folder);
    model = new LoadedModel(
      parseConfig(checkpoint.config),
      checkpoint.tensors,
      await openDevice({ threads: 1 }),
    );
    tokenizer = await loadTokenizer(folder);
    inputs = await readSafetensors(`${folder}/io.safetensors`);
  });
  afterAll(() => model?.close());

  async function promptsOf(name: string): Promise<Prompt[]> {
    const tensor = (part: string): HostTensor | undefined => inputs.get(`${name}.in.${part}`);
    const ids = tensor("input_ids")!;
    const mask = tensor("attention_mask")!;
    const pixels = tensor("pixel_values");
    const [rows, width] = ids.dims;
    const size = pixels === undefined ? 0 : pixels.data.length / pixels.dims[0];
    let used = 0;
    const prompts: Prompt[] = [];
    for (let row = 0; row < rows; row++) {
      const positions = Array.from({ length: width }, (_, t) => row * width + t).filter(
        (at) => mask.data[at],
      );
      const rowIds = positions.map((at) => Number(ids.data[at]));
      const count = rowIds.filter((id) => id < 0).length / tokensPerImage(model.config);
      const pictures = [];
      for (let i = 0; i < count; i++, used++) {
        pictures.push(
          await mediaFromPixels((pixels!.data as Float32Array).slice(used * size, (used + 1) * size)),
        );
      }
      prompts.push({ ids: rowIds, pictures });
    }
    return prompts;
  }

  test.each(cases.filter(({ name }) => name !== quirk))("$name", async ({ name, settings, ids, text }) => {
    const stream = { textStream: tokenizer.stream };
    const engine = Engine.offline(model, stream);
    const prompts = await promptsOf(name.split(".")[0]);
    const complete = completeSettings(settingsFromJson(settings));
    const together = await generateBatch(model, stream, { prompts, settings: complete });
    for (const [row, prompt] of prompts.entries()) {
      // The reference puts BOS in front and fills ended rows with padding.
      const wanted = ids[row].slice(1);
      const padding = wanted.slice(together[row].ids.length);
      expect([...together[row].ids, ...padding]).toEqual(wanted);
      expect(padding.every((id) => id === complete.padTokenId)).toBe(true);
      expect(await engine.answer({ prompt, settings: complete })).toMatchObject(together[row]);
      if (!complete.eosTokenIds.some((id) => id > 2)) expect(together[row].text).toBe(text[row]);
    }
  });

  test("the directory as a whole is loaded, with its tokenizer, and answers about a picture", async () => {
    const owl = await Owl.load(folder, { threads: 1 });
    const ids = [...(await promptsOf("d_one_image"))[0].ids];
    const pictures = (await promptsOf("d_one_image"))[0].pictures;
    const wanted = cases.find((one) => one.name === "d_one_image.greedy")!;
    const settings = { maxNewTokens: 24, doSample: false, eosTokenIds: [] };
    const answer = await owl.generate({ ids, pictures }, settings);
    expect(answer).toMatchObject({ ids: wanted.ids[0].slice(1), text: wanted.text[0] });
    await owl.close();
  });

  test("keys and values in 8 bits: greedy tokens of a model whose weights are noise go the same way for a while", async () => {
    const { config, parameters, device } = model;
    const narrow = new LoadedModel(config, parameters, device, { kvCacheDtype: "int8" });
    await calibrateKvCache(narrow);
    const engine = Engine.offline(narrow, {});
    let [equal, all] = [0, 0];
    for (const one of cases.filter(({ name, kind }) => kind === "greedy" && name !== quirk)) {
      const settings = completeSettings(settingsFromJson(one.settings));
      for (const [row, prompt] of (await promptsOf(one.name.split(".")[0])).entries()) {
        const wanted = one.ids[row].slice(1);
        const { ids } = await engine.answer({ prompt, settings });
        const differs = ids.findIndex((id, i) => id !== wanted[i]);
        equal += differs < 0 ? ids.length : differs;
        all += ids.length;
      }
    }
    await engine.close();
    await narrow.close();
    expect(equal / all).toBeGreaterThan(1 / 3);
  });

  test("a batch of unequal prompts gives what each gives alone", async () => {
    const names = ["d_batch_right_padded_quirk", "d_two_images", "d_one_image"];
    const prompts = (await Promise.all(names.map(promptsOf))).flat();
    const settings = completeSettings({ maxNewTokens: 8, eosTokenIds: [3083] });
    const together = await generateBatch(model, {}, { prompts, settings });
    for (const [row, prompt] of prompts.entries()) {
      expect(await Engine.offline(model, {}).answer({ prompt, settings })).toMatchObject(together[row]);
    }
    const wanted = cases.find(({ name }) => name === "d_text_only.greedy")!.ids[0].slice(1, 9);
    expect(together[0].ids).toEqual(wanted);
  });
});
