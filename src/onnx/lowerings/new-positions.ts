import { elementTypes, integerConstant, type Writer } from "../writer.ts";

/** How many new tokens there are, [1], of queries [batch, tokens, width]. */
export function newTokens(query: string, writer: Writer): string {
  const one = integerConstant(writer, [1]);
  return writer.node("Slice", [writer.node("Shape", [query]), one, integerConstant(writer, [2])]);
}

/** Positions [batch, tokens] of the new tokens: from 0 in a first prefill, otherwise up to the last position. */
export function newPositions(
  query: string,
  lastPosition: string,
  totalLength: string,
  writer: Writer,
): string {
  const int64 = { to: elementTypes.int64 };
  const zero = integerConstant(writer, [0]);
  const one = integerConstant(writer, [1]);
  const tokens = newTokens(query, writer);
  const end = writer.node("Add", [writer.node("Cast", [lastPosition], int64), one]);
  const isFirst = writer.node("Equal", [writer.node("Cast", [totalLength], int64), tokens]);
  const start = writer.node("Where", [isFirst, zero, writer.node("Sub", [end, tokens])]);
  return writer.node("Add", [writer.node("Unsqueeze", [start, one]), upTo(tokens, writer)]);
}

/** 0, 1, … below a length [1], int64. */
export function upTo(length: string, writer: Writer): string {
  const ends = [integerConstant(writer, [0]), length, integerConstant(writer, [1])];
  return writer.node(
    "Range",
    ends.map((x) => writer.node("Squeeze", [x])),
  );
}
