import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type StateDict, saveCheckpoint } from "../../checkpoint/index.ts";
import { describeParameters, parseConfig } from "../../model/index.ts";
import { mulberry32 } from "../../primitives/index.ts";
import { elementCount, float32 } from "../../tensor/index.ts";

const tokenizers = fileURLToPath(new URL("../../../tests/fixtures/parts/", import.meta.url));

/** Writes a language model with random weights and a tokenizer of the fixtures. */
export async function randomLanguageModel(
  directory: string,
  config: Readonly<Record<string, unknown>>,
  tokenizer: "llama2" | "llama3",
): Promise<void> {
  const random = mulberry32(7);
  const tensors: StateDict = new Map();
  for (const { name, dims, role } of describeParameters(parseConfig(config))) {
    const isNorm = role === "norm" && !String(config.model_type).startsWith("gemma");
    const scale = dims.length < 2 ? 0.2 : 1.2 / Math.sqrt(dims[dims.length - 1]);
    const data = Float32Array.from({ length: elementCount(dims) }, () => {
      return Math.fround((isNorm ? 1 : 0) + scale * 2 * (random() - 0.5) * Math.sqrt(3));
    });
    tensors.set(name.replace(/^language_model\./, ""), float32(data, dims));
  }
  await saveCheckpoint(directory, { config, tensors });
  for (const file of ["tokenizer.json", "tokenizer_config.json", "tokenizer.model"]) {
    const source = join(tokenizers, tokenizer, file);
    if (existsSync(source)) cpSync(source, join(directory, file));
  }
}
