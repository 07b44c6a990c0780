import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs/light.js";
import { expect, test } from "vitest";
import { parseAdapterConfig } from "../../src/checkpoint/adapter-config.ts";
import { readAll, type TensorSource } from "../../src/checkpoint/index.ts";
import { safetensorsSource } from "../../src/checkpoint/safetensors.ts";
import { type ArchiveEntry, archive, fileOf } from "../../src/checkpoint/testing/pickles.ts";
import { torchSource } from "../../src/checkpoint/torch-file.ts";
import { settingsFromGenerationConfig } from "../../src/generation/settings.ts";
import { parsePreprocessor } from "../../src/image/preprocessor.ts";
import { configJson, describeParameters, parseConfig } from "../../src/model/index.ts";
import { microConfig } from "../../src/model/testing/micro.ts";
import { elementCount } from "../../src/tensor/index.ts";
import { convertSentencePiece, createTokenizer, type TokenizerJson } from "../../src/tokenizer/index.ts";
import { parseTokenizerJson } from "../../src/tokenizer/load.ts";
import { joined, mutateBytes, mutateJson, type Random, randomFrom } from "./mutations.ts";

/** More by hand: `FUZZ=20 npx vitest run tests/fuzz`; others: `FUZZ_SEED=1`; one alone: `FUZZ_CASE=<its seed>`. */
const times = Number(process.env.FUZZ ?? 1);
const firstSeed = Number(process.env.FUZZ_SEED ?? 0) * 1_000_000;
const only = process.env.FUZZ_CASE;

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))));
const jsonOf = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

/** Errors with which a reader may fail. */
const named = [
  "CheckpointError",
  "FileError",
  "ModelConfigError",
  "TokenizerError",
  "SettingsError",
  "ImageError",
];

/** Seconds on an idle machine, minutes on a busy one. */
const slow = 300_000;

type Reader = (random: Random) => unknown;

/** A valid source returns every tensor that it lists, in the listed shape. */
async function readEverything(opening: Promise<TensorSource>): Promise<void> {
  const source = await opening;
  const { tensors } = source;
  const read = await readAll(source);
  for (const { name, dims } of tensors) {
    expect(read.get(name)?.dims).toEqual(dims);
    expect(read.get(name)?.data.length).toBe(elementCount(dims));
  }
}

const safetensors = fixture("torch/edge-expected.safetensors");
const headerLength = 8 + new DataView(safetensors.buffer, safetensors.byteOffset).getUint32(0, true);
const readSafetensorsFile: Reader = (random) => {
  // Half of the mutations hit the header, where a byte means most.
  const header = random(2) === 0 ? safetensors.subarray(0, headerLength) : safetensors;
  const rest = safetensors.subarray(header.length);
  return readEverything(safetensorsSource(fileOf(joined(mutateBytes(header, random), rest))));
};

/** The header, to be mutated into valid JSON with wrong content. */
const headerJson = jsonOf(safetensors.subarray(8, headerLength));
const readChangedHeader: Reader = (random) => {
  const header = new TextEncoder().encode(JSON.stringify(mutateJson(headerJson, random)));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setUint32(0, header.length, true);
  const bytes = joined(length, header, safetensors.subarray(headerLength));
  return readEverything(safetensorsSource(fileOf(bytes)));
};

const zip = fixture("torch/edge.pt");
const readZip: Reader = (random) => readEverything(torchSource(fileOf(mutateBytes(zip, random))));

const legacy = fixture("torch/edge-legacy-nonzip.pt");
const readLegacy: Reader = (random) => readEverything(torchSource(fileOf(mutateBytes(legacy, random))));

/** The archive's entries, so that a damaged pickle can be packed into a valid archive. */
const entries = entriesOf(zip);
const readPickle: Reader = (random) => {
  const damaged = entries.map(({ name, data }) => ({
    name,
    data: name.endsWith("data.pkl") ? mutateBytes(data, random) : data,
  }));
  return readEverything(torchSource(fileOf(archive(damaged))));
};

function entriesOf(bytes: Uint8Array): ArchiveEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: ArchiveEntry[] = [];
  let at = view.getUint32(bytes.length - 6, true);
  while (view.getUint32(at, true) === 0x02014b50) {
    const [size, nameLength, extraLength] = [
      view.getUint32(at + 24, true),
      view.getUint16(at + 28, true),
      view.getUint16(at + 30, true),
    ];
    const local = view.getUint32(at + 42, true);
    const data = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    found.push({ name, data: bytes.subarray(data, data + size) });
    at += 46 + nameLength + extraLength;
  }
  return found;
}

const micro = configJson(microConfig);
const bloom = {
  ...micro,
  text_config: { model_type: "bloom", n_embed: 32, n_layer: 2, n_head: 4, vocab_size: 50, seq_length: 64 },
};
const configs = [
  micro,
  bloom,
  { ...micro, video: true },
  { ...micro, quantization: { language: { bits: 4, block_size: 16 }, head: { bits: 8, block_size: 32 } } },
];
const readConfig: Reader = (random) =>
  describeParameters(parseConfig(mutateJson(configs[random(configs.length)], random)));

const generation = {
  max_new_tokens: 5,
  do_sample: true,
  top_k: 3,
  top_p: 0.9,
  eos_token_id: [2],
  num_beams: 1,
};
const readGenerationConfig: Reader = (random) =>
  settingsFromGenerationConfig(Object(mutateJson(generation, random)));

const preprocessor = {
  do_normalize: true,
  do_resize: true,
  image_mean: [0.48, 0.46, 0.41],
  image_std: [0.27, 0.26, 0.28],
  resample: 3,
  size: { height: 56, width: 56 },
};
const readPreprocessor: Reader = (random) => parsePreprocessor(mutateJson(preprocessor, random));

const adapter = {
  peft_type: "LORA",
  r: 8,
  lora_alpha: 32,
  target_modules: ["q_proj"],
  bias: "none",
  alpha_pattern: {},
};
const readAdapterConfig: Reader = (random) =>
  parseAdapterConfig(mutateJson(adapter, random), "adapter_config.json");

const tokenizerJson = jsonOf(fixture("text/tokenizer.json")) as TokenizerJson;
const tokenizerConfig = jsonOf(fixture("text/tokenizer_config.json"));
/** A tokenizer with few tokens, so that every part of it is hit often. */
const smallTokenizer = {
  ...tokenizerJson,
  model: {
    ...tokenizerJson.model,
    vocab: { "<unk>": 0, "<s>": 1, "</s>": 2, "▁": 3, a: 4, b: 5, ab: 6 },
    merges: ["a b"],
  },
};
const byteLevelTokenizer = {
  ...smallTokenizer,
  normalizer: null,
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      {
        type: "Split",
        pattern: { Regex: " ?[^(\\s|[.,!?…。，、।۔،])]+" },
        behavior: "Isolated",
        invert: false,
      },
      { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
    ],
  },
  decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true },
};
const text = "ab <s>aé\u2581 b\n\ud83e\udd89a a";

/** A valid tokenizer's ids are integers of its vocabulary, and decode to a text. */
function useTokenizer(json: TokenizerJson, settings: unknown): void {
  const tokenizer = createTokenizer(json, settings as Record<string, unknown>);
  const ids = tokenizer.encode(text);
  for (const id of ids) expect(Number.isInteger(id) && id >= 0 && id < tokenizer.vocabularySize).toBe(true);
  tokenizer.decode(ids);
  const stream = tokenizer.stream();
  for (const id of ids) stream.push(id);
  stream.end();
}

const readTokenizer: Reader = (random) => {
  const sound = [tokenizerJson, smallTokenizer, byteLevelTokenizer][[0, 1, 1, 2, 2][random(5)]];
  const settings = random(4) === 0 ? mutateJson(tokenizerConfig, random) : tokenizerConfig;
  useTokenizer(parseTokenizerJson(mutateJson(sound, random)), Object(settings));
};

const sentencePiece = sentencePieceModel();
const readSentencePiece: Reader = (random) =>
  useTokenizer(convertSentencePiece(mutateBytes(sentencePiece, random)), {});

function sentencePieceModel(): Uint8Array {
  const message = (fields: Record<string, protobuf.IField>) => ({ edition: "proto2", fields });
  const nested = {
    Piece: message({
      p: { id: 1, type: "string" },
      s: { id: 2, type: "float" },
      t: { id: 3, type: "int32" },
    }),
    Trainer: message({ kind: { id: 3, type: "int32" }, bytes: { id: 35, type: "bool" } }),
    Normalizer: message({ trim: { id: 4, type: "bool" } }),
    Model: message({
      pieces: { rule: "repeated", id: 1, type: "Piece" },
      trainer: { id: 2, type: "Trainer" },
      normalizer: { id: 3, type: "Normalizer" },
    }),
  };
  const type = protobuf.Root.fromJSON({ nested }).lookupType("Model");
  const bytePieces = Array.from({ length: 256 }, (_, byte) => ({
    p: `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
    t: 6,
  }));
  const special = [
    { p: "<unk>", t: 2 },
    { p: "<s>", t: 3 },
    { p: "</s>", t: 3 },
  ];
  const normal = ["▁", "a", "b", "ab"].map((p, i) => ({ p, s: -i, t: 1 }));
  const model = {
    pieces: [...special, ...bytePieces, ...normal],
    trainer: { kind: 2, bytes: true },
    normalizer: { trim: false },
  };
  return type.encode(type.fromObject(model)).finish();
}

const readers: [string, number, Reader][] = [
  ["safetensors files", 1500, readSafetensorsFile],
  ["safetensors headers", 1000, readChangedHeader],
  ["zip archives", 1500, readZip],
  ["pickles", 2000, readPickle],
  ["legacy PyTorch files", 1000, readLegacy],
  ["config.json", 1000, readConfig],
  ["generation_config.json", 200, readGenerationConfig],
  ["preprocessor_config.json", 200, readPreprocessor],
  ["adapter_config.json", 200, readAdapterConfig],
  ["tokenizer.json", 1000, readTokenizer],
  ["tokenizer.model", 400, readSentencePiece],
];

test("10,000 in all", () => {
  expect(readers.reduce((sum, [, count]) => sum + count, 0)).toBe(10_000);
});

test.each(readers)(
  "damaged %s (%i of them) are read, or refused by a named error",
  async (_, count, reader) => {
    const outcomes = { read: 0, refused: 0 };
    const wrong = new Map<string, string>();
    const seeds =
      only === undefined ? Array.from({ length: count * times }, (_, i) => firstSeed + i) : [Number(only)];
    for (const seed of seeds) {
      try {
        await reader(randomFrom(seed));
        outcomes.read++;
      } catch (error) {
        outcomes.refused++;
        const isNamed = error instanceof Error && named.includes(error.name) && error.message.length > 20;
        if (!isNamed)
          wrong.set(`${error instanceof Error ? error.stack : error}`.slice(0, 600), `FUZZ_CASE=${seed}`);
      }
    }
    expect([...wrong].slice(0, 8)).toEqual([]);
    // Mutations that are always or never detected would prove little.
    if (only === undefined) expect(Math.min(outcomes.read, outcomes.refused)).toBeGreaterThan(0);
  },
  slow,
);

test("took less than a gigabyte", () => {
  const kilobytes = process.resourceUsage().maxRSS;
  expect(kilobytes).toBeLessThan(1024 * 1024);
});
