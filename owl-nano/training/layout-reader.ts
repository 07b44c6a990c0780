import { collateDense, type Reader, rowName, type Source } from "../../src/data/index.ts";
import { type OwlConfig, patchCount } from "../../src/model/index.ts";
import { allocate, type HostTensor } from "../../src/tensor/index.ts";
import type { TrainingBatch } from "../../src/training/index.ts";
import { CHARACTERS } from "../concepts/characters.ts";
import { COLORS } from "../concepts/colors.ts";
import type { Random } from "../random.ts";
import { kindOfRelation, RELATION_KINDS, type RelationKind, relationsOf } from "../scenes/note-relations.ts";
import { BACKGROUND_WEIGHT, type CellShare, cellShares, NOTE_COLUMNS, NOTE_ROWS } from "../scenes/notes.ts";
import { CLASS_HEADS, type ClassHead, labelsOf, POSITION_FEATURES } from "./layout-objective.ts";
import type { ReadingSizes } from "./reading-objective.ts";
import type { ReadExample } from "./sources.ts";

/** How much a patch's word counts: most cells are background, and soon known. */
const WORD_WEIGHTS = { thing: 5, character: 3, background: 0.3 } as const;
const POSITION_WEIGHT = 0.3;

/** What a relation's head can say: no relation, or one of its kind. */
export const relationClasses = (kind: RelationKind): (string | undefined)[] => [
  undefined,
  ...relationsOf(kind),
];

const CLASS_OF_RELATION = new Map(
  RELATION_KINDS.flatMap((kind) =>
    relationsOf(kind).map((relation, i): [string, number] => [relation, i + 1]),
  ),
);
/** How much a patch counts whose cell has a relation of this kind, and one whose cell has none. */
const RELATION_WEIGHTS: Readonly<Record<RelationKind, number>> = { before: 2, after: 2, among: 3 };
const NO_RELATION_WEIGHT = 0.2;

/** How much a relation counted in the layout stage's loss. */
export const relationWeight = (relation: string | undefined, kind: RelationKind): number =>
  relation === undefined ? NO_RELATION_WEIGHT : RELATION_WEIGHTS[kind];

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

/** What a head should say of a patch, and how much that counts. */
interface PatchTarget {
  readonly label: number;
  readonly weight: number;
}

/** What the heads should say of a patch, all but the vision stage's. */
type PatchTargets = Readonly<Record<Exclude<ClassHead, "patch">, PatchTarget>>;

function patchTargets(
  { scene, things, random }: ReadExample,
  across: number,
  classOf: ReadonlyMap<string, number>,
): PatchTargets[] {
  const cells = cellShares(scene);
  const background = COLORS[scene.background].name;
  return Array.from({ length: across * across }, (_, patch): PatchTargets => {
    const [row, column] = [Math.floor(patch / across), patch % across];
    const cell =
      Math.floor((row * NOTE_ROWS) / across) * NOTE_COLUMNS + Math.floor((column * NOTE_COLUMNS) / across);
    const said = sampledShare(cells[cell], random);
    const color = scene.things[things[patch]]?.color;
    return {
      word: {
        label: classOf.get(said?.word ?? background)!,
        weight: WORD_WEIGHTS[said?.kind ?? "background"],
      },
      // Not of a patch that no thing with a known color covers.
      color: { label: color ?? 0, weight: color === undefined ? 0 : 1 },
      ...relationTargets(said?.relations ?? []),
    };
  });
}

function relationTargets(relations: readonly string[]): Record<RelationKind, PatchTarget> {
  const target = (kind: RelationKind): PatchTarget => {
    const relation = relations.find((one) => kindOfRelation(one) === kind);
    return {
      label: relation === undefined ? 0 : CLASS_OF_RELATION.get(relation)!,
      weight: relationWeight(relation, kind),
    };
  };
  return { before: target("before"), after: target("after"), among: target("among") };
}

/**
 * One of the things that lie in a cell, as often as its share says, and at times none where they do not fill it: on average the heads
 * learn the shares.
 */
function sampledShare(shares: readonly CellShare[], random: Random): CellShare | undefined {
  const total = shares.reduce((sum, { share }) => sum + share, 0);
  let dice = shares.length === 0 ? 1 : random.next() * Math.max(1, total);
  for (const one of shares) {
    dice -= one.share;
    if (dice < 0) return one;
  }
  return undefined;
}

function headFeeds(targets: readonly (readonly PatchTargets[])[], patches: number) {
  const count = targets.length * patches;
  const positions = allocate("float32", [count, POSITION_FEATURES]);
  const weights = allocate("float32", [(CLASS_HEADS.length + 1) * count]);
  const features = positionFeatures(Math.sqrt(patches));
  for (let at = 0; at < count; at++) positions.data.set(features[at % patches], at * POSITION_FEATURES);
  const labels = CLASS_HEADS.flatMap((head, block): [string, HostTensor][] => {
    if (head === "patch") {
      weights.data.fill(1, 0, count);
      return [];
    }
    const told = allocate("int64", [count]);
    for (const [at, target] of targets.flat().entries()) {
      told.data[at] = BigInt(target[head].label);
      weights.data[block * count + at] = target[head].weight;
    }
    return [[labelsOf(head), told]];
  });
  weights.data.fill(POSITION_WEIGHT, CLASS_HEADS.length * count);
  return { ...Object.fromEntries(labels), positions, loss_weights: weights };
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
