import { familyOf, type LanguageConfig, maskName } from "../model/index.ts";
import { type DerivedInputs, elementTypes, integerConstant, type Writer } from "../onnx/index.ts";
import { float32 } from "../tensor/index.ts";

/** As good as −∞ for a score, without making a row of hidden keys undefined. */
const HIDDEN = -1e30;

const scalarOf = (writer: Writer, name: string): string => writer.node("Squeeze", [name]);

/** The size of an axis as int64 [1]. */
export function sizeOf(writer: Writer, name: string, axis: number): string {
  const [from, to] = [axis, axis + 1].map((at) => integerConstant(writer, [at]));
  return writer.node("Slice", [writer.node("Shape", [name]), from, to]);
}

/** start, start + 1, … up to, not including, end. */
function range(writer: Writer, start: string, end: string): string {
  const one = integerConstant(writer, [1]);
  return writer.node(
    "Range",
    [start, end, one].map((name) => scalarOf(writer, name)),
  );
}

/** Where each of the new tokens stands among all keys, int64 [tokens, 1]. */
function queries(writer: Writer): string {
  const total = sizeOf(writer, "attention_mask", 1);
  const first = writer.node("Sub", [total, sizeOf(writer, "inputs_embeds", 1)]);
  return writer.node("Unsqueeze", [range(writer, first, total), integerConstant(writer, [1])]);
}

function keys(writer: Writer): string {
  return range(writer, integerConstant(writer, [0]), sizeOf(writer, "attention_mask", 1));
}

/** 0 for keys that are no padding, not later than the token and within its window; else as good as −∞. */
function mask(writer: Writer, window: number | undefined): string {
  const [query, key] = [queries(writer), keys(writer)];
  const before = writer.node("LessOrEqual", [key, query]);
  const near = (size: number): string =>
    writer.node("Greater", [key, writer.node("Sub", [query, integerConstant(writer, [size])])]);
  const seen = window === undefined ? before : writer.node("And", [before, near(window)]);
  const real = writer.node("Cast", ["attention_mask"], { to: elementTypes.bool });
  const wide = writer.node("Unsqueeze", [real, integerConstant(writer, [1, 2])]);
  const values = [0, HIDDEN].map((value) => writer.constant(float32([value], [])));
  return writer.node("Where", [writer.node("And", [seen, wide]), ...values]);
}

/** The last tokens, as many as `num_logits_to_keep` says; all for 0. */
function kept(writer: Writer): string {
  const tokens = sizeOf(writer, "inputs_embeds", 1);
  const zero = integerConstant(writer, [0]);
  const asked = writer.node("Reshape", ["num_logits_to_keep", integerConstant(writer, [1])]);
  const count = writer.node("Where", [writer.node("Equal", [asked, zero]), tokens, asked]);
  return range(writer, writer.node("Sub", [tokens, count]), tokens);
}

function keyPositions(writer: Writer): string {
  return writer.node("Reshape", [
    writer.node("Cast", [keys(writer)], { to: elementTypes.float32 }),
    integerConstant(writer, [1, 1, 1, -1]),
  ]);
}

/** The windows of a model's layers; undefined among them for layers without one. */
export function windowsOf(config: LanguageConfig): (number | undefined)[] {
  const { layerAttention } = familyOf(config);
  return [
    ...new Set(Array.from({ length: config.layers }, (_, layer) => layerAttention(config, layer).window)),
  ];
}

/** A decoder's inputs, of `attention_mask` int64 [batch, total] and `num_logits_to_keep` int64 []. */
export function decoderInputs(config: LanguageConfig): DerivedInputs {
  const masks = windowsOf(config).map(
    (window) => [maskName(window), (writer: Writer) => mask(writer, window)] as const,
  );
  return {
    inputs: [
      { name: "attention_mask", dtype: "int64", dims: ["batch_size", "total_sequence_length"] },
      { name: "num_logits_to_keep", dtype: "int64", dims: [] },
    ],
    values: new Map([...masks, ["key_positions", keyPositions], ["kept", kept]]),
  };
}

/** Rows of the embedding table of `input_ids`: a picture's id, beyond them, takes the last row, whose place a picture takes. */
export function embeddingInputs({ vocabulary }: LanguageConfig): DerivedInputs {
  const rows = (writer: Writer): string =>
    writer.node("Min", ["input_ids", integerConstant(writer, [vocabulary - 1])]);
  return {
    inputs: [{ name: "input_ids", dtype: "int64", dims: ["batch_size", "sequence_length"] }],
    values: new Map([["rows", rows]]),
  };
}
