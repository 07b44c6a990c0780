import { DataError, type RowSource } from "../data/index.ts";
import type { OwlConfig } from "../model/index.ts";
import { type Digest, fileName, newDigest } from "../platform/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import {
  type Communicator,
  changedInputs,
  type NarrowWeight,
  type RunInput,
  type RunInputs,
  widened,
} from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import type { BaseWeights } from "./base-weights.ts";
import type { ReadBenchmark } from "./benchmarks.ts";
import { nameOfBenchmark } from "./recipe-benchmark.ts";
import type { RunPlan } from "./recipe-file.ts";
import type { RunTemplate } from "./template.ts";

/** A file of rows, as far as its checksum goes. */
export interface CheckedRows {
  readonly file: string;
  readonly content: string;
  readonly length: number;
  readonly source: Pick<RowSource, "fingerprint" | "groups">;
}

/** The files that a run reads, once they were read for the first time. */
export interface RunFiles {
  readonly data: readonly CheckedRows[];
  readonly evaluation: readonly CheckedRows[];
  readonly benchmarks: readonly ReadBenchmark[];
}

/**
 * Checksums of what a run reads beside its recipe, by which a resumed run finds what has changed. They are of contents: paths and
 * names do not matter. Held-out rows decide nothing, since nothing learns from them, unless they say when the run ends or what its
 * result is; a benchmark that decides nothing is left out.
 */
export function runInputs(
  plan: RunPlan,
  baseModel: BaseModel,
  { data: files, evaluation, benchmarks }: RunFiles,
  { template }: RunTemplate,
): RunInputs {
  const { keep, patience, bestBy } = plan.recipe;
  const isDecisive = bestBy === undefined && (keep?.best === true || patience !== undefined);
  const decisive = benchmarks.filter(({ given }) => nameOfBenchmark(given) === bestBy?.benchmark);
  const heldOut = rowInputs("evaluation", evaluation);
  const weights = plan.data.map(({ weight = 1 }) => weight);
  return {
    ...rowInputs("data", files),
    ...(isDecisive ? heldOut : mapped(heldOut, (held) => ({ ...held, decides: false }))),
    ...Object.fromEntries(
      decisive.map(({ given, digest }) => [
        "the benchmark that decides",
        input(`${fileName(given.data)}, asked by ${nameOfBenchmark(given)}`, [digest]),
      ]),
    ),
    ...groupInputs(files),
    "sampling weights of the data": weightInput(weights),
    template: input(`"${template.user}…", "${template.assistant}…"`, [JSON.stringify(template)]),
    ...baseModelInputs(plan, baseModel),
  };
}

function rowInputs(kind: string, all: readonly CheckedRows[]): RunInputs {
  const inputs = all.flatMap(({ file, content, length, source }, i): [string, RunInput][] => {
    const { rows, files } = source.fingerprint;
    const name = fileName(file);
    return [
      [`${kind} ${i + 1}`, input(`${name}, ${length} row${length === 1 ? "" : "s"}`, [content, rows])],
      [`${kind} ${i + 1}, its pictures`, input(name, [files])],
    ];
  });
  return Object.fromEntries(inputs);
}

const mapped = (inputs: RunInputs, to: (input: RunInput) => RunInput): RunInputs =>
  Object.fromEntries(Object.entries(inputs).map(([name, one]) => [name, to(one)]));

/** Rows that are read by groups are shuffled so, where runs of earlier versions shuffled them one by one. */
function groupInputs(files: readonly CheckedRows[]): RunInputs {
  const grouped = files.flatMap(({ source }, i): [string, RunInput][] =>
    source.groups === undefined
      ? []
      : [[`data ${i + 1}, the order of its rows`, input("by row groups", ["row groups"])]],
  );
  return Object.fromEntries(grouped);
}

/** Of a share that is smaller than this nothing was read by runs of earlier versions. */
const formerlyUnread = 1e-6;

function weightInput(weights: readonly number[]): RunInput {
  const sum = weights.reduce((a, b) => a + b, 0);
  const given = weights.join(" : ");
  return weights.some((weight) => weight / sum < formerlyUnread)
    ? input(`${given}, of each file a row in about a thousand at least`, [...weights, "at least one"])
    : input(given, weights);
}

/** Every process must read the same: the rows and weights of the first. @throws DataError naming what differs, and where */
export async function requireSameEverywhere(communicator: Communicator, inputs: RunInputs): Promise<void> {
  const ofFirst = await communicator.fromFirst(() => inputs);
  await communicator.agree(() => {
    const all = (some: RunInputs): RunInputs => mapped(some, ({ decides: _, ...one }) => one);
    const changed = changedInputs(all(ofFirst), all(inputs), false);
    if (changed.length === 0) return;
    const list = changed.map((change) => `  ${change}`).join("\n");
    throw new DataError(`every process must read what the first one reads, got something else:\n${list}`);
  });
}

function baseModelInputs({ model, config, tokenizer }: RunPlan, baseModel: BaseModel): RunInputs {
  const digest = newDigest("sha256");
  updateWithText(digest, JSON.stringify(checkedConfig(baseModel.config)));
  updateWithTensors(digest, hashedTensors(baseModel));
  const words = newDigest("sha256");
  for (const [name, bytes] of Object.entries(baseModel.tokenizerFiles).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    updateWithText(words, name);
    words.update(bytes);
  }
  const began = model ?? config ?? "";
  return {
    model: { description: fileName(began), digest: digest.hex(), isData: false },
    tokenizer: { description: fileName(tokenizer ?? began), digest: words.hex(), isData: false },
    preprocessing: {
      ...input("of pictures", [JSON.stringify(baseModel.preprocessor ?? null)]),
      isData: false,
    },
  };
}

/** A config as its checksum is made: states of earlier versions do not name the tower, which the tensors' names tell. */
function checkedConfig(config: OwlConfig): object {
  if (config.textOnly) return config;
  const { vision, ...rest } = config;
  const { tower: _, ...sizes } = vision;
  return { vision: sizes, ...rest };
}

function input(description: string, parts: readonly (string | number)[]): RunInput {
  const digest = newDigest("sha256");
  updateWithText(digest, JSON.stringify(parts));
  return { description, digest: digest.hex(), isData: true };
}

function updateWithText(digest: Digest, text: string): void {
  digest.update(new TextEncoder().encode(`${text}\n`));
}

const wholeBytes = 2 ** 20;
const samples = 16;

/** Bytes that a checksum is made of, some at a time. */
interface HashedTensor {
  /** Name, type and sizes. */
  readonly title: string;
  readonly length: number;
  bytes(from: number, to: number): Uint8Array;
}

/** Hashes small tensors whole and evenly spread parts of large ones: another model differs everywhere. */
function updateWithTensors(digest: Digest, tensors: readonly HashedTensor[]): void {
  for (const { title, length, bytes } of tensors) {
    updateWithText(digest, title);
    if (length <= wholeBytes) digest.update(bytes(0, length));
    else {
      const part = wholeBytes / samples;
      for (let i = 0; i < samples; i++) {
        const start = Math.floor(((length - part) * i) / (samples - 1));
        digest.update(bytes(start, start + part));
      }
    }
  }
}

/** All weights in the order of their names. Those of two bytes give the checksum that they give in single precision. */
function hashedTensors({ tensors, narrow }: BaseWeights): HashedTensor[] {
  const wide = [...tensors].map(([name, tensor]) => [name, hashedTensor(name, tensor)] as const);
  const others = [...narrow].map(([name, weight]) => [name, hashedNarrow(name, weight)] as const);
  return [...wide, ...others].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, tensor]) => tensor);
}

function hashedTensor(name: string, { dtype, dims, data }: HostTensor): HashedTensor {
  const { buffer, byteOffset, byteLength } = data;
  return {
    title: `${name} ${dtype} [${dims}]`,
    length: byteLength,
    bytes: (from, to) => new Uint8Array(buffer, byteOffset + from, to - from),
  };
}

function hashedNarrow(name: string, weight: NarrowWeight): HashedTensor {
  if (weight.kind === "blocks") {
    const { bits, blockSize, packed } = weight.blocks;
    const packedTensor = { dtype: "uint8", dims: weight.dims, data: packed } as const;
    return hashedTensor(`${name} in ${bits} bits, blocks of ${blockSize}`, packedTensor);
  }
  const { kind, dims, bits } = weight;
  return {
    title: `${name} float32 [${dims}]`,
    length: 4 * bits.length,
    bytes: (from, to) => {
      const [first, last] = [Math.floor(from / 4), Math.ceil(to / 4)];
      const { data } = widened({ kind, dims: [last - first], bits: bits.subarray(first, last) });
      return new Uint8Array(data.buffer, from - 4 * first, to - from);
    },
  };
}
