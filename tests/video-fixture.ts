import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSafetensors } from "../src/checkpoint/index.ts";
import { configJson, describeParameters, type OwlConfig } from "../src/model/index.ts";
import { microConfig, randomParameters } from "../src/model/testing/micro.ts";

/** A model of the video version with random weights, as small as the small tokenizer allows. */
const config: OwlConfig = {
  ...microConfig,
  vision: { ...microConfig.vision, imageSize: 16, patchSize: 8 },
  abstractor: { ...microConfig.abstractor, intermediate: 256 },
  language: { ...microConfig.language, vocabulary: 512, maxPositions: 256 },
  video: true,
};

/** Its directory as published: only the weights show that it is of the video version. */
export async function videoFixture(): Promise<{ readonly directory: string; remove(): void }> {
  const directory = mkdtempSync(join(tmpdir(), "video-owl-"));
  for (const file of ["tokenizer.json", "tokenizer_config.json"]) {
    const source = new URL(`fixtures/text/${file}`, import.meta.url);
    copyFileSync(fileURLToPath(source), join(directory, file));
  }
  const { video: _, ...published } = configJson(config);
  writeFileSync(join(directory, "config.json"), JSON.stringify(published));
  const weights = randomParameters(describeParameters(config));
  await writeSafetensors(join(directory, "model.safetensors"), new Map(Object.entries(weights)));
  return { directory, remove: () => rmSync(directory, { recursive: true }) };
}

/** Decoded frames of one grey each. */
export function greyFrames(levels: readonly number[], width = 20, height = 10) {
  return levels.map((level) => ({ width, height, data: new Uint8Array(width * height * 3).fill(level) }));
}
