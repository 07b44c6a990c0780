import { cpSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sentencePieceJson } from "../src/tokenizer/format.ts";

/** Language models of every family that `tests/fixtures/families` has, small and random. */
export const families = [
  "qwen2",
  "qwen3",
  "llama-biases",
  "mistral",
  "smollm3",
  "phi3",
  "gemma2",
  "gemma3",
  "olmo2",
  "granite",
];

export const fixture = (path: string): string => fileURLToPath(new URL(`fixtures/${path}`, import.meta.url));

/**
 * Writes a family's fixture with a tokenizer of a few letters, and no system sentence, into a directory.
 *
 * @param from the fixture's directory below `fixtures`
 */
export function writeFamily(name: string, directory: string, from = `families/${name}`): string {
  cpSync(fixture(from), directory, { recursive: true });
  const tokens = ["<unk>", "<s>", "</s>", "▁", ..."abcdefghijklmnopqrstuvwxyz"];
  const json = sentencePieceJson(tokens, [], [0, 1, 2], 0);
  writeFileSync(`${directory}/tokenizer.json`, JSON.stringify(json));
  const template = { prompt_template: { system: "", cut: "turns" } };
  writeFileSync(`${directory}/tokenizer_config.json`, JSON.stringify(template));
  return directory;
}
