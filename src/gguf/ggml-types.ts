/** A number format of GGUF files: how many numbers a block of it holds, and in how many bytes. */
export interface GgmlType {
  readonly id: number;
  readonly numbers: number;
  readonly bytes: number;
}

/** The number formats that are read, by the names that llama.cpp has for them. */
export const ggmlTypes = {
  F32: { id: 0, numbers: 1, bytes: 4 },
  F16: { id: 1, numbers: 1, bytes: 2 },
  BF16: { id: 30, numbers: 1, bytes: 2 },
  Q4_0: { id: 2, numbers: 32, bytes: 18 },
  Q4_1: { id: 3, numbers: 32, bytes: 20 },
  Q5_0: { id: 6, numbers: 32, bytes: 22 },
  Q5_1: { id: 7, numbers: 32, bytes: 24 },
  Q8_0: { id: 8, numbers: 32, bytes: 34 },
  Q4_K: { id: 12, numbers: 256, bytes: 144 },
  Q5_K: { id: 13, numbers: 256, bytes: 176 },
  Q6_K: { id: 14, numbers: 256, bytes: 210 },
} as const satisfies Readonly<Record<string, GgmlType>>;

export type GgmlTypeName = keyof typeof ggmlTypes;

const names = new Map<number, GgmlTypeName>(
  Object.entries(ggmlTypes).map(([name, { id }]) => [id, name as GgmlTypeName]),
);

/** The format of an id in a file; undefined for one that is not read. */
export const ggmlTypeOf = (id: number): GgmlTypeName | undefined => names.get(id);

/** Number formats that are not read, by their ids. */
const others: Readonly<Record<number, string>> = {
  9: "Q8_1",
  10: "Q2_K",
  11: "Q3_K",
  15: "Q8_K",
  16: "IQ2_XXS",
  17: "IQ2_XS",
  18: "IQ3_XXS",
  19: "IQ1_S",
  20: "IQ4_NL",
  21: "IQ3_S",
  22: "IQ2_S",
  23: "IQ4_XS",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  29: "IQ1_M",
  34: "TQ1_0",
  35: "TQ2_0",
  39: "MXFP4",
};

/** What a number format that is not read is called. */
export const ggmlTypeTitle = (id: number): string => others[id] ?? `${id}`;

/** Bytes of so many numbers, which are whole blocks. */
export function ggmlBytes(type: GgmlTypeName, numbers: number): number {
  const block = ggmlTypes[type];
  return (numbers / block.numbers) * block.bytes;
}
