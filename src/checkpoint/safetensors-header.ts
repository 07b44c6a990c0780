import { elementCount } from "../tensor/index.ts";
import { STORED_TYPES, type StoredType } from "./stored-types.ts";
import type { TensorEntry } from "./tensor-source.ts";

/** One tensor as a safetensors header describes it; offsets count from the end of the header. */
export interface StoredTensor extends TensorEntry {
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of the file. */
  readonly tensors: StoredTensor[];
  readonly metadata: Record<string, string>;
}

/** The format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads the JSON header of a safetensors file.
 *
 * @param text the header's bytes as text
 * @param dataLength bytes that follow the header
 * @returns the header, and every violation of the format: an empty list for a sound file
 */
export function parseHeader(
  text: string,
  dataLength: number,
): { header: SafetensorsHeader; problems: string[] } {
  const header: SafetensorsHeader = { tensors: [], metadata: {} };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return { header, problems: [`a header that is no JSON (${(error as Error).message})`] };
  }
  if (!isRecord(parsed)) return { header, problems: ["a header that is no JSON object"] };

  const problems = repeatedKeys(text).map((key) => `the name ${quote(key)} more than once`);
  for (const [name, entry] of Object.entries(parsed)) {
    if (name === "__metadata__") problems.push(...readMetadata(entry, header.metadata));
    else {
      const result = readEntry(name, entry, dataLength);
      if (typeof result === "string") problems.push(`${quote(name)} with ${result}`);
      else header.tensors.push(result);
    }
  }
  header.tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  // With an unreadable entry the layout cannot be judged.
  if (problems.length === 0) problems.push(...layoutProblems(header.tensors, dataLength));
  return { header, problems };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function quote(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readMetadata(entry: unknown, metadata: Record<string, string>): string[] {
  if (!isRecord(entry)) return ["__metadata__ that is no object"];
  const problems: string[] = [];
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value === "string") metadata[key] = value;
    else problems.push(`__metadata__.${key} that is no text`);
  }
  return problems;
}

function readEntry(name: string, entry: unknown, dataLength: number): StoredTensor | string {
  if (!isRecord(entry)) return "a description that is no object";
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string" || !Object.hasOwn(STORED_TYPES, dtype)) {
    return `the type ${JSON.stringify(dtype)} (read are ${Object.keys(STORED_TYPES).join(", ")})`;
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) return `the shape ${JSON.stringify(shape)}`;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return `the data_offsets ${JSON.stringify(offsets)}`;
  }
  const type = dtype as StoredType;
  const [begin, end] = offsets as [number, number];
  const bytes = elementCount(shape) * STORED_TYPES[type];
  if (end - begin !== bytes) {
    return `${end - begin} bytes [${begin}, ${end}] where ${dtype} [${shape.join(", ")}] takes ${bytes}`;
  }
  if (end > dataLength) {
    return `data up to byte ${end} where the file has ${dataLength} (was it cut short?)`;
  }
  return { name, type, dims: shape, begin, end };
}

function layoutProblems(tensors: readonly StoredTensor[], dataLength: number): string[] {
  const problems: string[] = [];
  let position = 0;
  let before = "the header";
  for (const tensor of tensors) {
    if (tensor.begin < position) problems.push(`${quote(tensor.name)} overlapping ${before}`);
    if (tensor.begin > position) {
      problems.push(`${tensor.begin - position} unused bytes between ${before} and ${quote(tensor.name)}`);
    }
    position = Math.max(position, tensor.end);
    before = quote(tensor.name);
  }
  if (position < dataLength) problems.push(`${dataLength - position} unused bytes after ${before}`);
  return problems;
}

/** Keys that stand twice in one object of a valid JSON text; JSON.parse silently keeps the last. */
function repeatedKeys(text: string): string[] {
  const repeated: string[] = [];
  const open: Set<string>[] = [];
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;
  for (const [found, colon] of text.matchAll(token)) {
    if (found === "{") open.push(new Set());
    else if (found === "}") open.pop();
    else if (colon !== undefined) {
      const key: string = JSON.parse(found.slice(0, -colon.length));
      const keys = open.at(-1);
      if (keys?.has(key)) repeated.push(key);
      keys?.add(key);
    }
  }
  return repeated;
}
