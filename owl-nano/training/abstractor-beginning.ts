import type { StateDict } from "../../src/checkpoint/index.ts";
import type { OwlConfig } from "../../src/model/index.ts";
import { allocate, type HostTensor } from "../../src/tensor/index.ts";
import { type Random, randomFor } from "../random.ts";
import { NOTE_COLUMNS, NOTE_ROWS } from "../scenes/notes.ts";
import { LAYOUT_HEADS, POSITION_FEATURES } from "./layout-objective.ts";
import { positionFeatures } from "./layout-reader.ts";
import { principalDirections } from "./principal-directions.ts";

/** What the weights are computed from. */
export interface AbstractorSource {
  readonly config: OwlConfig;
  /** The layout stage's weights with its heads, and the language stage's embeddings. */
  readonly weights: StateDict;
  /** The heads whose classes are said. */
  readonly heads: readonly SpokenHead[];
  readonly seed: number;
}

/** A head of the layout stage, and what each of its classes says. */
export interface SpokenHead {
  readonly head: string;
  readonly classes: readonly {
    /** What is added to a visual token; undefined: nothing is said of this class. */
    readonly code: Float32Array | undefined;
    /** How much it counted in the layout stage's loss. */
    readonly lossWeight: number;
  }[];
}

/** Attention logit of a patch that lies where a query looks. */
const ATTENTION_GAIN = 40;
/** A word is said only if its logit is this far above the mean of all words. */
const THRESHOLD = 3;
/** Factor between the gate and the value of the gated MLP. */
const GATE_GAIN = 2;
/** Scales within the last layer: of the queries, of the pooled patches, of the words. */
const QUERY_SIZE = 0.05;
const POOLED_SIZE = 0.3;
const WORD_SIZE = 3;

/**
 * Weights with which the abstractor's last layer says what the heads of the layout stage say: each query attends to the patches of
 * its cell, the gated MLP has a unit for each word, and `visual_fc` turns the loudest into its embedding. From random weights
 * nothing was read after ten thousand pictures.
 *
 * @returns the tensors that do not begin at random, by their published names
 */
export function abstractorBeginning(source: AbstractorSource): StateDict {
  const { config, weights } = source;
  const { hidden, layers } = config.abstractor;
  const random = randomFor(source.seed, "abstractor", 0);
  const noise = (): number => (random.next() - 0.5) * 0.02;
  const codes = wordCodes(source);
  const last = `abstractor.encoder.layers.${layers - 1}.crossattention`;
  const norm = allocate("float32", [hidden]);
  norm.data.fill(QUERY_SIZE);
  return new Map<string, HostTensor>([
    ["query_tokens", queryTokens(config, noise)],
    [`${last}.norm1.weight`, norm],
    ...attentionWeights(config, weights, last, noise),
    ...mlpWeights(source, `${last}.output.mlp`, codes, noise),
    [
      "abstractor.visual_fc.weight",
      matrix(config.language.hidden, hidden, (r, c) => codes.basis[c][r] / WORD_SIZE),
    ],
    ...Array.from({ length: layers - 1 }, (_, layer) => quietLayer(config, layer, random)).flat(),
  ]);
}

function matrix(rows: number, columns: number, at: (row: number, column: number) => number): HostTensor {
  const tensor = allocate("float32", [rows, columns]);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) tensor.data[r * columns + c] = at(r, c);
  return tensor;
}

function vector(length: number, at: (index: number) => number): HostTensor {
  const tensor = allocate("float32", [length]);
  for (let i = 0; i < length; i++) tensor.data[i] = at(i);
  return tensor;
}

/** Where each query looks, in its first dimensions. */
function queryTokens({ abstractor, numQueryTokens }: OwlConfig, noise: () => number): HostTensor {
  const centers = cellFeatures();
  const queries = allocate("float32", [1, numQueryTokens, abstractor.hidden]);
  for (let q = 0; q < numQueryTokens; q++)
    for (let i = 0; i < abstractor.hidden; i++)
      queries.data[q * abstractor.hidden + i] = centers[q]?.[i] ?? noise();
  return queries;
}

/** The position features of each cell's patches, on average. */
function cellFeatures(): number[][] {
  const patches = positionFeatures(NOTE_COLUMNS);
  const perCell = NOTE_COLUMNS / NOTE_ROWS;
  return Array.from({ length: NOTE_ROWS * NOTE_COLUMNS }, (_, cell) => {
    const [row, column] = [Math.floor(cell / NOTE_COLUMNS), cell % NOTE_COLUMNS];
    const own = Array.from(
      { length: perCell },
      (_, i) => patches[(row * perCell + i) * NOTE_COLUMNS + column],
    );
    return own[0].map((_, f) => own.reduce((sum, features) => sum + features[f], 0) / perCell);
  });
}

/** A head of the layout stage as it reads patches after a LayerNorm without weights. */
interface Readout {
  readonly rows: readonly Float64Array[];
  readonly biases: Float64Array;
}

/** The vision encoder's last LayerNorm gives each patch this mean and deviation, nearly. */
function patchScale(weights: StateDict): { mean: number; deviation: number } {
  const gain = weights.get("vision_model.post_layernorm.weight")!.data as Float32Array;
  const shift = weights.get("vision_model.post_layernorm.bias")!.data as Float32Array;
  const mean = shift.reduce((sum, value) => sum + value, 0) / shift.length;
  const square = gain.reduce((sum, value, i) => sum + value ** 2 + shift[i] ** 2, 0) / shift.length;
  return { mean, deviation: Math.sqrt(square - mean ** 2) };
}

function readout(weights: StateDict, head: string): Readout {
  const { data, dims } = weights.get(`${head}.weight`)!;
  const bias = weights.get(`${head}.bias`)!.data as Float32Array;
  const [count, width] = dims;
  const { mean, deviation } = patchScale(weights);
  const rows = Array.from({ length: count }, (_, r) =>
    Float64Array.from((data as Float32Array).subarray(r * width, (r + 1) * width)),
  );
  return {
    rows: rows.map((row) => row.map((value) => value * deviation)),
    biases: Float64Array.from(rows, (row, r) => bias[r] + mean * row.reduce((sum, value) => sum + value, 0)),
  };
}

/** Keys are where a patch is, queries where one looks; values are the patches as they are. */
function attentionWeights(
  { abstractor }: OwlConfig,
  weights: StateDict,
  layer: string,
  noise: () => number,
): [string, HostTensor][] {
  const { hidden, heads } = abstractor;
  const headDim = hidden / heads;
  const where = readout(weights, LAYOUT_HEADS.position);
  // A query's features have the square 8 · (a little less for the mean of two patches); its norm makes their mean square one.
  const scale = Math.sqrt(headDim) / QUERY_SIZE / Math.sqrt(hidden / (POSITION_FEATURES / 2));
  const gain = ATTENTION_GAIN / (POSITION_FEATURES / 2);
  return [
    [
      `${layer}.attention.query.weight`,
      matrix(hidden, hidden, (r, c) => (r % headDim === c && c < POSITION_FEATURES ? scale : noise())),
    ],
    [
      `${layer}.attention.key.weight`,
      matrix(hidden, hidden, (r, c) => {
        const row = where.rows[r % headDim];
        return row === undefined ? noise() : gain * row[c];
      }),
    ],
    [`${layer}.attention.key.bias`, vector(hidden, (r) => gain * (where.biases[r % headDim] ?? 0))],
    [`${layer}.attention.value.weight`, matrix(hidden, hidden, (r, c) => (r === c ? 1 : 0))],
    [`${layer}.output.out_proj.weight`, matrix(hidden, hidden, (r, c) => (r === c ? POOLED_SIZE : 0))],
  ];
}

/** The words' embeddings in the abstractor's width. */
interface WordCodes {
  /** Orthonormal directions in the language model's width, one for each of the abstractor's dimensions. */
  readonly basis: readonly Float64Array[];
  /** Of each class, in that basis. */
  readonly codes: readonly Float64Array[];
}

function wordCodes({ config, heads }: AbstractorSource): WordCodes {
  const said = heads.flatMap(({ classes }) =>
    classes.flatMap(({ code }) => (code === undefined ? [] : [Float64Array.from(code)])),
  );
  const basis = principalDirections(said, config.abstractor.hidden);
  const codes = said.map((word) =>
    Float64Array.from(basis, (direction) => direction.reduce((sum, value, i) => sum + value * word[i], 0)),
  );
  return { basis, codes };
}

/** Gate and value of the MLP are the words' logits, its output the code of the loudest of each head. */
function mlpWeights(
  { config, weights, heads }: AbstractorSource,
  mlp: string,
  { codes }: WordCodes,
  noise: () => number,
): [string, HostTensor][] {
  const { hidden, intermediate } = config.abstractor;
  const units = heads.flatMap((head) => contrasted(readout(weights, head.head), head));
  if (units.length > intermediate)
    throw new RangeError(
      `abstractor beginning: the MLP must have a unit for each of ${units.length} words, got ${intermediate}`,
    );
  // One unit that stands out of a normalised layer is as large as the root of its width.
  const size = WORD_SIZE / Math.sqrt(intermediate);
  const logits = (factor: number): HostTensor =>
    matrix(intermediate, hidden, (r, c) => (r < units.length ? factor * units[r].row[c] : noise()));
  const bias = (factor: number): HostTensor =>
    vector(intermediate, (r) => (r < units.length ? factor * units[r].bias : 0));
  return [
    [`${mlp}.w1.weight`, logits(GATE_GAIN)],
    [`${mlp}.w1.bias`, bias(GATE_GAIN)],
    [`${mlp}.w3.weight`, logits(1)],
    [`${mlp}.w3.bias`, bias(1)],
    [
      `${mlp}.w2.weight`,
      matrix(hidden, intermediate, (r, c) => (c < codes.length ? size * codes[c][r] : noise())),
    ],
  ];
}

/** Logits of the classes that are said, without the loss's weights, relative to the mean of their head, less the threshold. */
function contrasted(
  { rows, biases }: Readout,
  { classes }: SpokenHead,
): { readonly row: Float64Array; readonly bias: number }[] {
  const fair = biases.map((bias, c) => bias - Math.log(classes[c].lossWeight));
  const meanRow = rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
  const meanBias = fair.reduce((sum, bias) => sum + bias, 0) / fair.length;
  return classes.flatMap(({ code }, c) =>
    code === undefined
      ? []
      : [{ row: rows[c].map((value, i) => value - meanRow[i]), bias: fair[c] - meanBias - THRESHOLD }],
  );
}

/** A layer before the last, which at first adds little to what passes through it. */
function quietLayer({ abstractor }: OwlConfig, layer: number, random: Random): [string, HostTensor][] {
  const { hidden, intermediate } = abstractor;
  const output = `abstractor.encoder.layers.${layer}.crossattention.output`;
  const quiet = (): number => (random.next() - 0.5) * 0.02;
  return [
    [`${output}.out_proj.weight`, matrix(hidden, hidden, quiet)],
    [`${output}.mlp.w2.weight`, matrix(hidden, intermediate, quiet)],
  ];
}
