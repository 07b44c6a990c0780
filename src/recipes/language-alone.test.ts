import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixture, writeFamily } from "../../tests/family-fixture.ts";
import { openSafetensors } from "../checkpoint/index.ts";
import { Owl } from "../owl/index.ts";
import { chatTemplateOf } from "../prompt/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { loadBaseModel } from "./base-model.ts";
import { prepareRun } from "./index.ts";
import { readRecipeFile } from "./recipe-file.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "owl-language-alone-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

const texts = ["a cat sat on a mat", "a dog ran", "an owl hoots"].map((text) => ({ text }));
const talks = ["hi", "who"].map((word) => ({ text: `Human: ${word}\nAI: an owl` }));

/** A recipe beside its rows, for a family's language model. */
function recipe(name: string, family: string, stage: string, rows: readonly object[], more = ""): string {
  const folder = join(directory, name);
  mkdirSync(folder);
  writeFamily(family, join(folder, "base"));
  writeFileSync(join(folder, "rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  const numbers = "steps: 2\nwarmup: 0\nbatch: 2\nmicroBatch: 2\nmaxTokens: 48\nlearningRate: 0.01";
  const files = "model: base\noutput: run\ndata: [{ file: rows.jsonl }]\nevaluation: [{ file: rows.jsonl }]";
  writeFileSync(join(folder, "recipe.yaml"), `extends: ${stage}\n${files}\n${numbers}\n${more}\n`);
  return join(folder, "recipe.yaml");
}

const tensorNames = async (file: string): Promise<string[]> => {
  const { tensors, close } = await openSafetensors(file);
  await close();
  return tensors.map(({ name }) => name).sort();
};
const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));

async function logitsOf(model: string, adapter?: string): Promise<Float32Array> {
  const owl = await Owl.load(model, { adapter, threads: 1 });
  const { logits } = await owl.forward({ ids: [[1, 5, 9, 4, 20, 7]] });
  await owl.close();
  return logits.data as Float32Array;
}

test("texts: the result has the names and settings of the model that it began with", async () => {
  const path = recipe("texts", "gemma3", "language", texts, "samples: [{ question: who }]");
  const run = await prepareRun(path);
  const outcome = await run.start({ device: { threads: 1 } });
  expect(outcome.complete).toBe(true);
  const { output } = run.plan;
  const base = join(directory, "texts/base");
  expect(await tensorNames(`${output}/model/model.safetensors`)).toEqual(
    await tensorNames(`${base}/model.safetensors`),
  );
  const [before, after] = [json(`${base}/config.json`), json(`${output}/model/config.json`)];
  expect(after).toMatchObject({ model_type: "gemma3_text", torch_dtype: "float32" });
  expect(after.sliding_window_pattern).toBe(before.sliding_window_pattern);
  const [trained, untrained] = [await logitsOf(`${output}/model`), await logitsOf(base)];
  expect(Math.max(...trained.map((value, i) => Math.abs(value - untrained[i])))).toBeGreaterThan(0.01);
});

test("a LoRA: adapter and merged model give the same, the adapter under the model's own names", async () => {
  const lora = "lora: { rank: 2, alpha: 4, targets: [qkv_proj, down_proj] }";
  const path = recipe("lora", "phi3", "stage-2-released", talks, lora);
  const run = await prepareRun(path);
  await run.start({ device: { threads: 1 } });
  const { output } = run.plan;
  const names = await tensorNames(`${output}/adapter/adapter_model.safetensors`);
  expect(names).toContain("base_model.model.model.layers.2.self_attn.qkv_proj.lora_A.weight");
  expect(json(`${output}/adapter/adapter_config.json`)).toMatchObject({
    task_type: "CAUSAL_LM",
    auto_mapping: null,
  });
  const merged = await logitsOf(`${output}/model`);
  const beside = await logitsOf(join(directory, "lora/base"), `${output}/adapter`);
  expect(Math.max(...merged.map((value, i) => Math.abs(value - beside[i])))).toBeLessThan(1e-4);
});

test("what a language model alone cannot learn is refused", async () => {
  await expect(prepareRun(recipe("stage", "qwen3", "stage-1", texts))).rejects.toThrow(
    /stage must be language, released, full for a language model alone, got 1; `owl assemble`/,
  );
  const picture = [{ image: [fixture("../../examples/owl.png")], text: "Human: <image>\nAI: an owl" }];
  await expect(prepareRun(recipe("picture", "qwen3", "full", picture))).rejects.toThrow(
    /row.* must show no picture to a language model alone/,
  );
  const sample = `samples: [{ image: ${fixture("../../examples/owl.png")}, question: who }]`;
  await expect(prepareRun(recipe("sample", "qwen3", "full", talks, sample))).rejects.toThrow(
    "samples: must show no picture to a language model alone",
  );
});

test("variables of the chat template are in the one that the model is taught and then asked with", async () => {
  const path = recipe("variables", "qwen3", "full", talks, "templateVariables: { tone: calm }");
  const plan = await readRecipeFile(path);
  await expect(loadBaseModel(plan)).rejects.toThrow(
    "templateVariables: must be for a model with a chat template",
  );
  const base = join(directory, "variables/base");
  const chat_template = "{% for m in messages %}{{ m.role }}{{ tone }}{{ m.content }}{% endfor %}";
  writeFileSync(join(base, "tokenizer_config.json"), JSON.stringify({ chat_template }));
  const { tokenizer, tokenizerFiles } = await loadBaseModel(plan);
  const messages = [{ role: "user", content: "hi" }];
  expect(chatTemplateOf(tokenizer)!.render(messages).text).toBe("usercalmhi");
  const written = join(directory, "variables/written");
  mkdirSync(written);
  for (const [name, bytes] of Object.entries(tokenizerFiles)) writeFileSync(join(written, name), bytes);
  const asked = chatTemplateOf(await loadTokenizer(written))!;
  expect(asked.render(messages).text).toBe("usercalmhi");
  expect(asked.render(messages, { tone: "loud" }).text).toBe("userloudhi");
});
