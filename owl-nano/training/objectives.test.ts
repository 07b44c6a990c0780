import { beforeAll, describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import type { BatchSizes } from "../../src/data/index.ts";
import { type OwlConfig, patchCount, tokensPerImage } from "../../src/model/index.ts";
import { microConfig, randomNumbers, randomParameters } from "../../src/model/testing/micro.ts";
import { openDevice } from "../../src/runtime/index.ts";
import {
  allocate,
  float32,
  type HostTensor,
  interpret,
  placeholdersOf,
  rootScope,
  type TensorLike,
} from "../../src/tensor/index.ts";
import { requireClose } from "../../src/tensor/testing/compare.ts";
import type { Objective, TrainingBatch } from "../../src/training/index.ts";
import type { Note, NoteWord } from "../scenes/notes.ts";
import {
  CLASS_HEADS,
  LAYOUT_HEADS,
  labelsOf,
  layoutObjective,
  POSITION_FEATURES,
} from "./layout-objective.ts";
import { notedTokensOf, noteFeeds, noteTokens } from "./note-tokens.ts";
import { notesObjective } from "./notes-objective.ts";
import { type NotedText, notesReader } from "./notes-reader.ts";
import { readingObjective } from "./reading-objective.ts";
import { readingReader } from "./reading-reader.ts";
import { learnTokenizer, openTokenizer, wordTokens } from "./tokenizer.ts";

const say = (kind: Note["kind"], words: Record<string, number>, relations: Record<string, number>): Note => {
  const listed = (said: Record<string, number>): NoteWord[] =>
    Object.entries(said).map(([word, weight]) => ({ word, weight }));
  return { kind, words: listed(words), relations: listed(relations) };
};
const CODES = [
  ...["columns", "end", "rows"].map((part) => `note_positions.${part}`),
  "note_relations.weight",
];
const NOTES: readonly Note[] = [
  say("thing", { frog: 1, red: 0.5 }, { "among 1": 0.9 }),
  say("character", { A: 1, K: 0.6 }, { "before edge": 1, "after K": 1.1 }),
  say("background", { red: 0.5 }, {}),
];
const TEXTS: readonly NotedText[] = [
  { text: 'Human: <image><image>\nHuman: and?\nAI: "A7".', notes: [NOTES, NOTES.slice(1)] },
  { text: "a red frog.", notes: [] },
];

const tokenizer = openTokenizer(
  learnTokenizer(
    TEXTS.flatMap(({ text }) => new Array<string>(20).fill(text)),
    ["frog", "red", "A", "K"],
    300,
  ),
);
const { vocabularySize } = tokenizer;
const config: OwlConfig = {
  ...microConfig,
  language: { ...microConfig.language, vocabulary: vocabularySize, maxPositions: 64 },
};

interface Case<S> {
  readonly objective: Objective<S>;
  readonly batch: TrainingBatch<S>;
}

function valuesOf<S>({ objective, batch }: Case<S>): Record<string, HostTensor> {
  return { ...randomParameters(objective.parameters), ...batch.feeds };
}

/** The gradients of what is trained: against the loss's slope in a direction, and as ONNX Runtime computes them. */
async function requireGradients<S>(some: Case<S>): Promise<readonly string[]> {
  const { objective, batch } = some;
  const values = valuesOf(some);
  const loss = objective.trace(batch.sizes, "training");
  const { parameters } = placeholdersOf({ name: "loss", outputs: { loss } });
  const trained = objective.parameters.filter(({ name, trained }) => trained && parameters.has(name));
  const names = trained.map(({ name }) => name);
  const found = gradients(
    loss,
    names.map((name) => parameters.get(name)!),
  );
  const derived = interpret(found, values);
  const ways = derived.map(({ data }, i) => randomNumbers(data.length, 1, 31 + i));
  const lossAt = (step: number): number => {
    const moved = names.map((name, i): [string, TensorLike] => {
      const data = Float64Array.from(
        values[name].data as Float32Array,
        (value, j) => value + step * ways[i][j],
      );
      return [name, { dims: values[name].dims, data }];
    });
    return interpret([loss], { ...values, ...Object.fromEntries(moved) })[0].data[0];
  };
  const slope = derived.reduce(
    (sum, { data }, i) => data.reduce((part, value, j) => part + value * ways[i][j], sum),
    0,
  );
  expect(Math.abs(slope)).toBeGreaterThan(0.1);
  expect((lossAt(1e-6) - lossAt(-1e-6)) / 2e-6 / slope).toBeCloseTo(1, 5);
  const device = await openDevice({ threads: 1 });
  const outputs = Object.fromEntries(found.map((tensor, i) => [`gradient of ${names[i]}`, tensor]));
  const program = await device.compile({ name: "gradients", outputs });
  const asked = placeholdersOf({ name: "gradients", outputs });
  const feeds = [...asked.inputs.keys(), ...asked.parameters.keys()].map((name) => [name, values[name]]);
  const results = await program.run(Object.fromEntries(feeds));
  for (const [i, name] of names.entries())
    requireClose(name, results[`gradient of ${name}`], derived[i], 1e-4);
  program.dispose();
  return names;
}

describe("the language stage with notes in place of pictures", () => {
  const objective = notesObjective(config);
  const embeddings = "language_model.model.embed_tokens.weight";
  const source = { length: TEXTS.length, example: (index: number) => TEXTS[index] };
  const batches = async (): Promise<TrainingBatch<BatchSizes>[]> => {
    const sizes = { group: 2, microBatches: 2, tokensAtOnce: 112, maxTokens: 48 };
    const { batches } = await notesReader(source, { ...sizes, config, tokenizer, seed: 1 })(0);
    return [...batches].sort((a, b) => b.sizes.images - a.sizes.images);
  };
  let batch: TrainingBatch<BatchSizes>;
  beforeAll(async () => {
    [batch] = await batches();
  });

  it("learns every weight of the language model and the codes of places and relations", async () => {
    // One row, and one that fills up.
    expect(batch.sizes).toMatchObject({ rows: 2, images: 4 });
    expect(batch.rowsWithoutLabels).toEqual([]);
    const names = await requireGradients({ objective, batch });
    const language = objective.parameters.filter(({ name }) => name.startsWith("language_model."));
    expect([...names].sort()).toEqual([...language.map(({ name }) => name), ...CODES].sort());
  });

  it("teaches a word's embedding through the notes too", () => {
    const loss = objective.trace(batch.sizes);
    const { parameters } = placeholdersOf({ name: "loss", outputs: { loss } });
    const [gradient] = gradients(loss, [parameters.get(embeddings)!]);
    // No text has this letter.
    const row = wordTokens(tokenizer)("K") * config.language.hidden;
    const sizeOf = (feeds: Record<string, TensorLike>): number =>
      Math.hypot(...interpret([gradient], feeds)[0].data.slice(row, row + config.language.hidden));
    const values = valuesOf({ objective, batch });
    const { dims } = values.note_weights;
    expect(sizeOf(values)).toBeGreaterThan(0.1);
    expect(sizeOf({ ...values, note_weights: allocate("float32", dims) })).toBe(0);
  });

  it("asks a trained model with what it was taught with", () => {
    const wordToken = wordTokens(tokenizer);
    const values = randomParameters(objective.parameters);
    const feeds = noteFeeds([NOTES], tokensPerImage(config), 1, wordToken);
    const traced = noteTokens(rootScope({ trained: () => false }), config, 1);
    const weights = new Map(Object.entries(values));
    const [tokens] = interpret([traced], { ...values, ...feeds });
    requireClose(
      "tokens",
      float32([...notedTokensOf(config, weights, NOTES, wordToken)], tokens.dims),
      tokens,
      1e-6,
    );
  });

  it("reads texts without any picture", async () => {
    const [, plain] = await batches();
    expect(plain.sizes.images).toBe(0);
    expect(Object.keys(plain.feeds)).not.toContain("note_ids");
    const values = valuesOf({ objective, batch: plain });
    expect(interpret([objective.trace(plain.sizes)], values)[0].data[0]).toBeGreaterThan(0);
  });
});

describe("the layout stage", () => {
  it("learns the vision encoder and its seven heads", async () => {
    const classes = { patch: 5, word: 4, color: 3, before: 6, after: 2, among: 4 };
    const objective = layoutObjective(config, classes);
    const side = config.vision.imageSize;
    const rows = 2 * patchCount(config.vision);
    const labels = (count: number): HostTensor<"int64"> => {
      const tensor = allocate("int64", [rows]);
      for (let i = 0; i < rows; i++) tensor.data[i] = BigInt(i % count);
      return tensor;
    };
    const numbers = (dims: readonly number[], seed: number): HostTensor => {
      const tensor = allocate("float32", dims);
      (tensor.data as Float32Array).set(randomNumbers(tensor.data.length, 1, seed));
      return tensor;
    };
    const weights = allocate("float32", [7 * rows]);
    for (let i = 0; i < 7 * rows; i++) weights.data[i] = (i % 3) / 2;
    const batch = {
      sizes: { images: 2 },
      feeds: {
        pixel_values: numbers([2, 3, side, side], 1),
        ...Object.fromEntries(CLASS_HEADS.map((head) => [labelsOf(head), labels(classes[head])])),
        positions: numbers([rows, POSITION_FEATURES], 2),
        loss_weights: weights,
      },
      labelCount: rows,
      tokenCount: rows,
      rowsWithoutLabels: [],
    };
    const names = await requireGradients({ objective, batch });
    expect(new Set(names.map((name) => name.split(".")[0]))).toEqual(
      new Set(["vision_model", "dense_head", ...Object.values(LAYOUT_HEADS)]),
    );
  });
});

describe("the reading stage", () => {
  const classes = 5;
  const objective = readingObjective(config, classes, 0.3);
  const patches = patchCount(config.vision);
  const side = config.vision.imageSize;
  const example = (index: number) => ({
    pixels: Float32Array.from(randomNumbers(3 * side * side, 1, index + 1)),
    labels: Uint16Array.from({ length: patches }, (_, i) => (i === 0 ? 0xffff : (i + index) % classes)),
    notes: NOTES,
  });
  const reader = readingReader(
    { length: 2, example },
    { config, wordToken: wordTokens(tokenizer), batch: 2, microBatch: 2, encode: (given) => given },
  );

  it("learns vision encoder, abstractor and head, and runs no layer of the language model", async () => {
    const [batch] = (await reader(0)).batches;
    const names = await requireGradients({ objective, batch });
    expect(new Set(names.map((name) => name.split(".")[0]))).toEqual(
      new Set(["vision_model", "dense_head", "query_tokens", "abstractor"]),
    );
    const frozen = objective.parameters.filter(({ trained }) => !trained).map(({ name }) => name);
    expect([...frozen].sort()).toEqual(["language_model.model.embed_tokens.weight", ...CODES]);
  });

  it("weighs rare cells more, and counts patches that have a class", async () => {
    const [{ feeds, labelCount }] = (await reader(0)).batches;
    expect(labelCount).toBe(2 * (patches - 1));
    const tokens = tokensPerImage(config);
    const weights = [...(feeds.loss_weights.data as Float32Array)].slice(2 * patches);
    expect(weights).toHaveLength(2 * tokens);
    expect(weights[0]).toBeGreaterThan(weights[2]);
  });
});
