import type { StateDict } from "../../src/checkpoint/index.ts";
import { toPixelValues } from "../../src/image/index.ts";
import { type OwlConfig, tokensPerImage, traceVision } from "../../src/model/index.ts";
import type { Device } from "../../src/runtime/index.ts";
import { type Graph, placeholdersOf, rootScope } from "../../src/tensor/index.ts";
import { CHARACTERS } from "../drawings/glyphs.ts";
import type { Picture } from "../pictures/drawn-scene.ts";
import { NOTE_CELLS, wordOf } from "../scenes/notes.ts";
import type { Scene } from "../scenes/scene.ts";
import { positionCodesOf } from "../training/note-tokens.ts";
import { preprocessor } from "../training/plan.ts";
import { type Score, score } from "./scoring.ts";

/** A picture, and what it shows. */
export interface ReadingItem {
  readonly picture: Picture;
  readonly scene: Scene;
}

/** How much of what pictures show stands in their visual tokens, read without the language model. */
export interface ReadingAccuracy {
  /** Pictures of one thing: its name is the loudest of all names. */
  readonly name: Score;
  /** Pictures of several things: every name among the loudest, as many as there are kinds. */
  readonly names: Score;
  /** Pictures with text: every character, in order. */
  readonly text: Score;
}

export interface ReadingWords {
  readonly names: readonly string[];
  readonly wordToken: (word: string) => number;
}

/** What writes visual tokens. */
export interface Reader {
  readonly config: OwlConfig;
  readonly weights: StateDict;
  readonly device: Device;
  /** `pixel_values` to `visual`; the vision encoder and the abstractor if absent. */
  readonly graph?: Graph;
}

const IMAGES = 16;

/** Reads the visual tokens of pictures by comparing them with the embeddings of words. */
export async function readingAccuracy(
  { config, weights, device, graph = traceVision(config, rootScope({})) }: Reader,
  { names, wordToken }: ReadingWords,
  items: readonly ReadingItem[],
): Promise<ReadingAccuracy> {
  const tokens = await visualTokens({ config, weights, device, graph }, items);
  const direction = (word: string): Float32Array => embedding(weights, wordToken(word));
  const nameRows = names.map(direction);
  const characterRows = [...CHARACTERS].map(direction);
  const right = { name: 0, names: 0, text: 0 };
  const counts = { name: 0, names: 0, text: 0 };
  for (const [i, { scene }] of items.entries()) {
    if (scene.things.length > 0) {
      const kinds = new Set(scene.things.map(wordOf));
      const loudest = loudestNames(tokens[i], nameRows, names, kinds.size);
      const kind = scene.things.length === 1 ? "name" : "names";
      counts[kind]++;
      if ([...kinds].every((name) => loudest.includes(name))) right[kind]++;
    }
    if (scene.lines.length > 0) {
      counts.text++;
      const truth = scene.lines.map(({ text }) => text.replaceAll(" ", "")).join("");
      if (charactersOf(tokens[i], characterRows) === truth) right.text++;
    }
  }
  return {
    name: score(right.name, counts.name),
    names: score(right.names, counts.names),
    text: score(right.text, counts.text),
  };
}

function embedding(weights: StateDict, token: number): Float32Array {
  const { data, dims } = weights.get("language_model.model.embed_tokens.weight")!;
  return (data as Float32Array).subarray(token * dims[1], (token + 1) * dims[1]);
}

/** The visual tokens of each picture without their position codes, a row a cell. */
async function visualTokens(
  { config, weights, device, graph }: Required<Reader>,
  items: readonly ReadingItem[],
): Promise<Float32Array[][]> {
  const parameters = Object.fromEntries(
    [...placeholdersOf(graph).parameters.keys()].map((name) => [name, weights.get(name)!]),
  );
  const program = await device.compile(graph);
  const { imageSize } = config.vision;
  const hidden = config.language.hidden;
  const positions = positionCodesOf(config, weights);
  const all: Float32Array[][] = [];
  for (let start = 0; start < items.length; start += IMAGES) {
    const some = items.slice(start, start + IMAGES);
    const pixels = device.allocate("float32", [IMAGES, 3, imageSize, imageSize]);
    for (const [i, { picture }] of some.entries())
      pixels.data.set(toPixelValues(picture, preprocessor(config)), i * 3 * imageSize * imageSize);
    const { visual } = await program.run({ ...parameters, pixel_values: pixels });
    const data = visual.data as Float32Array;
    for (const i of some.keys())
      all.push(
        Array.from({ length: NOTE_CELLS }, (_, cell) => {
          const from = (i * tokensPerImage(config) + cell) * hidden;
          return data.slice(from, from + hidden).map((value, j) => value - positions[cell][j]);
        }),
      );
  }
  program.dispose();
  return all;
}

/** How much of a word a token holds: 1 for the word's own embedding. */
function share(token: Float32Array, word: Float32Array): number {
  let [dot, square] = [0, 0];
  for (let i = 0; i < word.length; i++) {
    dot += token[i] * word[i];
    square += word[i] * word[i];
  }
  return dot / square;
}

function loudestNames(
  cells: readonly Float32Array[],
  rows: readonly Float32Array[],
  names: readonly string[],
  count: number,
): string[] {
  const sums = rows.map((row) => cells.reduce((sum, cell) => sum + Math.max(0, share(cell, row) - 0.2), 0));
  const order = [...sums.keys()].sort((a, b) => sums[b] - sums[a]);
  return order.slice(0, count).map((index) => names[index]);
}

/** The characters in reading order; of two neighbouring cells that share one the louder counts. */
function charactersOf(cells: readonly Float32Array[], rows: readonly Float32Array[]): string {
  let text = "";
  for (const cell of cells) {
    const shares = rows.map((row) => share(cell, row));
    const best = shares.indexOf(Math.max(...shares));
    if (shares[best] > 0.5) text += CHARACTERS[best];
  }
  return text;
}
