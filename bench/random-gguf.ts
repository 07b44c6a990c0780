import { ggmlNumbers, narrowFloats, type WrittenGgmlType } from "../src/checkpoint/index.ts";
import { ggufSettings } from "../src/export/index.ts";
import {
  ggmlBytes,
  ggmlTypes,
  ggufLayout,
  ggufName,
  type WrittenTensor,
  type WrittenValue,
} from "../src/gguf/index.ts";
import { describeParameters, type OwlConfig } from "../src/model/index.ts";
import { type FilePiece, pathKind, writePiecesAtomically } from "../src/platform/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { elementCount } from "../src/tensor/index.ts";

/** "q4_k_m": as llama.cpp mixes it, the most common file; "q4_0": 4 bits in the layers, 8 in table and head, as `owl convert` keeps. */
export type GgufMix = "q4_0" | "q4_k_m";

type RandomType = WrittenGgmlType | "Q4_K" | "Q6_K";

interface RandomTensor extends WrittenTensor {
  readonly type: RandomType;
}

/**
 * Writes the language model of a config as a GGUF file of random weights. Its words are numbers. Does nothing where the file is there.
 *
 * @throws RangeError where llama.cpp does not compute such a model
 */
export async function writeRandomGguf(path: string, config: OwlConfig, mix: GgufMix = "q4_0"): Promise<void> {
  if ((await pathKind(path)) === "file") return;
  const problems: string[] = [];
  const settings = ggufSettings(config.language, (problem) => problems.push(problem));
  if (settings === undefined || problems.length > 0) {
    throw new RangeError(`llama.cpp: must compute the model, got ${problems.join("; ")}`);
  }
  const { architecture, rules, entries } = settings;
  const { quantization: _, ...floating } = config;
  const tensors = describeParameters(floating)
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ name, dims }): RandomTensor => {
      const published = name.slice(prefix.length);
      return { name: ggufName(rules, published)!, dims, type: types[mix](published, dims, config) };
    });
  const metadata = new Map<string, WrittenValue>([
    ["general.architecture", { type: "string", value: architecture }],
    ["general.quantization_version", { type: "uint32", value: 2 }],
    ...[...entries].map(([key, value]) => [`${architecture}.${key}`, value] as const),
    ...numbersAsWords(config.language.vocabulary),
  ]);
  const { header, positions } = ggufLayout(metadata, tensors);
  await writePiecesAtomically(path, pieces(tensors, header, positions));
}

const prefix = "language_model.";

type TypeOf = (published: string, dims: readonly number[], config: OwlConfig) => RandomType;

const types: Readonly<Record<GgufMix, TypeOf>> = {
  q4_0: (published, dims) => {
    if (dims.length < 2) return "F32";
    return published.startsWith("model.layers.") ? "Q4_0" : "Q8_0";
  },
  q4_k_m: (published, dims, { language: { layers, tiedEmbeddings } }) => {
    if (dims.length < 2) return "F32";
    if (dims[1] % ggmlTypes.Q4_K.numbers !== 0) {
      const must = `widths that are multiples of ${ggmlTypes.Q4_K.numbers}`;
      throw new RangeError(`bench: a model in q4_k_m must have ${must}, got ${published} of ${dims[1]}`);
    }
    if (published.startsWith("model.embed_tokens")) return tiedEmbeddings ? "Q6_K" : "Q4_K";
    const layer = Number(/^model\.layers\.(\d+)\./.exec(published)?.[1] ?? Number.NaN);
    if (Number.isNaN(layer)) return "Q6_K";
    // The first and the last eighth of the layers, and every third between them.
    const eighth = Math.floor(layers / 8);
    const isWide = layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
    return isWide && /\.(v_proj|down_proj)\./.test(published) ? "Q6_K" : "Q4_K";
  },
};

/** A mix of these by its name. */
export function ggufMixNamed(name: string): GgufMix {
  if (name in types) return name as GgufMix;
  throw new RangeError(`bench: mixes of GGUF files are ${Object.keys(types).join(", ")}, got ${name}`);
}

/** A tokenizer of as many words, such as llama.cpp asks for. */
function numbersAsWords(count: number): [string, WrittenValue][] {
  const byte = (i: number): string => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`;
  const bytes = Array.from({ length: 256 }, (_, i) => byte(i));
  const special = ["<unk>", "<s>", "</s>"];
  const words = Array.from({ length: count - 259 }, (_, i) => `\u2581w${i}`);
  const kinds = [2, 3, 3, ...bytes.map(() => 6), ...words.map(() => 1)];
  const entries: [string, WrittenValue][] = [
    ["model", { type: "string", value: "llama" }],
    ["pre", { type: "string", value: "default" }],
    ["tokens", { type: "strings", value: [...special, ...bytes, ...words] }],
    ["scores", { type: "float32s", value: kinds.map((_, i) => -i) }],
    ["token_type", { type: "int32s", value: kinds }],
    ["bos_token_id", { type: "uint32", value: 1 }],
    ["eos_token_id", { type: "uint32", value: 2 }],
  ];
  return entries.map(([key, value]) => [`tokenizer.ggml.${key}`, value]);
}

/** Numbers that are made once of each format, and written again and again. */
const made = 2 ** 20;

async function* pieces(
  tensors: readonly RandomTensor[],
  header: Uint8Array,
  positions: ReadonlyMap<string, number>,
): AsyncGenerator<FilePiece> {
  yield [0, header];
  const random = mulberry32(13);
  const numbers = Float32Array.from({ length: made }, () => 0.07 * (random() - 0.5));
  const blocks = new Map<RandomType, Uint8Array>();
  for (const { name, type, dims } of tensors) {
    const begins = positions.get(name)!;
    const size = ggmlBytes(type, elementCount(dims));
    // Norms are one.
    const bytes = blocks.get(type) ?? madeBlocks(type, numbers);
    blocks.set(type, bytes);
    // Another beginning for every tensor, at a whole block.
    const block = ggmlTypes[type].bytes;
    let from = block * Math.floor(random() * (bytes.length / block / 2));
    for (let at = 0; at < size; from = 0) {
      const length = Math.min(size - at, bytes.length - from);
      yield [begins + at, bytes.subarray(from, from + length)];
      at += length;
    }
    // Readers take a file for cut short that ends before the room of its last tensor.
    const padding = (32 - (size % 32)) % 32;
    if (padding > 0) yield [begins + size, new Uint8Array(padding)];
  }
}

function madeBlocks(type: RandomType, numbers: Float32Array): Uint8Array {
  if (type === "F32") return ggmlNumbers(new Float32Array(made).fill(1), type)!;
  if (type !== "Q4_K" && type !== "Q6_K") return ggmlNumbers(numbers, type)!;
  // Any bytes are numbers of these types; what scales them all is set to make weights of a usual size around zero.
  const random = mulberry32(17);
  const { numbers: count, bytes: size } = ggmlTypes[type];
  const bytes = Uint8Array.from({ length: (made / count) * size }, () => Math.floor(256 * random()));
  const halves = narrowFloats(Float32Array.of(1.4e-4, 1.05e-3, 1.7e-5), "F16")!;
  for (let at = 0; at < bytes.length; at += size) {
    const place = new DataView(bytes.buffer, at);
    if (type === "Q6_K") place.setUint16(208, halves[2], true);
    else for (const i of [0, 1]) place.setUint16(2 * i, halves[i], true);
  }
  return bytes;
}
