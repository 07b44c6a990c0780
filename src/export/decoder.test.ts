import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openValidated, readAll, type StateDict, storedNumbers } from "../checkpoint/index.ts";
import { textLogits } from "../inference/index.ts";
import {
  type OwlConfig,
  positionsOfFixedAngles,
  publishedModel,
  traceDecoder,
  traceEmbeddings,
} from "../model/index.ts";
import { type InlineParameter, writeModel } from "../onnx/index.ts";
import { openDevice, type Program } from "../runtime/index.ts";
import { float32, type HostTensor, int64, placeholdersOf } from "../tensor/index.ts";
import { decoderInputs, embeddingInputs } from "./decoder-inputs.ts";
import type { WrittenGraph } from "./onnx-files.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/${path}`, import.meta.url));
const device = await openDevice({ threads: 1 });

function compiled({ graph, derived }: WrittenGraph, tensors: StateDict): Promise<Program> {
  const stored = [...placeholdersOf(graph).parameters.keys()].map((name): [string, InlineParameter] => [
    name,
    { type: "F32", data: storedNumbers(name, tensors.get(name)!.data, "F32") },
  ]);
  return device.compileModel(writeModel(graph, { stored: new Map(stored), derived }));
}

/** Two rows of other lengths, the shorter one padded in front, as transformers.js runs them: at once, then token by token. */
async function logitsByPieces(
  config: OwlConfig,
  tensors: StateDict,
  rows: readonly (readonly number[])[],
  split: number,
): Promise<number[][][]> {
  const { language } = config;
  const derived = decoderInputs(language);
  const embed = await compiled(
    { graph: traceEmbeddings(config), derived: embeddingInputs(language) },
    tensors,
  );
  const decoder = await compiled(
    { graph: traceDecoder(config, positionsOfFixedAngles(language)), derived },
    tensors,
  );
  const longest = Math.max(...rows.map(({ length }) => length));
  const pads = rows.map(({ length }) => longest - length);
  const padded = rows.map((ids, row) => [...new Array<number>(pads[row]).fill(0), ...ids]);
  const positions = padded.map((ids, row) => ids.map((_, i) => (i < pads[row] ? 1 : i - pads[row])));
  const table = (values: readonly (readonly number[])[], from: number, to: number): HostTensor =>
    int64(
      values.flatMap((row) => row.slice(from, to)),
      [rows.length, to - from],
    );
  const empty = float32([], [rows.length, language.keyValueHeads, 0, language.headDim]);
  let past: Record<string, HostTensor> = Object.fromEntries(
    Array.from({ length: language.layers }, (_, layer) =>
      ["key", "value"].map((name) => [`past_key_values.${layer}.${name}`, empty] as const),
    ).flat(),
  );
  const logits: number[][][] = rows.map(() => []);
  const steps = [
    [0, split],
    ...Array.from({ length: longest - split }, (_, i) => [split + i, split + i + 1]),
  ];
  for (const [from, to] of steps) {
    const { inputs_embeds } = await embed.run({ input_ids: table(padded, from, to) });
    const feeds: Record<string, HostTensor> = {
      ...past,
      inputs_embeds,
      attention_mask: table(
        padded.map((ids, row) => ids.map((_, i) => Number(i >= pads[row]))),
        0,
        to,
      ),
      num_logits_to_keep: int64([from === 0 ? 0 : 1], []),
      ...(decoder.hasInput("position_ids") && { position_ids: table(positions, from, to) }),
    };
    const { logits: fresh, ...present } = await decoder.run(feeds);
    past = Object.fromEntries(
      Object.entries(present).map(([name, value]) => [name.replace("present", "past_key_values"), value]),
    );
    const width = language.vocabulary;
    for (const row of rows.keys()) {
      for (let i = 0; i < to - from; i++) {
        const start = (row * (to - from) + i) * width;
        logits[row].push([...(fresh.data as Float32Array).subarray(start, start + width)]);
      }
    }
  }
  for (const program of [embed, decoder]) program.dispose();
  return logits.map((row, i) => row.slice(pads[i]));
}

test.each([
  ["families/qwen2-yarn", "YaRN, a window from the second layer on"],
  ["families/qwen3", "norms head by head, heads that share keys"],
  ["families/llama-biases", "dynamic scaling"],
  ["families/mistral", "a window of nine in every layer"],
  ["families/smollm3", "a layer without positions"],
  ["families/phi3", "fused projections, a part of each head turned, LongRoPE"],
  ["families/gemma2", "capped scores and logits"],
  ["families/gemma3", "two kinds of angles"],
  ["families/olmo2", "norms over whole projections"],
  ["families/granite", "multipliers"],
  ["parts/bloom", "ALiBi"],
])("%s: the exported decoder has the model's logits, with padding in front and a cache (%s)", async (name) => {
  const { config, checkpoint } = await openValidated(fixture(name), publishedModel);
  const tensors = await readAll(checkpoint.weights);
  const length = Math.min(20, positionsOfFixedAngles(config.language));
  const ids = Array.from({ length }, (_, i) => (i * 7 + 3) % config.language.vocabulary);
  const rows = [ids, ids.slice(3).reverse()];
  const got = await logitsByPieces(config, tensors, rows, length - 6);
  const expected = await textLogits(fixture(name), rows, device);
  for (const [row, { data }] of expected.entries()) {
    const flat = got[row].flat();
    expect(flat.length).toBe(data.length);
    const largest = flat.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(data[i]))), 0);
    expect(largest).toBeLessThan(1e-4);
  }
});
