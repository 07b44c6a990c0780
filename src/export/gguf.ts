import {
  CheckpointError,
  entriesByName,
  ggmlNumbers,
  openValidated,
  type RowRange,
  type TensorEntry,
  type TensorSource,
  type WrittenGgmlType,
} from "../checkpoint/index.ts";
import {
  type Architecture,
  ggmlTypes,
  ggufLayout,
  ggufName,
  isNorm,
  isQueryOrKey,
  type WrittenTensor,
  type WrittenValue,
} from "../gguf/index.ts";
import { modelDirectory } from "../hub/index.ts";
import { type OwlConfig, publishedModel } from "../model/index.ts";
import {
  checkOptions,
  type FilePiece,
  type OptionRules,
  option,
  pathKind,
  writePiecesAtomically,
} from "../platform/index.ts";
import { elementCount } from "../tensor/index.ts";
import { ggufTokenizer, loadTokenizer } from "../tokenizer/index.ts";
import { textTemplate } from "./chat-template.ts";
import { type GgufSettings, ggufSettings } from "./gguf-settings.ts";

/** Number formats in which a GGUF file's matrices are written. */
export const ggufTypes = ["f32", "f16", "bf16", "q8_0", "q4_0"] as const;
export type GgufType = (typeof ggufTypes)[number];

export interface GgufExportOptions {
  /** The number format of matrices; norms and biases stay in single precision. Default "f16". */
  readonly dtype?: GgufType | undefined;
  readonly onProgress?: ((bytes: number, totalBytes: number, file: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const rules: OptionRules<GgufExportOptions> = {
  dtype: option.oneOf([...ggufTypes]),
  onProgress: option.callback,
  signal: option.signal,
};

export interface GgufExportReport {
  /** Bytes of the file. */
  readonly bytes: number;
  /** What of the model is not in the file. */
  readonly leftOut: readonly string[];
}

const LEFT_OUT =
  "llama.cpp knows no visual abstractor: vision encoder and abstractor are left behind, so the file answers texts, not pictures";

/**
 * Writes the language model of an owl, or one alone, as a GGUF file that llama.cpp runs, with its tokenizer and chat
 * template. Weights go piece by piece.
 *
 * @param model a model in floating point, its adapter merged
 * @param path the file; must not be there
 * @throws CheckpointError naming everything of it that llama.cpp does not compute
 */
export async function exportGguf(
  model: string | URL,
  path: string,
  options: GgufExportOptions = {},
): Promise<GgufExportReport> {
  checkOptions("exportGguf", options, rules);
  const directory = await modelDirectory(model);
  if ((await pathKind(path)) !== "missing") {
    throw new CheckpointError(path, "must not be there yet", ["one that is there"], "Name another file.");
  }
  const { config, checkpoint } = await openValidated(directory, publishedModel);
  const { weights } = checkpoint;
  try {
    const { settings, tokenizer, leftOut } = await contentOf(directory, config);
    const plan = planOf(weights, config, settings, options.dtype ?? "f16");
    const named = config.textOnly
      ? "language model"
      : "language model of an mPLUG-Owl; pictures are left behind";
    const metadata = new Map<string, WrittenValue>([
      ["general.architecture", { type: "string", value: settings.architecture }],
      ["general.type", { type: "string", value: "model" }],
      ["general.description", { type: "string", value: named }],
      ["general.quantization_version", { type: "uint32", value: 2 }],
      ...[...settings.entries].map(([key, value]) => [`${settings.architecture}.${key}`, value] as const),
      ...tokenizer,
    ]);
    const layout = ggufLayout(metadata, plan);
    await writePiecesAtomically(
      path,
      pieces({ weights, plan, ...orderOf(config, settings), ...layout }, path, options),
    );
    return { bytes: layout.size, leftOut: config.textOnly ? leftOut : [LEFT_OUT, ...leftOut] };
  } finally {
    await weights.close();
  }
}

/** Settings and tokenizer of the file; all that llama.cpp does not compute is told at once. */
async function contentOf(
  directory: string,
  config: OwlConfig,
): Promise<{
  settings: GgufSettings;
  tokenizer: ReadonlyMap<string, WrittenValue>;
  leftOut: readonly string[];
}> {
  const problems: string[] = [];
  const report = (problem: string): void => void problems.push(problem);
  if (config.quantization !== undefined) {
    report("quantization: must be absent; export the model that this one was converted from");
  }
  const settings = ggufSettings(config.language, report);
  const { vocabulary: size } = config.language;
  const loaded = await loadTokenizer(directory);
  const { template: chatTemplate, leftOut } = textTemplate(loaded, !config.textOnly);
  const tokenizer = settings && ggufTokenizer(loaded, { size, rules: settings.rules, chatTemplate }, report);
  if (problems.length > 0 || settings === undefined || tokenizer === undefined) {
    throw new CheckpointError(
      directory,
      "must be a language model that llama.cpp computes",
      problems,
      "Run it here, or take it elsewhere as ONNX where that can say what it computes.",
    );
  }
  return { settings, tokenizer, leftOut };
}

/** A tensor of the file and where its numbers come from. */
interface PlannedTensor extends WrittenTensor {
  readonly type: WrittenGgmlType;
  /** The weight of the model, or the numbers themselves. */
  readonly from: TensorEntry | readonly number[];
  readonly published: string;
}

const prefix = "language_model.";

function planOf(
  weights: TensorSource,
  { language }: OwlConfig,
  { rules, factors }: GgufSettings,
  dtype: GgufType,
): PlannedTensor[] {
  const entries = entriesByName(weights);
  const planned = (entry: TensorEntry, published: string): PlannedTensor => {
    const name = ggufName(rules, published);
    if (name === undefined) throw new RangeError(`${entry.name}: has no name in a GGUF file`);
    return { name, type: typeOf(entry, published, dtype), dims: entry.dims, from: entry, published };
  };
  const own = [...entries.values()].filter(({ name }) => name.startsWith(prefix));
  const plan = own.map((entry) => planned(entry, entry.name.slice(prefix.length)));
  const table = entries.get(`${prefix}model.embed_tokens.weight`);
  if (rules.asksForHead && language.tiedEmbeddings && table) plan.push(planned(table, "lm_head.weight"));
  const divisors = [...factors].map(
    ([name, from]): PlannedTensor => ({ name, type: "F32", dims: [from.length], from, published: name }),
  );
  return [...plan, ...divisors];
}

/** Vectors are small and sensitive; table and head keep eight bits where the layers have four. */
function typeOf({ dims }: TensorEntry, published: string, dtype: GgufType): WrittenGgmlType {
  const wanted = { f32: "F32", f16: "F16", bf16: "BF16", q8_0: "Q8_0", q4_0: "Q4_0" } as const;
  const type = wanted[dtype];
  if (dims.length < 2) return "F32";
  const isOuter = !published.startsWith("model.layers.");
  const chosen = type === "Q4_0" && isOuter ? "Q8_0" : type;
  return dims[dims.length - 1] % ggmlTypes[chosen].numbers === 0 ? chosen : "F16";
}

/** What the order of rows depends on. */
function orderOf({ language }: OwlConfig, { rules }: GgufSettings): Pick<Writing, "rules" | "headDim"> {
  return { rules, headDim: "headDim" in language ? language.headDim : 1 };
}

/** Numbers that are read and rounded at once. */
const numbersAtOnce = 4 * 2 ** 20;

interface Writing {
  readonly weights: TensorSource;
  readonly rules: Architecture;
  readonly headDim: number;
  readonly plan: readonly PlannedTensor[];
  readonly header: Uint8Array;
  readonly positions: ReadonlyMap<string, number>;
  readonly size: number;
}

async function* pieces(
  { weights, plan, header, positions, size, ...order }: Writing,
  path: string,
  { onProgress, signal }: GgufExportOptions,
): AsyncGenerator<FilePiece> {
  yield [0, header];
  for (const tensor of plan) {
    let at = positions.get(tensor.name)!;
    for await (const values of rowsInTurn(weights, tensor, order)) {
      signal?.throwIfAborted();
      const bytes = ggmlNumbers(values, tensor.type);
      if (bytes === undefined) throw tooLarge(path, tensor);
      yield [at, bytes];
      at += bytes.length;
      onProgress?.(at, size, path);
    }
    // Readers take a file for cut short that ends before the room of its last tensor.
    const end = Math.min(size, at + ((32 - (at % 32)) % 32));
    if (end > at) yield [at, new Uint8Array(end - at)];
  }
}

function tooLarge(path: string, { name, type }: PlannedTensor): CheckpointError {
  const next = "Write it in a wider number format: bf16 or f32.";
  return new CheckpointError(
    path,
    "values must fit the number format",
    [`one in ${name} beyond ${type}`],
    next,
  );
}

/** The numbers of a tensor of the file, whole rows (and whole heads of queries and keys) at a time. */
async function* rowsInTurn(
  weights: TensorSource,
  { from, published, dims }: PlannedTensor,
  { headDim, rules }: Pick<Writing, "headDim" | "rules">,
): AsyncGenerator<Float32Array> {
  if (!("name" in from)) {
    yield Float32Array.from(from);
    return;
  }
  const unit = rules.interleaved && isQueryOrKey(published) ? headDim : 1;
  const width = elementCount(dims.slice(1));
  const step = unit * Math.max(1, Math.floor(numbersAtOnce / (unit * width)));
  for (let row = 0; row < dims[0]; row += step) {
    const range: RowRange = [row, Math.min(dims[0], row + step)];
    const { data } = await weights.read(from.name, range);
    // A copy: what is read may be a view of what others read, too.
    const values = Float32Array.from(data as Float32Array);
    if (unit > 1) yield interleaved(values, headDim, width);
    else if (rules.normsPlusOne && isNorm(published)) yield values.map((value) => value + 1);
    else yield values;
  }
}

/** Rows of heads with the two numbers of a pair next to each other. */
function interleaved(values: Float32Array, headDim: number, width: number): Float32Array {
  const result = new Float32Array(values.length);
  const half = headDim / 2;
  for (let row = 0; row < values.length / width; row++) {
    const within = row % headDim;
    const target = row - within + 2 * (within % half) + Math.floor(within / half);
    result.set(values.subarray(row * width, (row + 1) * width), target * width);
  }
  return result;
}
