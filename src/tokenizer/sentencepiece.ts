import protobuf from "protobufjs/light.js";
import { headBytes, unexpectedContent } from "../platform/index.ts";
import { sentencePieceJson, TokenizerError, type TokenizerJson } from "./format.ts";

interface Piece {
  piece: string;
  score: number;
  type: number;
}

interface ModelProto {
  pieces: Piece[];
  trainerSpec: { modelType: number; byteFallback: boolean; treatWhitespaceAsSuffix: boolean };
  normalizerSpec: {
    name: string;
    precompiledCharsmap: Uint8Array;
    addDummyPrefix: boolean;
    removeExtraWhitespaces: boolean;
    escapeWhitespaces: boolean;
  };
}

// An explicit `false` is only kept under proto2's rules.
const message = (fields: Record<string, protobuf.IField>) => ({ edition: "proto2", fields });

// Field numbers, types and defaults of sentencepiece_model.proto, as far as they matter here.
const messages = protobuf.Root.fromJSON({
  nested: {
    Piece: message({
      piece: { id: 1, type: "string" },
      score: { id: 2, type: "float" },
      type: { id: 3, type: "int32", options: { default: 1 } },
    }),
    TrainerSpec: message({
      modelType: { id: 3, type: "int32", options: { default: 1 } },
      treatWhitespaceAsSuffix: { id: 24, type: "bool" },
      byteFallback: { id: 35, type: "bool" },
    }),
    NormalizerSpec: message({
      name: { id: 1, type: "string" },
      precompiledCharsmap: { id: 2, type: "bytes" },
      addDummyPrefix: { id: 3, type: "bool", options: { default: true } },
      removeExtraWhitespaces: { id: 4, type: "bool", options: { default: true } },
      escapeWhitespaces: { id: 5, type: "bool", options: { default: true } },
    }),
    ModelProto: message({
      pieces: { rule: "repeated", id: 1, type: "Piece" },
      trainerSpec: { id: 2, type: "TrainerSpec" },
      normalizerSpec: { id: 3, type: "NormalizerSpec" },
    }),
  },
}).resolveAll();

const bytePairEncoding = 2;
const pieceType = { normal: 1, unknown: 2, control: 3, byte: 6 };

/**
 * A SentencePiece `tokenizer.model` of LLaMA's kind as a tokenizer.json that encodes to the same ids.
 * @param bytes the file
 * @param where its name for error messages
 * @throws TokenizerError where the file is no such model: unigram, another normalizer, no byte fallback, user-defined pieces
 */
export function convertSentencePiece(bytes: Uint8Array, where = "tokenizer.model"): TokenizerJson {
  const model = decode(bytes, where);
  const problems = problemsOf(model);
  if (problems.length > 0) {
    throw new TokenizerError(
      `${where}: must be a BPE model as LLaMA's, got ${problems.join("; ")}. ` +
        "Convert it with transformers (save_pretrained of the fast tokenizer) and load the tokenizer.json",
    );
  }
  const { pieces } = model;
  const special = [...pieces.keys()].filter(
    (id) => pieces[id].type === pieceType.control || pieces[id].type === pieceType.unknown,
  );
  const unknown = pieces.findIndex(({ type }) => type === pieceType.unknown);
  return sentencePieceJson(
    pieces.map(({ piece }) => piece),
    mergesByScore(pieces),
    special,
    unknown,
  );
}

function decode(bytes: Uint8Array, where: string): ModelProto {
  try {
    const model = read(messages.lookupType("ModelProto"), protobuf.Reader.create(bytes), bytes.length);
    const { pieces, trainerSpec, normalizerSpec } = model as Partial<ModelProto>;
    if (pieces?.length && trainerSpec && normalizerSpec) return { pieces, trainerSpec, normalizerSpec };
  } catch (error) {
    throw notSentencePiece(bytes, where, String(error), error);
  }
  throw notSentencePiece(bytes, where, "a file without pieces");
}

/**
 * Reads a message field by field, with defaults for what it leaves out. protobufjs would do it with code that it generates, which
 * browsers refuse under a content security policy without 'unsafe-eval'.
 */
function read(type: protobuf.Type, reader: protobuf.Reader, end: number): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const { name, repeated, resolvedType, defaultValue } of type.fieldsArray) {
    if (repeated) message[name] = [];
    else if (resolvedType === null) message[name] = defaultValue;
  }
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = type.fieldsById[tag >>> 3];
    if (field === undefined) reader.skipType(tag & 7);
    else {
      const value = readField(field, reader);
      if (field.repeated) (message[field.name] as unknown[]).push(value);
      else message[field.name] = value;
    }
  }
  if (reader.pos === end) return message;
  throw new RangeError(`a field that reaches beyond its message, by ${reader.pos - end} bytes`);
}

function readField({ type, resolvedType }: protobuf.Field, reader: protobuf.Reader): unknown {
  if (resolvedType instanceof protobuf.Type) {
    const length = reader.uint32();
    return read(resolvedType, reader, reader.pos + length);
  }
  switch (type) {
    case "string":
      return reader.string();
    case "bytes":
      return reader.bytes();
    case "float":
      return reader.float();
    case "bool":
      return reader.bool();
    default:
      return reader.int32();
  }
}

function notSentencePiece(bytes: Uint8Array, where: string, got: string, cause?: unknown): TokenizerError {
  const unexpected = unexpectedContent(bytes.subarray(0, headBytes));
  const said = bytes.length === 0 || unexpected === undefined ? got : `${unexpected.is}. ${unexpected.next}`;
  return new TokenizerError(`${where}: must be a SentencePiece model, got ${said}`, { cause });
}

function problemsOf({ pieces, trainerSpec, normalizerSpec }: ModelProto): string[] {
  const problems: string[] = [];
  const expect = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem);
  };
  expect(trainerSpec.modelType === bytePairEncoding, `model type ${trainerSpec.modelType} (2 is BPE)`);
  expect(trainerSpec.byteFallback, "no byte fallback");
  expect(!trainerSpec.treatWhitespaceAsSuffix, "spaces as suffixes");
  expect(normalizerSpec.precompiledCharsmap.length === 0, `normalizer "${normalizerSpec.name}"`);
  expect(normalizerSpec.addDummyPrefix, "no space put in front");
  expect(!normalizerSpec.removeExtraWhitespaces, "spaces removed");
  expect(normalizerSpec.escapeWhitespaces, "spaces not escaped");
  expect(
    pieces.filter(({ type }) => type === pieceType.unknown).length === 1,
    "not exactly one unknown piece",
  );
  const known = Object.values(pieceType);
  for (const [id, { piece, type }] of pieces.entries()) {
    if (known.includes(type)) continue;
    expect(false, `piece ${id} ${JSON.stringify(piece)} of type ${type}`);
  }
  return problems;
}

/**
 * SentencePiece joins two neighbours where the joined piece exists, best score first, then leftmost. As a list of pairs
 * that is: for every piece all ways to cut it in two pieces, in the order of the pieces' scores. Only where a piece that
 * begins as it ends overlaps itself by two different cuts can a list not say "leftmost"; 30,000 random texts against
 * LLaMA's own scores showed no such case.
 */
function mergesByScore(pieces: readonly Piece[]): string[] {
  const normal = pieces.filter(({ type }) => type === pieceType.normal);
  return mergesInOrder(normal.toSorted((a, b) => b.score - a.score).map(({ piece }) => piece));
}

/** For every piece all ways to cut it in two pieces, in the order of the pieces, the shortest beginning first. */
export function mergesInOrder(pieces: readonly string[]): string[] {
  const known = new Set(pieces);
  const merges: string[] = [];
  for (const piece of pieces) {
    let cut = 0;
    for (const letter of piece) {
      if (cut > 0 && known.has(piece.slice(0, cut)) && known.has(piece.slice(cut))) {
        merges.push(`${piece.slice(0, cut)} ${piece.slice(cut)}`);
      }
      cut += letter.length;
    }
  }
  return merges;
}
