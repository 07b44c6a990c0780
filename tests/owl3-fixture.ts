import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSafetensors, writeSafetensors } from "../src/checkpoint/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { shared } from "./shared.ts";

const PATCH = 14;
const positions = "vision_model.embeddings.position_embedding.weight";

/**
 * A tiny mPLUG-Owl3 of the fixtures as a directory of its own, with pictures of side × side patches and positions drawn by chance:
 * published models have 27 × 27, which, unlike the fixtures' 16, is no multiple of what a processor adds at once.
 */
export async function owl3Fixture(
  version: string,
  side: number,
): Promise<{ readonly directory: string; remove(): void }> {
  const directory = mkdtempSync(join(tmpdir(), "owl3-"));
  const from = shared(`golden/tiny-owl3/${version}`);
  for (const file of ["generation_config.json", "tokenizer.json", "tokenizer_config.json"]) {
    copyFileSync(join(from, file), join(directory, file));
  }
  const json = (name: string) => JSON.parse(readFileSync(join(from, name), "utf8"));
  const [config, preprocessing] = [json("config.json"), json("preprocessor_config.json")];
  const size = side * PATCH;
  if (config.image_size !== undefined) config.image_size = size;
  config.vision_config.image_size = size;
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  writeFileSync(
    join(directory, "preprocessor_config.json"),
    JSON.stringify({ ...preprocessing, image_size: size }),
  );
  const tensors = await readSafetensors(join(from, "model.safetensors"));
  const width = tensors.get(positions)!.dims[1];
  const random = mulberry32(side);
  const data = Float32Array.from({ length: side * side * width }, () => random() - 0.5);
  tensors.set(positions, { dtype: "float32", dims: [side * side, width], data });
  await writeSafetensors(join(directory, "model.safetensors"), tensors);
  return { directory, remove: () => rmSync(directory, { recursive: true }) };
}
