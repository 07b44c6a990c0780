import { float32 } from "../../tensor/index.ts";
import { elementTypes, integerConstant, type Writer } from "../writer.ts";
import { newPositions, newTokens, upTo } from "./new-positions.ts";

/** What attention over a cache is computed from, as names. */
export interface CappedAttention {
  /** Turned queries [batch, tokens, heads · headDim]. */
  readonly query: string;
  /** The caches with the new tokens in them, [batch, keyValueHeads, capacity, headDim]. */
  readonly presentKey: string;
  readonly presentValue: string;
  readonly lastPosition: string;
  readonly totalLength: string;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly scale: number;
  readonly window: number | undefined;
  readonly cap: number;
}

/**
 * The context [batch, tokens, heads · headDim] of attention with capped scores, cap · tanh(scale · q·k / cap), by plain
 * operators: for devices whose fused kernel does not cap.
 */
export function emitCappedContext(given: CappedAttention, result: string, writer: Writer): void {
  const { query, presentKey, presentValue, heads, keyValueHeads, headDim, scale, cap } = given;
  const reshaped = (x: string, ...sizes: readonly (string | number)[]): string =>
    writer.node("Reshape", [x, shape(sizes, writer)]);
  const number = (value: number): string => writer.constant(float32([value], []));
  const length = writer.node("Cast", [given.totalLength], { to: elementTypes.int64 });
  const tokens = newTokens(query, writer);
  // A row's part of a buffer that was never written may hold anything, and 0 · NaN is NaN.
  const { isSeen, isWritten } = visibility(given, length, writer);
  const apart = writer.node("Transpose", [reshaped(query, 0, 0, heads, headDim)], { perm: [0, 2, 1, 3] });
  const keys = writer.node("Transpose", [upToLength(presentKey, length, writer)], { perm: [0, 1, 3, 2] });
  const products = writer.node("MatMul", [reshaped(apart, 0, keyValueHeads, -1, headDim), keys]);
  const scores = reshaped(products, 0, heads, tokens, -1);
  const capped = writer.node("Mul", [
    writer.node("Tanh", [writer.node("Mul", [scores, number(scale / cap)])]),
    number(cap),
  ]);
  const masked = writer.node("Where", [isSeen, capped, number(-1e30)]);
  const weights = reshaped(writer.node("Softmax", [masked], { axis: -1 }), ...[0, keyValueHeads, -1, length]);
  const values = writer.node("Where", [isWritten, upToLength(presentValue, length, writer), number(0)]);
  const context = reshaped(writer.node("MatMul", [weights, values]), 0, heads, tokens, headDim);
  const together = writer.node("Transpose", [context], { perm: [0, 2, 1, 3] });
  writer.emit("Reshape", [together, shape([0, 0, heads * headDim], writer)], [result]);
}

/** Which keys each query sees, [batch, 1, tokens, length], and which there are, [batch, 1, length, 1]. */
function visibility(
  { query, lastPosition, totalLength, window }: CappedAttention,
  length: string,
  writer: Writer,
): { readonly isSeen: string; readonly isWritten: string } {
  const asFloats = (x: string): string => writer.node("Cast", [x], { to: elementTypes.float32 });
  const axes = (x: string, ...added: readonly number[]): string =>
    writer.node("Unsqueeze", [x, integerConstant(writer, added)]);
  const keys = asFloats(upTo(length, writer));
  const queries = axes(asFloats(newPositions(query, lastPosition, totalLength, writer)), 1, 3);
  const notLater = writer.node("LessOrEqual", [keys, queries]);
  const last = axes(asFloats(lastPosition), 1, 2, 3);
  const isWritten = writer.node("LessOrEqual", [axes(keys, 1), last]);
  if (window === undefined) return { isSeen: notLater, isWritten };
  const first = writer.node("Sub", [queries, writer.constant(float32([window], []))]);
  return { isSeen: writer.node("And", [notLater, writer.node("Greater", [keys, first])]), isWritten };
}

/** The positions of a cache below a length [1]. */
function upToLength(cache: string, length: string, writer: Writer): string {
  return writer.node("Slice", [cache, integerConstant(writer, [0]), length, integerConstant(writer, [2])]);
}

/** A shape of sizes and of names of such, [1] each; 0 is the operand's own, −1 what remains. */
function shape(sizes: readonly (string | number)[], writer: Writer): string {
  const numbers = sizes.filter((size) => typeof size === "number");
  if (numbers.length === sizes.length) return integerConstant(writer, numbers);
  const parts = sizes.map((size) => (typeof size === "number" ? integerConstant(writer, [size]) : size));
  return writer.node("Concat", parts, { axis: 0 });
}
