import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensors, writeSafetensors } from "../src/checkpoint/index.ts";

const fixture = (path: string): string => fileURLToPath(new URL(`fixtures/${path}`, import.meta.url));

/** Vocabulary size of the small tokenizer, to which the tiny model's embeddings are cut. */
const vocabulary = 512;

/** A model directory made of the fixtures: the tiny model (random weights) with the small tokenizer. */
export async function owlFixture(): Promise<{ readonly directory: string; remove(): void }> {
  const directory = mkdtempSync(join(tmpdir(), "owl-"));
  for (const file of ["tokenizer.json", "tokenizer_config.json"]) {
    copyFileSync(fixture(`text/${file}`), join(directory, file));
  }
  const config = JSON.parse(readFileSync(fixture("model/config.json"), "utf8"));
  config.text_config.vocab_size = vocabulary;
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  const tensors = await readSafetensors(fixture("model/model.safetensors"));
  for (const [name, { dims, data }] of tensors) {
    if (!/embed_tokens|lm_head/.test(name) || !(data instanceof Float32Array)) continue;
    const kept = data.slice(0, vocabulary * dims[1]);
    tensors.set(name, { dtype: "float32", dims: [vocabulary, dims[1]], data: kept });
  }
  await writeSafetensors(join(directory, "model.safetensors"), tensors);
  return { directory, remove: () => rmSync(directory, { recursive: true }) };
}
