import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { Owl } from "./owl.ts";

let fixture: Awaited<ReturnType<typeof owlFixture>>;
let folder: string;
let made = 0;
beforeAll(async () => {
  fixture = await owlFixture();
  folder = mkdtempSync(join(tmpdir(), "owl-model-files-"));
});
afterAll(() => {
  fixture.remove();
  rmSync(folder, { recursive: true });
});

type Json = Record<string, unknown>;

/** A copy of the small owl whose files of JSON have changed; undefined takes a file away. */
function modelWith(files: Record<string, ((json: Json) => unknown) | undefined>): string {
  const directory = join(folder, `${made++}`);
  cpSync(fixture.directory, directory, { recursive: true });
  for (const [name, change] of Object.entries(files)) {
    const path = join(directory, name);
    if (change === undefined) {
      rmSync(path);
      continue;
    }
    const before = readIfThere(path);
    writeFileSync(path, JSON.stringify(change(before)));
  }
  return directory;
}

function readIfThere(path: string): Json {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Json;
  } catch {
    return {};
  }
}

async function loaded<T>(directory: string, look: (owl: Owl) => T | Promise<T>): Promise<T> {
  const owl = await Owl.load(directory, { threads: 1 });
  try {
    return await look(owl);
  } finally {
    await owl.close();
  }
}

const answerOf = (owl: Owl): Promise<string> =>
  owl.chat([{ role: "user", content: "hello" }], { maxNewTokens: 6 }).text();

test("a greedy model with what only sampling uses, and no padding token, loads and is greedy", async () => {
  const directory = modelWith({
    "generation_config.json": () => ({
      pad_token_id: -1,
      do_sample: false,
      temperature: 0.0,
      top_p: 0,
      eos_token_id: null,
      transformers_version: "4.40.0",
    }),
  });
  const plain = await loaded(fixture.directory, answerOf);
  await loaded(directory, async (owl) => {
    expect(owl.defaults).toMatchObject({ doSample: false, padTokenId: 0, eosTokenIds: [2] });
    expect(await answerOf(owl)).toBe(plain);
  });
});

test("what is wrong in generation_config.json names the file", async () => {
  const directory = modelWith({ "generation_config.json": () => ({ do_sample: true, top_p: 7 }) });
  await expect(Owl.load(directory)).rejects.toThrow(
    `${join(directory, "generation_config.json")}: top_p (topP): `,
  );
});

test("every end of a sequence that config.json names ends an answer", async () => {
  const directory = modelWith({
    "config.json": (json) => ({
      ...json,
      text_config: { ...(json.text_config as Json), eos_token_id: [2, 7] },
    }),
  });
  expect(await loaded(directory, (owl) => owl.defaults.eosTokenIds)).toEqual([2, 7]);
});

test("a byte order mark in front of any of a model's files changes nothing", async () => {
  const directory = modelWith({ "generation_config.json": () => ({ max_new_tokens: 5 }) });
  for (const name of ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"]) {
    const path = join(directory, name);
    writeFileSync(path, `\ufeff${readFileSync(path, "utf8")}`);
  }
  const plain = await loaded(fixture.directory, answerOf);
  expect(await loaded(directory, answerOf)).toBe(plain);
  expect(await loaded(directory, (owl) => owl.defaults.maxNewTokens)).toBe(5);
});

const clip = {
  size: { shortest_edge: 56 },
  crop_size: { height: 56, width: 56 },
  image_mean: [0.1, 0.2, 0.3],
  image_std: [0.5, 0.5, 0.5],
  resample: 3,
  do_pad: null,
};
const blue = { width: 2, height: 2, data: new Uint8Array(12).fill(51) };
const firstPixels = async (owl: Owl): Promise<number[]> => {
  const { pictures } = await owl.prompt([{ role: "user", content: [{ type: "image", image: blue }] }]);
  const { pixels } = pictures[0];
  return [0, 1, 2].map((channel) => pixels[channel * 56 * 56]);
};

test("a generation_config.json that is a list is refused as one that is a text", async () => {
  for (const content of [[], "greedy"]) {
    const directory = modelWith({ "generation_config.json": () => content as never });
    await expect(Owl.load(directory)).rejects.toThrow("generation_config.json: must be a JSON object, got");
  }
});

test("preprocessing in processor_config.json alone is what pictures are prepared by", async () => {
  const directory = modelWith({ "processor_config.json": () => ({ image_processor: clip }) });
  const [red, green, blueLevel] = await loaded(directory, firstPixels);
  expect(red).toBeCloseTo(0.2, 5);
  expect(green).toBeCloseTo(0, 5);
  expect(blueLevel).toBeCloseTo(-0.2, 5);
  // The other file under this name.
  const flat = modelWith({ "processor_config.json": () => ({ ...clip, processor_class: "X" }) });
  expect((await loaded(flat, firstPixels))[0]).toBeCloseTo(0.2, 5);
  // A file that says nothing of pictures is none.
  const other = modelWith({
    "processor_config.json": () => ({ processor_class: "X", image_token: "<image>" }),
  });
  expect(await loaded(other, firstPixels)).toEqual(await loaded(fixture.directory, firstPixels));
});

test("two files that say different things of pixels are refused, the same twice is read", async () => {
  const own = { ...clip, size: 56, crop_size: 56 };
  const agreeing = modelWith({
    "processor_config.json": () => ({ image_processor: clip }),
    "preprocessor_config.json": () => own,
  });
  expect((await loaded(agreeing, firstPixels))[0]).toBeCloseTo(0.2, 5);
  const quarrel = modelWith({
    "processor_config.json": () => ({ image_processor: { ...clip, image_mean: [0, 0, 0] } }),
    "preprocessor_config.json": () => own,
  });
  await expect(Owl.load(quarrel)).rejects.toThrow(
    "image_mean [0.1,0.2,0.3] in preprocessor_config.json, [0,0,0] in processor_config.json",
  );
});

test.each([
  [{ do_rescale: false }, "do_rescale"],
  [{ rescale_factor: 1 / 127.5 }, "rescale_factor"],
  [{ do_normalize: false }, "do_normalize"],
  [{ do_resize: false }, "do_resize"],
  [{ resample: 2 }, "resample: expected 3, got 2"],
  [{ image_mean: [0.5] }, "image_mean"],
  [{ size: { height: 56, width: 48 } }, "size"],
  [{ size: { shortest_edge: 64 } }, "crop_size"],
  [{ do_pad: true }, "do_pad"],
  [{ offset: true }, "offset"],
  [{ do_flip_channel_order: true }, "do_flip_channel_order"],
])("what would change pixels and is not computed is refused: %o", async (more, key) => {
  const directory = modelWith({
    "processor_config.json": () => ({ image_processor: { ...clip, ...more } }),
  });
  await expect(Owl.load(directory)).rejects.toThrow(
    new RegExp(`processor_config\\.json: must describe CLIP's preprocessing, got\\n {2}- ${key}`),
  );
});

test("a model without bos gets none, in prompts and in answers that go on", async () => {
  const directory = modelWith({ "tokenizer_config.json": (json) => ({ ...json, bos_token: null }) });
  const ask = { role: "user", content: "hello" } as const;
  const idsOf = async (owl: Owl): Promise<readonly number[]> => (await owl.prompt([ask])).ids;
  const [bos, ...rest] = await loaded(fixture.directory, idsOf);
  expect(bos).toBe(1);
  await loaded(directory, async (owl) => {
    expect(await idsOf(owl)).toEqual(rest);
    expect(await answerOf(owl)).not.toBe("");
    const two = [ask, { role: "assistant", content: "hi" }, ask] as const;
    expect((await owl.prompt(two)).ids).not.toContain(1);
  });
});

test("settings that are not computed here are told when the model is loaded", async () => {
  const directory = modelWith({ "generation_config.json": () => ({ suppress_tokens: [5] }) });
  const told: string[] = [];
  const owl = await Owl.load(directory, { threads: 1, onWarning: (warning) => told.push(warning) });
  expect(told).toEqual([expect.stringMatching(/generation_config\.json: .*suppress_tokens \[5\]/)]);
  expect(owl.warnings).toEqual(told);
  await owl.close();
});
