import { collateDense, type Reader, rowName, type Source } from "../../src/data/index.ts";
import { type OwlConfig, patchCount } from "../../src/model/index.ts";
import { allocate } from "../../src/tensor/index.ts";
import type { TrainingBatch } from "../../src/training/index.ts";
import { COLORS } from "../concepts/colors.ts";
import { CHARACTERS } from "../drawings/glyphs.ts";
import type { Random } from "../random.ts";
import { BACKGROUND_WEIGHT, cellShares, NOTE_COLUMNS, NOTE_ROWS } from "../scenes/notes.ts";
import { POSITION_FEATURES } from "./layout-objective.ts";
import type { ReadingSizes } from "./reading-objective.ts";
import type { ReadExample } from "./sources.ts";

/** How much a patch's word counts: most cells are background, and soon known. */
const WORD_WEIGHTS = { thing: 5, character: 3, background: 0.3 } as const;
const POSITION_WEIGHT = 0.3;

/** How loud notes say a word, and how much it counted here. */
export function spokenAs(word: string): { readonly loudness: number; readonly lossWeight: number } {
  const kind = COLORS.some(({ name }) => name === word)
    ? "background"
    : CHARACTERS.includes(word)
      ? "character"
      : "thing";
  return { loudness: kind === "background" ? BACKGROUND_WEIGHT : 1, lossWeight: WORD_WEIGHTS[kind] };
}

export interface LayoutReaderOptions {
  readonly config: OwlConfig;
  /** The words that cells can say, by class. */
  readonly words: readonly string[];
  readonly batch: number;
  readonly microBatch: number;
  readonly pixelsOf: (image: ReadExample["image"]) => Float32Array;
}

/** Reads pictures with what the heads of the layout stage should say of each patch. */
export function layoutReader(
  source: Source<ReadExample>,
  options: LayoutReaderOptions,
): Reader<TrainingBatch<ReadingSizes>> {
  const { batch, microBatch, config, words, pixelsOf } = options;
  const classOf = new Map(words.map((word, index) => [word, index]));
  const patches = patchCount(config.vision);
  const collate = (
    examples: readonly ReadExample[],
    names: readonly string[],
  ): TrainingBatch<ReadingSizes> => {
    const rows = examples.map(({ image, labels }, i) => ({
      pixels: pixelsOf(image),
      labels,
      name: names[i],
    }));
    const dense = collateDense(rows, { imageSize: config.vision.imageSize, patches });
    const targets = examples.map((example) => patchTargets(example, Math.sqrt(patches), classOf));
    return { ...dense, feeds: { ...dense.feeds, ...headFeeds(targets, patches) } };
  };
  return async (position) => {
    const batches: TrainingBatch<ReadingSizes>[] = [];
    for (let start = position; start < position + batch; start += microBatch) {
      const indices = Array.from(
        { length: Math.min(microBatch, position + batch - start) },
        (_, i) => start + i,
      );
      const examples = await Promise.all(indices.map((index) => source.example(index)));
      batches.push(
        collate(
          examples,
          indices.map((index) => rowName(source, index)),
        ),
      );
    }
    return { batches, next: position + batch };
  };
}

/** What the word and the color head should say of a patch, and how much it counts. */
interface PatchTarget {
  readonly word: number;
  readonly wordWeight: number;
  /** Absent where no thing with a known color covers the patch. */
  readonly color?: number | undefined;
}

function patchTargets(
  { scene, things, random }: ReadExample,
  across: number,
  classOf: ReadonlyMap<string, number>,
): PatchTarget[] {
  const cells = cellShares(scene);
  return Array.from({ length: across * across }, (_, patch): PatchTarget => {
    const [row, column] = [Math.floor(patch / across), patch % across];
    const cell =
      Math.floor((row * NOTE_ROWS) / across) * NOTE_COLUMNS + Math.floor((column * NOTE_COLUMNS) / across);
    const { word, kind } = sampledWord(cells[cell], COLORS[scene.background].name, random);
    const color = scene.things[things[patch]]?.color;
    return { word: classOf.get(word)!, wordWeight: WORD_WEIGHTS[kind], color };
  });
}

/** One of a cell's words, as often as its share says: on average the head learns the shares. */
function sampledWord(
  shares: ReturnType<typeof cellShares>[number],
  background: string,
  random: Random,
): { word: string; kind: keyof typeof WORD_WEIGHTS } {
  const total = shares.reduce((sum, { share }) => sum + share, 0);
  let dice = shares.length === 0 ? 1 : random.next() * Math.max(1, total);
  for (const { word, kind, share } of shares) {
    dice -= share;
    if (dice < 0) return { word, kind };
  }
  return { word: background, kind: "background" };
}

function headFeeds(targets: readonly (readonly PatchTarget[])[], patches: number) {
  const count = targets.length * patches;
  const words = allocate("int64", [count]);
  const colors = allocate("int64", [count]);
  const positions = allocate("float32", [count, POSITION_FEATURES]);
  const weights = allocate("float32", [4 * count]);
  const features = positionFeatures(Math.sqrt(patches));
  for (const [at, { word, wordWeight, color }] of targets.flat().entries()) {
    words.data[at] = BigInt(word);
    colors.data[at] = BigInt(color ?? 0);
    positions.data.set(features[at % patches], at * POSITION_FEATURES);
    weights.data[at] = 1;
    weights.data[count + at] = wordWeight;
    weights.data[2 * count + at] = color === undefined ? 0 : 1;
    weights.data[3 * count + at] = POSITION_WEIGHT;
  }
  return { word_labels: words, color_labels: colors, positions, loss_weights: weights };
}

/** Sines and cosines of the row and the column of each patch, at four frequencies. */
export function positionFeatures(across: number): number[][] {
  const waves = (at: number): number[] =>
    [0.5, 1, 2, 4].flatMap((frequency) => {
      const angle = (2 * Math.PI * frequency * (at + 0.5)) / across / 2;
      return [Math.sin(angle), Math.cos(angle)];
    });
  return Array.from({ length: across * across }, (_, patch) => [
    ...waves(Math.floor(patch / across)),
    ...waves(patch % across),
  ]);
}
