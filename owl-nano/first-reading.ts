import type { StateDict } from "../src/checkpoint/index.ts";
import { type OwlConfig, patchCount, pixelInput, visionEncoder } from "../src/model/index.ts";
import type { Device } from "../src/runtime/index.ts";
import { allocate, type HostTensor, placeholdersOf, rootScope } from "../src/tensor/index.ts";
import { denseHead } from "../src/training/index.ts";
import { COLORS } from "./colors.ts";
import { leastSquares } from "./least-squares.ts";
import type { Picture } from "./pictures.ts";
import { type Random, randomFor } from "./random.ts";

/** What the first weights are made from. */
export interface ReadingMaterial {
  readonly config: OwlConfig;
  /** The language stage's weights and stage V's with its head. */
  readonly weights: StateDict;
  /** Pictures of one thing each. */
  readonly pictures: readonly Picture[];
  readonly pixelsOf: (picture: Picture) => Float32Array;
  /** Rows of the head, colors first, and the token that names each. */
  readonly words: readonly { readonly row: number; readonly token: number }[];
  readonly seed: number;
}

/** How much sharper a query looks at things than at the background, per unit of the score of a patch. */
const FOCUS = 5;
/** Only what stands out so far from the mean of the classes is said. */
const THRESHOLD = 3.5;
/** The gate closes this much more steeply than the value grows. */
const STEEPNESS = 2;
/** Sizes within the last layer: of the queries, of what is read, of the words beside it. */
const QUERY_SIZE = 0.05;
const READING_SIZE = 0.3;
const WORD_SIZE = 3;
/** Two queries of twelve look at the background. */
const COLOR_SHARE = 1 / 6;

const PICTURES_AT_ONCE = 32;

type Rows = readonly Float64Array[];

/**
 * First weights of the abstractor with which it says what stage V's head would say, in the language model's own words: its last
 * layer takes the mean of the patches that show things (the last queries: of those that do not), asks the head's rows which class
 * that is, and puts the embedding of that class's name where the visual token will be. Learnt from nothing through the frozen
 * language model, the abstractor told the training drawings apart as well as the head did, and unseen ones much worse.
 *
 * @returns the tensors that are not drawn at random, by their published names
 */
export async function firstReading(material: ReadingMaterial, device: Device): Promise<StateDict> {
  const seen = await encode(material, device);
  const look = lookingAtThings(material, seen);
  const read = whatIsRead(material, seen, look);
  const classes = readOut(material, seen, read);
  return draft(material, look, classes, wordSize(material) / sizeOfSaying(material, read, classes));
}

interface Seen {
  /** Patches after a LayerNorm without weights, and as they are: [pictures · patches][hidden]. */
  readonly normal: Rows;
  readonly plain: Rows;
  /** How far the head takes each patch for a part of a thing, 0 to 1. */
  readonly thing: Float64Array;
  readonly patches: number;
}

function normalised(row: Float64Array): Float64Array {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  return row.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
}

function headLogits({ weights }: ReadingMaterial, row: Float64Array, rows?: readonly number[]): Float64Array {
  const weight = weights.get(`${denseHead}.weight`)!;
  const bias = weights.get(`${denseHead}.bias`)!.data;
  const [all, hidden] = weight.dims as readonly [number, number];
  return Float64Array.from(rows ?? Array.from({ length: all }, (_, c) => c), (c) => {
    let sum = Number(bias[c]);
    for (let i = 0; i < hidden; i++) sum += Number(weight.data[c * hidden + i]) * row[i]!;
    return sum;
  });
}

function isThing(logits: Float64Array): number {
  const most = Math.max(...logits);
  const odds = logits.map((value) => Math.exp(value - most));
  const background = odds.subarray(0, COLORS.length).reduce((sum, value) => sum + value, 0);
  return 1 - background / odds.reduce((sum, value) => sum + value, 0);
}

async function encode(material: ReadingMaterial, device: Device): Promise<Seen> {
  const { config } = material;
  const { hidden } = config.vision;
  const patches = patchCount(config.vision);
  const plain = (await patchStates(material, device)).flatMap((data) =>
    Array.from({ length: patches }, (_, i) =>
      Float64Array.from(data.subarray((1 + i) * hidden, (2 + i) * hidden)),
    ),
  );
  return {
    plain,
    normal: plain.map(normalised),
    thing: Float64Array.from(plain, (row) => isThing(headLogits(material, row))),
    patches,
  };
}

/** The vision encoder's last hidden state of each picture, class token first. */
async function patchStates(material: ReadingMaterial, device: Device): Promise<Float32Array[]> {
  const { config, weights, pictures, pixelsOf } = material;
  const { hidden, imageSize } = config.vision;
  const scope = rootScope({}).at("vision_model");
  const { lastHiddenState } = visionEncoder(scope, pixelInput(config, PICTURES_AT_ONCE), config.vision);
  const graph = { name: "patches", outputs: { states: lastHiddenState } };
  const parameters = Object.fromEntries(
    [...placeholdersOf(graph).parameters.keys()].map((name) => [name, weights.get(name)!]),
  );
  const program = await device.compile(graph);
  const pixels = device.allocate("float32", [PICTURES_AT_ONCE, 3, imageSize, imageSize]);
  const length = (1 + patchCount(config.vision)) * hidden;
  const states: Float32Array[] = [];
  for (let start = 0; start < pictures.length; start += PICTURES_AT_ONCE) {
    const some = pictures.slice(start, start + PICTURES_AT_ONCE);
    for (const [i, picture] of some.entries())
      pixels.data.set(pixelsOf(picture), i * 3 * imageSize * imageSize);
    const { states: all } = await program.run({ ...parameters, pixel_values: pixels });
    for (const i of some.keys()) states.push((all!.data as Float32Array).slice(i * length, (i + 1) * length));
  }
  program.dispose();
  return states;
}

/** The direction in which a normalised patch that shows a thing differs from one that shows none. */
function lookingAtThings({ config }: ReadingMaterial, { normal, thing }: Seen): Float64Array {
  const rows = normal.map((row) => Float64Array.from([...row, 1]));
  const [weights] = leastSquares(rows, [thing.map((share) => 2 * share - 1)], 10);
  return weights!.subarray(0, config.vision.hidden);
}

/** A query of this kind as the last layer adds it to what it read. */
function ownPart({ config }: ReadingMaterial, kind: QueryKind): Float64Array {
  const query = new Float64Array(config.abstractor.hidden);
  query[0] = kind.thing;
  query[1] = kind.side;
  return normalised(query).map((value) => value * QUERY_SIZE);
}

const LOOKS: readonly QueryKind[] = [
  { thing: 1, side: 1 },
  { thing: 1, side: -1 },
  { thing: -1, side: 0 },
];

/** What a query of each kind has in the last layer after it looked, picture by picture. */
function whatIsRead(
  material: ReadingMaterial,
  { normal, patches }: Seen,
  look: Float64Array,
): Float64Array[] {
  const scores = Float64Array.from(normal, (row) => row.reduce((sum, value, j) => sum + value * look[j]!, 0));
  return material.pictures.flatMap((_, picture) =>
    LOOKS.map((kind) => {
      const sum = new Float64Array(look.length);
      let looked = 0;
      for (let i = picture * patches; i < (picture + 1) * patches; i++) {
        const gaze = Math.exp(FOCUS * kind.thing * scores[i]!);
        for (let j = 0; j < sum.length; j++) sum[j]! += gaze * normal[i]![j]!;
        looked += gaze;
      }
      const own = ownPart(material, kind);
      return sum.map((value, j) => own[j]! + (READING_SIZE * value) / looked);
    }),
  );
}

/** For each of the named classes the weights on what norm2 gives, and the bias last. */
function readOut(material: ReadingMaterial, seen: Seen, read: Rows): Float64Array[] {
  const { words, pictures } = material;
  const asked = words.map(({ row }) => row);
  const rows = read.map((row) => Float64Array.from([...normalised(row), 1]));
  const said = pictures.flatMap((_, picture) =>
    LOOKS.map((kind) => headLogits(material, meanPatch(seen, picture, kind), asked)),
  );
  const wanted = asked.map((_, c) => Float64Array.from(said, (logits) => logits[c]!));
  const fitted = leastSquares(rows, wanted, 1);
  return [...standingOut(fitted.slice(0, COLORS.length)), ...standingOut(fitted.slice(COLORS.length))];
}

/** The mean of the patches that show things, or of those that show none. */
function meanPatch({ plain, thing, patches }: Seen, picture: number, kind: QueryKind): Float64Array {
  const mean = new Float64Array(plain[0]!.length);
  let total = 1e-3;
  for (let i = picture * patches; i < (picture + 1) * patches; i++) {
    const share = kind.thing > 0 ? thing[i]! : 1 - thing[i]!;
    for (let j = 0; j < mean.length; j++) mean[j]! += share * plain[i]![j]!;
    total += share;
  }
  return mean.map((value) => value / total);
}

/** How far a class stands out from the mean of its kind, less the threshold: an unseen drawing raises all classes a little. */
function standingOut(classes: readonly Float64Array[]): Float64Array[] {
  const mean = classes[0]!.map((_, i) => classes.reduce((sum, row) => sum + row[i]!, 0) / classes.length);
  return classes.map((row) =>
    row.map((value, i) => value - mean[i]! - (i === row.length - 1 ? THRESHOLD : 0)),
  );
}

interface QueryKind {
  /** 1 where a query looks at things, -1 where at the background. */
  readonly thing: 1 | -1;
  /** -1 for the thing on the left, 1 for the one on the right, once it has learnt to tell them apart. */
  readonly side: -1 | 0 | 1;
}

function queryKinds({ numQueryTokens }: OwlConfig): QueryKind[] {
  const names = numQueryTokens - Math.max(1, Math.round(numQueryTokens * COLOR_SHARE));
  return Array.from({ length: numQueryTokens }, (_, i) =>
    i >= names ? { thing: -1, side: 0 } : { thing: 1, side: i < names / 2 ? -1 : 1 },
  );
}

function matrix(rows: number, columns: number, at: (row: number, column: number) => number): HostTensor {
  const tensor = allocate("float32", [rows, columns]);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) tensor.data[r * columns + c] = at(r, c);
  return tensor;
}

function wordsOf({ weights, words }: ReadingMaterial): Float32Array[] {
  const { data, dims } = weights.get("language_model.model.embed_tokens.weight")!;
  const width = dims[1]!;
  return words.map(({ token }) => (data as Float32Array).slice(token * width, (token + 1) * width));
}

/** Root mean square of the names' embeddings. */
function wordSize(material: ReadingMaterial): number {
  const words = wordsOf(material);
  const squares = words.reduce((sum, word) => sum + word.reduce((all, value) => all + value * value, 0), 0);
  return Math.sqrt(squares / (words.length * words[0]!.length));
}

/** Root mean square of what comes out of the last layer. */
function sizeOfSaying(material: ReadingMaterial, read: Rows, classes: Rows): number {
  const { hidden, intermediate } = material.config.abstractor;
  const words = shortWords(material);
  let squares = 0;
  for (const row of read) {
    const normal = normalised(row);
    const gated = new Float64Array(intermediate);
    for (const [c, weights] of classes.entries()) {
      const value = weights.reduce((sum, weight, i) => sum + weight * (i < hidden ? normal[i]! : 1), 0);
      gated[c] = (STEEPNESS * value * value) / (1 + Math.exp(-STEEPNESS * value));
    }
    const heard = normalised(gated);
    for (let i = 0; i < hidden; i++)
      squares += words.reduce((sum, word, c) => sum + word[i]! * heard[c]!, row[i]!) ** 2;
  }
  return Math.sqrt(squares / (read.length * hidden));
}

/** The names' embeddings as far as the abstractor is wide, as long as it can say them loudly. */
function shortWords(material: ReadingMaterial): Float64Array[] {
  const { hidden } = material.config.abstractor;
  const words = wordsOf(material).map((word) =>
    Float64Array.from({ length: hidden }, (_, i) => word[i] ?? 0),
  );
  const length = words.reduce((sum, word) => sum + Math.hypot(...word), 0) / words.length;
  return words.map((word) => word.map((value) => (WORD_SIZE * value) / length));
}

function draft(material: ReadingMaterial, look: Float64Array, classes: Rows, loudness: number): StateDict {
  const { config, seed } = material;
  const { hidden, layers, heads, intermediate, initializerRange } = config.abstractor;
  const random: Random = randomFor(seed, "first reading", 0);
  const little = (share: number): number => random.range(-1, 1) * Math.sqrt(3) * initializerRange * share;
  const kinds = queryKinds(config);
  const headDim = hidden / heads;
  const last = `abstractor.encoder.layers.${layers - 1}.crossattention`;
  const own = ownPart(material, kinds[0]!);
  const words = shortWords(material);
  const queries = allocate("float32", [1, kinds.length, hidden]);
  for (const [q, { thing, side }] of kinds.entries())
    for (let i = 0; i < hidden; i++)
      queries.data[q * hidden + i] = i === 0 ? thing : i === 1 ? side : little(1);
  const norm = allocate("float32", [hidden]);
  norm.data.fill(QUERY_SIZE);
  const classRow = (scale: number, rest: number) => (row: number, column: number) =>
    row < classes.length ? scale * classes[row]![column]! : little(rest);
  const bias = (scale: number): HostTensor => {
    const tensor = allocate("float32", [intermediate]);
    for (const [c, row] of classes.entries()) tensor.data[c] = scale * row[hidden]!;
    return tensor;
  };
  const tensors = new Map<string, HostTensor>([
    ["query_tokens", queries],
    [`${last}.norm1.weight`, norm],
    // Each head's first number of a query says what it looks for, that of a patch how much of a thing it shows.
    [
      `${last}.attention.query.weight`,
      matrix(hidden, hidden, (r, c) => (c === 0 && r % headDim === 0 ? 1 / own[0]! : little(0.1))),
    ],
    [
      `${last}.attention.key.weight`,
      matrix(hidden, hidden, (r, c) =>
        r % headDim === 0 ? FOCUS * Math.sqrt(headDim) * look[c]! : little(0.1),
      ),
    ],
    [`${last}.attention.value.weight`, matrix(hidden, hidden, (r, c) => (r === c ? 1 : 0))],
    [`${last}.output.out_proj.weight`, matrix(hidden, hidden, (r, c) => (r === c ? READING_SIZE : 0))],
    [`${last}.output.mlp.w1.weight`, matrix(intermediate, hidden, classRow(STEEPNESS, 0.1))],
    [`${last}.output.mlp.w1.bias`, bias(STEEPNESS)],
    [`${last}.output.mlp.w3.weight`, matrix(intermediate, hidden, classRow(1, 1))],
    [`${last}.output.mlp.w3.bias`, bias(1)],
    [
      `${last}.output.mlp.w2.weight`,
      matrix(hidden, intermediate, (r, c) => (c < words.length ? words[c]![r]! : little(0.1))),
    ],
    [
      "abstractor.visual_fc.weight",
      matrix(config.language.hidden, hidden, (r, c) => (r === c ? loudness : 0)),
    ],
  ]);
  for (let layer = 0; layer < layers - 1; layer++) {
    const before = `abstractor.encoder.layers.${layer}.crossattention.output`;
    tensors.set(
      `${before}.out_proj.weight`,
      matrix(hidden, hidden, () => little(0.2)),
    );
    tensors.set(
      `${before}.mlp.w2.weight`,
      matrix(hidden, intermediate, () => little(0.2)),
    );
  }
  return tensors;
}
