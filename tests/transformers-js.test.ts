// What `owl export --format onnx` writes, loaded by the real transformers.js, in Node and in Chromium.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AutoProcessor, env, LlavaForConditionalGeneration, load_image } from "@huggingface/transformers";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assembleOwl } from "../src/assembly/index.ts";
import { owl as cli } from "../src/cli/testing/captured.ts";
import { exportOnnx } from "../src/export/index.ts";
import { type ChatMessage, Owl } from "../src/index.ts";
import { convertCheckpoint } from "../src/quantization/index.ts";
import { FileServer } from "./browser/server.ts";
import { chromiumPath, skipChromium } from "./setup/chromium.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const nano = join(root, "models/owl-nano");
const example = (name: string): string => join(root, `examples/${name}.png`);

let folder: string;
let made = 0;
let expected: number[][];
beforeAll(async () => {
  env.allowRemoteModels = false;
  expected = await answersHere(nano);
  folder = mkdtempSync(join(tmpdir(), "owl-js-"));
});
afterAll(() => rmSync(folder, { recursive: true }));
const fresh = (): string => join(folder, `model-${made++}`);

interface Turn {
  readonly role: "user" | "assistant";
  /** Files of pictures, and texts. */
  readonly says: readonly string[];
}

const isPicture = (part: string): boolean => part.endsWith(".png");

const conversations: readonly (readonly Turn[])[] = [
  [{ role: "user", says: [example("owl"), "what is this?"] }],
  [{ role: "user", says: ["what do cats eat?"] }],
  [{ role: "user", says: [example("umbrella"), example("sunflower"), "what is in the first picture?"] }],
  [
    { role: "user", says: ["what do cats eat?"] },
    { role: "assistant", says: ["cats eat fish."] },
    { role: "user", says: ["what is this?", example("penguin")] },
  ],
];

/** One with a picture, and one without. */
const two = conversations.slice(0, 2);

/** The ids of the greedy answers here. */
async function answersHere(
  directory: string,
  asked: readonly (readonly Turn[])[] = conversations,
  settings: object = {},
): Promise<number[][]> {
  const model = await Owl.load(directory, { threads: 1, onWarning: () => undefined });
  const ids: number[][] = [];
  for (const turns of asked) {
    const messages = turns.map(({ role, says }) => ({
      role,
      content: says.map((part) =>
        isPicture(part) ? { type: "image", image: part } : { type: "text", text: part },
      ),
    })) as ChatMessage[];
    const answer = await model.chat(messages, { doSample: false, ...settings }).answer();
    ids.push([...answer.ids]);
  }
  await model.close();
  return ids;
}

/** The same by transformers.js. */
async function answersThere(
  directory: string,
  asked: readonly (readonly Turn[])[] = conversations,
  settings: object = {},
): Promise<number[][]> {
  const processor = await AutoProcessor.from_pretrained(directory);
  const model = await LlavaForConditionalGeneration.from_pretrained(directory);
  const ids: number[][] = [];
  for (const turns of asked) {
    const messages = turns.map(({ role, says }) => ({
      role,
      content: says.map((part) =>
        isPicture(part) ? { type: "image" as const } : { type: "text" as const, text: part },
      ),
    }));
    const text = processor.apply_chat_template(messages, { add_generation_prompt: true });
    const files = turns.flatMap(({ says }) => says.filter(isPicture));
    const pictures = await Promise.all(files.map((file) => load_image(file)));
    const inputs =
      pictures.length === 0
        ? processor.tokenizer!(String(text), { add_special_tokens: false })
        : await processor(pictures, text, { add_special_tokens: false });
    const all = await model.generate({ ...inputs, do_sample: false, ...settings });
    if (!("data" in all)) throw new Error("generate: must return a tensor");
    ids.push(Array.from(all.data as BigInt64Array, Number).slice(inputs.input_ids.dims[1]));
  }
  await model.dispose();
  return ids;
}

describe("owl-nano in transformers.js answers token for token as here", () => {
  test("in float32 and in float16", async () => {
    for (const dtype of ["f32", "f16"] as const) {
      const out = fresh();
      const { code, out: said } = await cli(
        "export",
        nano,
        "--format",
        "onnx",
        "--dtype",
        dtype,
        "--out",
        out,
      );
      expect(code).toBe(0);
      expect(said).toContain("transformers.js loads it");
      expect(await answersThere(out)).toEqual(expected);
      expect(readFileSync(join(out, "README.md"), "utf8")).toContain("LlavaForConditionalGeneration");
    }
  });

  test("in four bits, as what owl convert makes", async () => {
    const [out, converted] = [fresh(), fresh()];
    await exportOnnx(nano, out, { dtype: "q4" });
    await convertCheckpoint(nano, converted, { quantize: "q4" });
    expect(await answersThere(out, two)).toEqual(await answersHere(converted, two));
    expect(readdirSync(out)).not.toContain(".converting");
    expect(await exportOnnx(converted, fresh())).toMatchObject({ format: "q4" });
    await expect(exportOnnx(converted, fresh(), { dtype: "f32" })).rejects.toThrow(
      "must describe a model in floating point for --dtype f32",
    );
  });

  test("with weights in files of their own", async () => {
    const out = fresh();
    const steps: number[] = [];
    const { bytes } = await exportOnnx(nano, out, {
      inlineBytes: 1e6,
      maxFileBytes: 3e6,
      onProgress: (done) => steps.push(done),
    });
    const files = readdirSync(join(out, "onnx"));
    expect(files).toContain("decoder_model_merged.onnx_data_1");
    expect(steps.at(-1)).toBe(bytes);
    expect(await answersThere(out, two)).toEqual(expected.slice(0, 2));
  });
});

test("a model with a chat template of its publisher's", async () => {
  const out = fresh();
  const assembled = fresh();
  const parts = join(root, "tests/fixtures/parts");
  await assembleOwl(assembled, {
    vision: join(parts, "clip"),
    language: join(parts, "llama3"),
    queries: 5,
    abstractorLayers: 1,
  });
  const path = join(assembled, "tokenizer_config.json");
  const settings = JSON.parse(readFileSync(path, "utf8"));
  settings.chat_template =
    "{{ bos_token }}{% for message in messages %}[{{ message.role }}] {{ message.content | trim }}\n{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}";
  settings.system_prompt = "Be short.";
  writeFileSync(path, JSON.stringify(settings));
  await exportOnnx(assembled, out);
  const [here, there] = [{ maxNewTokens: 6 }, { max_new_tokens: 6 }];
  expect(await answersThere(out, conversations, there)).toEqual(
    await answersHere(assembled, conversations, here),
  );
});

test("what cannot be exported is refused by name", async () => {
  const parts = join(root, "tests/fixtures/parts");
  await expect(exportOnnx(join(parts, "llama2"), fresh())).rejects.toThrow("got a language model alone");
  await expect(exportOnnx(nano, nano)).rejects.toThrow("a directory without a model");
  const { code, err } = await cli("export", nano, "--format", "onnx", "--dtype", "q2", "--out", fresh());
  expect(code).toBe(2);
  expect(err).toContain("--dtype of onnx must be one of f32, f16, q4, got q2");
});

declare const answersOfPage: () => Promise<number[][]>;

/** A page's own code, as the README of an exported model has it. */
const PAGE = `
import { AutoProcessor, env, LlavaForConditionalGeneration, load_image } from "/library/transformers.min.js";
env.allowRemoteModels = false;
env.allowLocalModels = true;
env.localModelPath = "/models/";
env.useWasmCache = false;
Object.assign(env.backends.onnx.wasm, { wasmPaths: "/runtime/", numThreads: 1 });
globalThis.answersOfPage = async () => {
  const processor = await AutoProcessor.from_pretrained("nano");
  const model = await LlavaForConditionalGeneration.from_pretrained("nano");
  const answer = async (text, file) => {
    const content = [...(file ? [{ type: "image" }] : []), { type: "text", text }];
    const prompt = processor.apply_chat_template([{ role: "user", content }], { add_generation_prompt: true });
    const rules = { add_special_tokens: false };
    const inputs = file
      ? await processor(await load_image(file), prompt, rules)
      : processor.tokenizer(prompt, rules);
    const all = await model.generate({ ...inputs, do_sample: false });
    return Array.from(all.data, Number).slice(inputs.input_ids.dims[1]);
  };
  return [await answer("what is this?", "/examples/owl.png"), await answer("what do cats eat?")];
};
`;

test.skipIf(skipChromium)("owl-nano in transformers.js in Chromium", { timeout: 120_000 }, async () => {
  const out = fresh();
  await exportOnnx(nano, out);
  const library = join(root, "node_modules/@huggingface/transformers");
  const server = new FileServer(
    {
      "/library/": join(library, "dist/"),
      "/runtime/": join(library, "node_modules/onnxruntime-web/dist/"),
      "/models/nano/": `${out}/`,
      "/": `${root}/`,
    },
    false,
  );
  const served = { "/": "<!doctype html><title>owl</title>", "/page.js": PAGE };
  for (const [path, text] of Object.entries(served))
    server.replaced.set(path, new TextEncoder().encode(text));
  const browser = await chromium.launch({ executablePath: chromiumPath() });
  try {
    const address = await server.address();
    const page = await browser.newPage();
    await page.goto(address);
    await page.addScriptTag({ url: "/page.js", type: "module" });
    const ids = await page.evaluate(() => answersOfPage());
    expect(ids).toEqual(expected.slice(0, 2));
  } finally {
    await browser.close();
    server.close();
  }
});
