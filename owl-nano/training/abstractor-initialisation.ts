import type { StateDict } from "../../src/checkpoint/index.ts";
import { type OwlConfig, patchCount, patchStates, pixelInput, visionEncoder } from "../../src/model/index.ts";
import type { Device } from "../../src/runtime/index.ts";
import { allocate, type HostTensor, placeholdersOf, rootScope } from "../../src/tensor/index.ts";
import { denseHead } from "../../src/training/index.ts";
import { COLORS } from "../concepts/colors.ts";
import type { Picture } from "../pictures/pictures.ts";
import { type Random, randomFor } from "../random.ts";
import { leastSquares } from "./least-squares.ts";

/** What the weights are computed from. */
export interface InitialisationInputs {
  readonly config: OwlConfig;
  /** The language stage's weights and stage V's with its head. */
  readonly weights: StateDict;
  /** Pictures of one thing each. */
  readonly pictures: readonly Picture[];
  readonly pixelsOf: (picture: Picture) => Float32Array;
  /** The classes of the head (colors first) and the token of each one's name. */
  readonly words: readonly { readonly row: number; readonly token: number }[];
  readonly seed: number;
}

/** Attention logit of a patch per unit of its foreground score. */
const ATTENTION_GAIN = 5;
/** A class is put out only if its logit is this far above the mean of all classes. */
const THRESHOLD = 3.5;
/** Factor between the gate and the value of the gated MLP. */
const GATE_GAIN = 2;
/** Scales within the last layer: of the queries, of the pooled patches, of the names' embeddings. */
const QUERY_SIZE = 0.05;
const POOLED_SIZE = 0.3;
const WORD_SIZE = 3;
/** Share of the queries that attend to the background: two of twelve. */
const COLOR_SHARE = 1 / 6;

const PICTURES_AT_ONCE = 32;

type Rows = readonly Float64Array[];

/**
 * Weights with which the abstractor reproduces the predictions of stage V's head as word embeddings: its last layer pools the
 * foreground patches (the last queries: the background), its MLP computes the head's logits of that mean, and the output is the
 * embedding of the likeliest class's name. Trained from random weights through the frozen language model, the abstractor told
 * the training drawings apart as well as the head did, but unseen ones much worse.
 *
 * @returns the tensors that are not initialised at random, by their published names
 */
export async function initialiseAbstractor(
  material: InitialisationInputs,
  device: Device,
): Promise<StateDict> {
  const features = await encodePictures(material, device);
  const direction = foregroundDirection(material, features);
  const pooled = pooledFeatures(material, features, direction);
  const classes = fitReadout(material, features, pooled);
  const outputScale = embeddingRms(material) / outputRms(material, pooled, classes);
  return assembleWeights(material, direction, classes, outputScale);
}

interface PatchFeatures {
  /** Patches after a LayerNorm without weights, and without it: [pictures · patches][hidden]. */
  readonly normalised: Rows;
  readonly plain: Rows;
  /** The head's probability that a patch is foreground. */
  readonly foreground: Float64Array;
  readonly patches: number;
}

function normalised(row: Float64Array): Float64Array {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  return row.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
}

function headLogits(
  { weights }: InitialisationInputs,
  row: Float64Array,
  rows?: readonly number[],
): Float64Array {
  const weight = weights.get(`${denseHead}.weight`)!;
  const bias = weights.get(`${denseHead}.bias`)!.data;
  const [all, hidden] = weight.dims as readonly [number, number];
  return Float64Array.from(rows ?? Array.from({ length: all }, (_, c) => c), (c) => {
    let sum = Number(bias[c]);
    for (let i = 0; i < hidden; i++) sum += Number(weight.data[c * hidden + i]) * row[i];
    return sum;
  });
}

function foregroundProbability(logits: Float64Array): number {
  const most = Math.max(...logits);
  const odds = logits.map((value) => Math.exp(value - most));
  const background = odds.subarray(0, COLORS.length).reduce((sum, value) => sum + value, 0);
  return 1 - background / odds.reduce((sum, value) => sum + value, 0);
}

async function encodePictures(material: InitialisationInputs, device: Device): Promise<PatchFeatures> {
  const { config } = material;
  const { hidden } = config.vision;
  const patches = patchCount(config.vision);
  const plain = (await lastPatchStates(material, device)).flatMap((data) =>
    Array.from({ length: patches }, (_, i) => Float64Array.from(data.subarray(i * hidden, (i + 1) * hidden))),
  );
  return {
    plain,
    normalised: plain.map(normalised),
    foreground: Float64Array.from(plain, (row) => foregroundProbability(headLogits(material, row))),
    patches,
  };
}

/** The patches' last hidden states of each picture. */
async function lastPatchStates(material: InitialisationInputs, device: Device): Promise<Float32Array[]> {
  const { config, weights, pictures, pixelsOf } = material;
  const { hidden, imageSize } = config.vision;
  const scope = rootScope({}).at("vision_model");
  const { lastHiddenState } = visionEncoder(scope, pixelInput(config, PICTURES_AT_ONCE), config.vision);
  const graph = { name: "patches", outputs: { states: patchStates(lastHiddenState, config.vision) } };
  const parameters = Object.fromEntries(
    [...placeholdersOf(graph).parameters.keys()].map((name) => [name, weights.get(name)!]),
  );
  const program = await device.compile(graph);
  const pixels = device.allocate("float32", [PICTURES_AT_ONCE, 3, imageSize, imageSize]);
  const length = patchCount(config.vision) * hidden;
  const states: Float32Array[] = [];
  for (let start = 0; start < pictures.length; start += PICTURES_AT_ONCE) {
    const some = pictures.slice(start, start + PICTURES_AT_ONCE);
    for (const [i, picture] of some.entries())
      pixels.data.set(pixelsOf(picture), i * 3 * imageSize * imageSize);
    const { states: all } = await program.run({ ...parameters, pixel_values: pixels });
    for (const i of some.keys()) states.push((all.data as Float32Array).slice(i * length, (i + 1) * length));
  }
  program.dispose();
  return states;
}

/** The direction that separates foreground from background patches, by least squares. */
function foregroundDirection(
  { config }: InitialisationInputs,
  { normalised, foreground }: PatchFeatures,
): Float64Array {
  const rows = normalised.map((row) => Float64Array.from([...row, 1]));
  const [weights] = leastSquares(rows, [foreground.map((share) => 2 * share - 1)], 10);
  return weights.subarray(0, config.vision.hidden);
}

/** The residual of a query of this kind in the last layer. */
function queryResidual({ config }: InitialisationInputs, kind: QueryKind): Float64Array {
  const query = new Float64Array(config.abstractor.hidden);
  query[0] = kind.thing;
  query[1] = kind.side;
  return normalised(query).map((value) => value * QUERY_SIZE);
}

const POOLING_KINDS: readonly QueryKind[] = [
  { thing: 1, side: 1 },
  { thing: 1, side: -1 },
  { thing: -1, side: 0 },
];

/** Residual plus attention output of a query of each kind in the last layer, for each picture. */
function pooledFeatures(
  material: InitialisationInputs,
  { normalised, patches }: PatchFeatures,
  direction: Float64Array,
): Float64Array[] {
  const scores = Float64Array.from(normalised, (row) =>
    row.reduce((sum, value, j) => sum + value * direction[j], 0),
  );
  return material.pictures.flatMap((_, picture) =>
    POOLING_KINDS.map((kind) => {
      const sum = new Float64Array(direction.length);
      let total = 0;
      for (let i = picture * patches; i < (picture + 1) * patches; i++) {
        const weight = Math.exp(ATTENTION_GAIN * kind.thing * scores[i]);
        for (let j = 0; j < sum.length; j++) sum[j] += weight * normalised[i][j];
        total += weight;
      }
      const own = queryResidual(material, kind);
      return sum.map((value, j) => own[j] + (POOLED_SIZE * value) / total);
    }),
  );
}

/** For each class the weights on the output of norm2, and the bias last, fitted to the head's logits. */
function fitReadout(material: InitialisationInputs, features: PatchFeatures, pooled: Rows): Float64Array[] {
  const { words, pictures } = material;
  const asked = words.map(({ row }) => row);
  const rows = pooled.map((row) => Float64Array.from([...normalised(row), 1]));
  const said = pictures.flatMap((_, picture) =>
    POOLING_KINDS.map((kind) => headLogits(material, meanPatch(features, picture, kind), asked)),
  );
  const wanted = asked.map((_, c) => Float64Array.from(said, (logits) => logits[c]));
  const fitted = leastSquares(rows, wanted, 1);
  return [
    ...contrastClasses(fitted.slice(0, COLORS.length)),
    ...contrastClasses(fitted.slice(COLORS.length)),
  ];
}

/** The mean of the foreground patches, or of the background ones. */
function meanPatch(
  { plain, foreground, patches }: PatchFeatures,
  picture: number,
  kind: QueryKind,
): Float64Array {
  const mean = new Float64Array(plain[0].length);
  let total = 1e-3;
  for (let i = picture * patches; i < (picture + 1) * patches; i++) {
    const share = kind.thing > 0 ? foreground[i] : 1 - foreground[i];
    for (let j = 0; j < mean.length; j++) mean[j] += share * plain[i][j];
    total += share;
  }
  return mean.map((value) => value / total);
}

/** Logits relative to the mean of the classes, less the threshold: an unseen drawing raises all classes a little. */
function contrastClasses(classes: readonly Float64Array[]): Float64Array[] {
  const mean = classes[0].map((_, i) => classes.reduce((sum, row) => sum + row[i], 0) / classes.length);
  return classes.map((row) =>
    row.map((value, i) => value - mean[i] - (i === row.length - 1 ? THRESHOLD : 0)),
  );
}

interface QueryKind {
  /** 1 for a query that attends to the foreground, -1 to the background. */
  readonly thing: 1 | -1;
  /** -1 for the thing on the left, 1 for the one on the right: training learns to use it. */
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

function nameEmbeddings({ weights, words }: InitialisationInputs): Float32Array[] {
  const { data, dims } = weights.get("language_model.model.embed_tokens.weight")!;
  const width = dims[1];
  return words.map(({ token }) => (data as Float32Array).slice(token * width, (token + 1) * width));
}

/** Root mean square of the names' embeddings. */
function embeddingRms(material: InitialisationInputs): number {
  const words = nameEmbeddings(material);
  const squares = words.reduce((sum, word) => sum + word.reduce((all, value) => all + value * value, 0), 0);
  return Math.sqrt(squares / (words.length * words[0].length));
}

/** Root mean square of the last layer's output. */
function outputRms(material: InitialisationInputs, pooled: Rows, classes: Rows): number {
  const { hidden, intermediate } = material.config.abstractor;
  const words = projectedEmbeddings(material);
  let squares = 0;
  for (const row of pooled) {
    const normal = normalised(row);
    const gated = new Float64Array(intermediate);
    for (const [c, weights] of classes.entries()) {
      const value = weights.reduce((sum, weight, i) => sum + weight * (i < hidden ? normal[i] : 1), 0);
      gated[c] = (GATE_GAIN * value * value) / (1 + Math.exp(-GATE_GAIN * value));
    }
    const output = normalised(gated);
    for (let i = 0; i < hidden; i++)
      squares += words.reduce((sum, word, c) => sum + word[i] * output[c], row[i]) ** 2;
  }
  return Math.sqrt(squares / (pooled.length * hidden));
}

/** The names' embeddings cut to the width of the abstractor, at the scale of {@link WORD_SIZE}. */
function projectedEmbeddings(material: InitialisationInputs): Float64Array[] {
  const { hidden } = material.config.abstractor;
  const words = nameEmbeddings(material).map((word) =>
    Float64Array.from({ length: hidden }, (_, i) => word[i] ?? 0),
  );
  const length = words.reduce((sum, word) => sum + Math.hypot(...word), 0) / words.length;
  return words.map((word) => word.map((value) => (WORD_SIZE * value) / length));
}

/** A small random number: the model's usual initialisation times a factor. */
type Noise = (factor: number) => number;

/** Tensors by name. The random ones are drawn in the order in which they stand here. */
function assembleWeights(
  material: InitialisationInputs,
  direction: Float64Array,
  classes: Rows,
  outputScale: number,
): StateDict {
  const { config, seed } = material;
  const { hidden, layers, initializerRange } = config.abstractor;
  const random: Random = randomFor(seed, "first reading", 0);
  const noise: Noise = (factor) => random.range(-1, 1) * Math.sqrt(3) * initializerRange * factor;
  const last = `abstractor.encoder.layers.${layers - 1}.crossattention`;
  return new Map<string, HostTensor>([
    ["query_tokens", queryTokens(config, noise)],
    ...attentionWeights(material, last, direction, noise),
    ...mlpWeights(material, `${last}.output.mlp`, classes, noise),
    [
      "abstractor.visual_fc.weight",
      matrix(config.language.hidden, hidden, (r, c) => (r === c ? outputScale : 0)),
    ],
    ...Array.from({ length: layers - 1 }, (_, layer) => weakLayer(config, layer, noise)).flat(),
  ]);
}

/** The queries: their kind in the first two dimensions, noise in the others. */
function queryTokens(config: OwlConfig, noise: Noise): HostTensor {
  const { hidden } = config.abstractor;
  const kinds = queryKinds(config);
  const queries = allocate("float32", [1, kinds.length, hidden]);
  for (const [q, { thing, side }] of kinds.entries())
    for (let i = 0; i < hidden; i++)
      queries.data[q * hidden + i] = i === 0 ? thing : i === 1 ? side : noise(1);
  return queries;
}

/** The last layer's attention. The first dimension of each head: of a query whether it seeks foreground, of a patch how much it is. */
function attentionWeights(
  material: InitialisationInputs,
  layer: string,
  direction: Float64Array,
  noise: Noise,
): [string, HostTensor][] {
  const { config } = material;
  const { hidden, heads } = config.abstractor;
  const headDim = hidden / heads;
  const norm = allocate("float32", [hidden]);
  norm.data.fill(QUERY_SIZE);
  const own = queryResidual(material, queryKinds(config)[0]);
  return [
    [`${layer}.norm1.weight`, norm],
    [
      `${layer}.attention.query.weight`,
      matrix(hidden, hidden, (r, c) => (c === 0 && r % headDim === 0 ? 1 / own[0] : noise(0.1))),
    ],
    [
      `${layer}.attention.key.weight`,
      matrix(hidden, hidden, (r, c) =>
        r % headDim === 0 ? ATTENTION_GAIN * Math.sqrt(headDim) * direction[c] : noise(0.1),
      ),
    ],
    [`${layer}.attention.value.weight`, matrix(hidden, hidden, (r, c) => (r === c ? 1 : 0))],
    [`${layer}.output.out_proj.weight`, matrix(hidden, hidden, (r, c) => (r === c ? POOLED_SIZE : 0))],
  ];
}

/** The last layer's gated MLP: gate and value are the classes' logits, the output is the embedding of the class's name. */
function mlpWeights(
  material: InitialisationInputs,
  mlp: string,
  classes: Rows,
  noise: Noise,
): [string, HostTensor][] {
  const { hidden, intermediate } = material.config.abstractor;
  const words = projectedEmbeddings(material);
  const logits = (scale: number, rest: number): HostTensor =>
    matrix(intermediate, hidden, (row, column) =>
      row < classes.length ? scale * classes[row][column] : noise(rest),
    );
  const bias = (scale: number): HostTensor => {
    const tensor = allocate("float32", [intermediate]);
    for (const [c, row] of classes.entries()) tensor.data[c] = scale * row[hidden];
    return tensor;
  };
  return [
    [`${mlp}.w1.weight`, logits(GATE_GAIN, 0.1)],
    [`${mlp}.w1.bias`, bias(GATE_GAIN)],
    [`${mlp}.w3.weight`, logits(1, 1)],
    [`${mlp}.w3.bias`, bias(1)],
    [
      `${mlp}.w2.weight`,
      matrix(hidden, intermediate, (r, c) => (c < words.length ? words[c][r] : noise(0.1))),
    ],
  ];
}

/** A layer before the last, which at first adds little to what passes through it. */
function weakLayer({ abstractor }: OwlConfig, layer: number, noise: Noise): [string, HostTensor][] {
  const { hidden, intermediate } = abstractor;
  const output = `abstractor.encoder.layers.${layer}.crossattention.output`;
  return [
    [`${output}.out_proj.weight`, matrix(hidden, hidden, () => noise(0.2))],
    [`${output}.mlp.w2.weight`, matrix(hidden, intermediate, () => noise(0.2))],
  ];
}
