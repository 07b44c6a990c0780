import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadAdapter, mergeLora, readSafetensors } from "../../checkpoint/index.ts";
import { tokenReader } from "../../data/index.ts";
import { tokenFeeds, traceForward } from "../../model/index.ts";
import { microConfig } from "../../model/testing/micro.ts";
import { openDevice } from "../../runtime/index.ts";
import { interpret, placeholdersOf } from "../../tensor/index.ts";
import { languageObjective } from "../objective.ts";
import type { TrainingRecipe } from "../recipe.ts";
import { saveTrainedAdapter } from "../save.ts";
import { createTrainer } from "../trainer.ts";
import { variants } from "./peft-variants.ts";
import { recipe as small, source } from "./small-run.ts";

// As a program: trains an adapter of every variant for a few steps and writes it, and what a model with it computes in float64, into a
// directory that `tests/fixtures/peft/check.py` then loads with PEFT.
const [out] = process.argv.slice(2);
const fixture = fileURLToPath(new URL("../../../tests/fixtures/peft/expected.safetensors", import.meta.url));
const base = new Map(
  [...(await readSafetensors(fixture))].flatMap(([name, tensor]) =>
    name.startsWith("base.") ? [[name.slice("base.".length), tensor] as const] : [],
  ),
);
const ids = [1, 5, 17, 9, 22, 3, 12, 8, 2];
const reader = tokenReader(source, {
  batch: 4,
  tokensPerImage: 0,
  imageSize: 8,
  encode: (_, index, name) => {
    const row = [1, ...Array.from({ length: 7 }, (_, i) => 3 + ((5 * i + 3 * index) % 20)), 2];
    return { ids: row, spans: [], lossMask: row.map((_, i) => i > 0), pixels: [], name };
  },
});

const expected: Record<string, { ids: number[]; logits: number[] }> = {};
for (const [variant, known] of Object.entries(variants)) {
  // A vision encoder has layers whose names end with `norm` too, and PEFT's model has no vision encoder.
  const lora = variant === "together" ? { ...known, modulesToSave: ["model.norm"] } : known;
  const recipe: TrainingRecipe = { ...small, stage: "released", schedule: "constant", warmup: 0, lora };
  const trainer = await createTrainer({
    device: await openDevice({ threads: 1 }),
    objective: languageObjective(microConfig, recipe),
    recipe,
    weights: base,
  });
  for (let step = 0; step < 6; step++) await trainer.update((await reader(4 * step)).batches);
  const directory = join(out, variant);
  await saveTrainedAdapter(directory, trainer, recipe, { baseModel: "base" });
  trainer.dispose();
  const merged = mergeLora(base, await loadAdapter(directory));
  const graph = traceForward(microConfig, { batch: 1, tokens: ids.length, images: 0 }, ["logits"]);
  const names = [...placeholdersOf(graph).parameters.keys()];
  const given = Object.fromEntries(names.map((name) => [name, merged.get(name)!]));
  const [logits] = interpret(Object.values(graph.outputs), {
    ...given,
    ...tokenFeeds([ids], { images: 0, videos: 0 }),
  });
  expected[variant] = { ids, logits: Array.from(logits.data, Number) };
}
await writeFile(join(out, "expected.json"), JSON.stringify(expected));
