import fc from "fast-check";
import protobuf from "protobufjs/light.js";
import { describe, expect, test } from "vitest";
import { convertSentencePiece, createTokenizer } from "./index.ts";

// Written apart from the reader, so that a wrong field number shows.
const message = (fields: Record<string, protobuf.IField>) => ({ edition: "proto2", fields });
const Model = protobuf.Root.fromJSON({
  nested: {
    Piece: message({
      p: { id: 1, type: "string" },
      s: { id: 2, type: "float" },
      t: { id: 3, type: "int32" },
    }),
    Trainer: message({ kind: { id: 3, type: "int32" }, bytes: { id: 35, type: "bool" } }),
    Normalizer: message({
      map: { id: 2, type: "bytes" },
      prefix: { id: 3, type: "bool" },
      trim: { id: 4, type: "bool" },
    }),
    Model: message({
      pieces: { rule: "repeated", id: 1, type: "Piece" },
      trainer: { id: 2, type: "Trainer" },
      normalizer: { id: 3, type: "Normalizer" },
    }),
  },
}).lookupType("Model");

type Piece = { p: string; s: number; t?: number };
const specials: Piece[] = [
  { p: "<unk>", s: 0, t: 2 },
  { p: "<s>", s: 0, t: 3 },
  { p: "</s>", s: 0, t: 3 },
];
const bytes: Piece[] = Array.from({ length: 256 }, (_, value) => ({
  p: `<0x${value.toString(16).toUpperCase().padStart(2, "0")}>`,
  s: 0,
  t: 6,
}));
function model(
  pieces: Piece[],
  trainer: object = { kind: 2, bytes: true },
  normalizer: object = { prefix: true, trim: false },
) {
  return Model.encode(
    Model.fromObject({ pieces: [...specials, ...bytes, ...pieces], trainer, normalizer }),
  ).finish();
}

describe("tokenizer.model", () => {
  test("merges by score, leftmost first", () => {
    // Words that begin as they end may overlap themselves, which a list of pairs cannot order.
    const beginsAsItEnds = (word: string) =>
      [...word.slice(1)].some((_, i) => word.startsWith(word.slice(i + 1)));
    const word = fc.stringMatching(/^\u2581?[abc]{1,5}$/).filter((value) => !beginsAsItEnds(value));
    const words = fc.uniqueArray(word, { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(words, fc.stringMatching(/^[abc d]{1,20}$/), (some, text) => {
        const names = [...new Set(["\u2581", ...some, "a", "b", "c"])];
        const pieces = names.map((p, index) => ({ p, s: -index, t: 1 }));
        const tokenizer = createTokenizer(convertSentencePiece(model(pieces)));
        expect(tokenizer.encode(text)).toEqual(slow(pieces, text));
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  test("what cannot be converted is named, all at once", () => {
    const odd = [{ p: "<mine>", s: 0, t: 4 }];
    const convert = () =>
      convertSentencePiece(
        model(odd, { kind: 1, bytes: false }, { prefix: false, map: new Uint8Array(3) }),
        "x.model",
      );
    expect(convert).toThrow(/^x.model: must be a BPE model/);
    for (const problem of [
      /model type 1/,
      /no byte fallback/,
      /no space put in front/,
      /spaces removed/,
      /normalizer ""/,
      /piece 259 "<mine>" of type 4/,
    ]) {
      expect(convert).toThrow(problem);
    }
  });

  test("a file of another kind is refused", () => {
    expect(() => convertSentencePiece(new TextEncoder().encode("not a model"))).toThrow(
      /must be a SentencePiece model/,
    );
    expect(() => convertSentencePiece(new Uint8Array())).toThrow(/without pieces/);
  });
});

function slow(pieces: Piece[], text: string): number[] {
  const score = new Map(pieces.map(({ p, s }) => [p, s]));
  const symbols = [...`\u2581${text.replaceAll(" ", "\u2581")}`];
  for (;;) {
    let best = -1;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const here = score.get(symbols[i] + symbols[i + 1]);
      if (here !== undefined && (best < 0 || here > score.get(symbols[best] + symbols[best + 1])!)) best = i;
    }
    if (best < 0) break;
    symbols.splice(best, 2, symbols[best] + symbols[best + 1]);
  }
  const ids = new Map(pieces.map(({ p }, index) => [p, 259 + index]));
  return symbols.flatMap(
    (symbol) => ids.get(symbol) ?? [...new TextEncoder().encode(symbol)].map((value) => 3 + value),
  );
}
