import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { readSafetensors, saveAdapter, writeSafetensors } from "../checkpoint/index.ts";
import { float32, int64 } from "../tensor/index.ts";
import { owl } from "./testing/captured.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/${path}`, import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "owl-gguf-cli-"));
afterAll(() => rmSync(directory, { recursive: true }));
const file = fixture("gguf/llama-q4_k_m.gguf");

async function logits(model: string): Promise<Float32Array> {
  const [inputs, outputs] = ["in", "out"].map((name) => join(directory, `${name}.safetensors`));
  await writeSafetensors(inputs, new Map([["input_ids", int64([7, 40, 99, 200, 12], [1, 5])]]));
  const probe = await owl("probe", "language", model, "--inputs", inputs, "--outputs", outputs);
  expect(probe).toMatchObject({ code: 0 });
  return (await readSafetensors(outputs)).get("logits")!.data as Float32Array;
}

test("a GGUF file is asked, probed, and put together with a vision tower, with the same logits", async () => {
  const answered = await owl("chat", file, "what do cats eat?", "--max-new-tokens", "3");
  expect(answered).toMatchObject({ code: 0, err: expect.stringContaining("cut after 3 tokens") });
  const mine = join(directory, "mine");
  const parts = ["--vision", fixture("parts/clip"), "--language", file, "--queries", "2", "--layers", "1"];
  expect(await owl("assemble", ...parts, "--out", mine)).toMatchObject({ code: 0 });
  const [own, given] = [await logits(mine), await logits(file)];
  for (const [i, value] of own.entries()) expect(Math.abs(value - given[i])).toBeLessThan(1e-5);
  const pictured = await owl(
    "chat",
    mine,
    "what is this?",
    "--image",
    fixture("../../examples/owl.png"),
    "--max-new-tokens",
    "2",
  );
  expect(pictured.code).toBe(0);
});

test("a language model is exported as GGUF; pictures, and what llama.cpp cannot compute, are said", async () => {
  const out = join(directory, "mine.gguf");
  const words = ["export", "--format", "gguf", "--out", out];
  const done = await owl(...words, fixture("parts/llama3"), "--dtype", "q8_0");
  expect(done).toMatchObject({ code: 0, out: expect.stringContaining("mine.gguf: 43 kB") });
  expect(done.out).not.toContain("pictures");
  expect(await owl("chat", out, "hello", "--max-new-tokens", "1")).toMatchObject({ code: 0 });
  const wrong = await owl(...words, fixture("parts/llama3"), "--dtype", "q4");
  expect(wrong).toMatchObject({
    code: 2,
    err: expect.stringContaining("--dtype of gguf must be one of f32"),
  });
  const elsewhere = ["export", "--format", "gguf", "--out", join(directory, "other.gguf")];
  expect(await owl(...elsewhere, file)).toMatchObject({
    code: 1,
    err: expect.stringContaining("export the model that this one was converted from"),
  });
});

test("a GGUF file becomes a directory with the same blocks, which answers with the same numbers", async () => {
  const kept = join(directory, "kept");
  const refused = await owl("convert", file, "--out", kept);
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("--quantize none") });
  const converted = await owl("convert", file, "--out", kept, "--quantize", "none", "--check", "hello");
  expect(converted).toMatchObject({ code: 0, out: expect.stringContaining("logits changed by 0.00 %") });
  expect(await logits(kept)).toEqual(await logits(file));
  const asked = ["what do cats eat?", "--max-new-tokens", "3"];
  const [before, after] = [await owl("chat", file, ...asked), await owl("chat", kept, ...asked)];
  expect(after).toEqual({ ...before, err: after.err });
  expect(after.out.length).toBeGreaterThan(0);
});

test("a GGUF file is measured as a directory is", async () => {
  const [text, out] = [join(directory, "text.txt"), join(directory, "result.json")];
  writeFileSync(text, "cats eat fish. birds live in trees.");
  const asked = ["--model", file, "--data", text, "--window", "8", "--out", out, "--threads", "1"];
  expect(await owl("eval", "run", "perplexity", ...asked)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^perplexity +\d/),
  });
  expect(JSON.parse(readFileSync(out, "utf8"))).toMatchObject({
    system: "llama-q4_k_m.gguf",
    checkpoint: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test("the table of a GGUF file shows an adapter", async () => {
  const inspected = await owl("inspect", fixture("gguf/smollm3-f16.gguf"));
  expect(inspected.code).toBe(0);
  const [, outputs, inputs] = /layers\.0\.self_attn\.o_proj\.weight +\[(\d+), (\d+)\]/
    .exec(inspected.out)!
    .map(Number);
  const module = "base_model.model.model.layers.0.self_attn.o_proj";
  const lora = new Map([
    [`${module}.lora_A.weight`, float32(new Float32Array(2 * inputs), [2, inputs])],
    [`${module}.lora_B.weight`, float32(new Float32Array(2 * outputs), [outputs, 2])],
  ]);
  const adapter = join(directory, "adapter");
  const settings = { rank: 2, alpha: 4, dropout: 0, targetModules: ["o_proj"] };
  await saveAdapter(adapter, { settings, lora, replaced: new Map() });
  expect(await owl("inspect", fixture("gguf/smollm3-f16.gguf"), "--adapter", adapter)).toMatchObject({
    code: 0,
    out: expect.stringContaining("LoRA"),
  });
});

test("a file that is not there, or is damaged, is said", async () => {
  expect(await owl("chat", "nowhere.gguf", "hello")).toMatchObject({
    code: 2,
    err: expect.stringContaining("nowhere.gguf"),
  });
});
