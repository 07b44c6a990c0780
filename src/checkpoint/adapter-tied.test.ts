import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { float32, type HostTensor } from "../tensor/index.ts";
import { loadAdapter, writeSafetensors } from "./index.ts";

let folder: string;
let made = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-tied-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const numbers = (dims: readonly number[]): HostTensor => {
  const count = dims.reduce((product, size) => product * size, 1);
  return float32(
    Array.from({ length: count }, (_, i) => i),
    dims,
  );
};
const query = "model.layers.0.self_attn.q_proj";
const table = "model.embed_tokens.weight";
/** A language model in an owl, its head the table. */
const tied = new Map([
  [`language_model.${table}`, 1],
  [`language_model.${query}.weight`, 1],
]);

/** An adapter of that language model alone. */
async function written(beside: Record<string, HostTensor>, config?: object): Promise<string> {
  const lora = config === undefined ? ".default" : "";
  const path = join(folder, `${made++}`, "adapter_model.safetensors");
  const tensors = new Map([
    [`base_model.model.${query}.lora_A${lora}.weight`, numbers([2, 3])],
    [`base_model.model.${query}.lora_B${lora}.weight`, numbers([3, 2])],
    ...Object.entries(beside).map(([name, tensor]) => [`base_model.model.${name}`, tensor] as const),
  ]);
  await writeSafetensors(path, tensors);
  const settings = { peft_type: "LORA", r: 2, lora_alpha: 3, ...config };
  if (config) writeFileSync(join(path, "../adapter_config.json"), JSON.stringify(settings));
  return join(path, "..");
}

test("a state dict that has the table twice, as the head too, is of the model that has it once", async () => {
  const base = { [table]: numbers([4, 3]), [`${query}.base_layer.weight`]: numbers([3, 3]) };
  const { lora, replaced } = await loadAdapter(
    await written({ ...base, "lm_head.weight": numbers([4, 3]) }),
    tied,
  );
  expect([...replaced.keys()]).toEqual([`language_model.${table}`, `language_model.${query}.weight`]);
  expect([...lora.keys()][0]).toBe(`base_model.model.language_model.${query}.lora_A.weight`);
  const other = await loadAdapter(await written({ ...base, "lm_head.weight": numbers([4, 2]) }), tied);
  expect([...other.replaced.keys()]).toContain("language_model.lm_head.weight");
});

test("a trained copy of the table beside a head that stayed as it was is refused", async () => {
  const saved = { modules_to_save: ["embed_tokens"] };
  const alone = await written({ [table]: numbers([4, 3]) }, saved);
  await expect(loadAdapter(alone, tied)).rejects.toThrow(
    /modules_to_save: embed_tokens without ensure_weight_tying/,
  );
  const untied = new Map([...tied, ["language_model.lm_head.weight", 1]]);
  await loadAdapter(alone, untied);
  const together = await written({ [table]: numbers([4, 3]) }, { ...saved, ensure_weight_tying: true });
  expect([...(await loadAdapter(together, tied)).replaced.keys()]).toEqual([`language_model.${table}`]);
});
