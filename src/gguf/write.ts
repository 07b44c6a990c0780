import { elementCount } from "../tensor/index.ts";
import type { GgmlTypeName } from "./ggml-types.ts";
import { ggmlBytes, ggmlTypes } from "./ggml-types.ts";

/** A value of metadata with the type that it is written in. */
export type WrittenValue =
  | { readonly type: "uint32" | "float32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "int32s" | "float32s"; readonly value: readonly number[] };

/** A tensor that is to be written. */
export interface WrittenTensor {
  readonly name: string;
  readonly type: GgmlTypeName;
  /** Row-major, the outermost first. */
  readonly dims: readonly number[];
}

/** A GGUF file before its numbers are known. */
export interface GgufLayout {
  readonly header: Uint8Array;
  /** Where in the file each tensor's first byte belongs. */
  readonly positions: ReadonlyMap<string, number>;
  readonly size: number;
}

const alignment = 32;
const version = 3;
const typeIds = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;

/** Lays out a GGUF file (version 3, little-endian), whose tensors can then be written piece by piece. */
export function ggufLayout(
  metadata: ReadonlyMap<string, WrittenValue>,
  tensors: readonly WrittenTensor[],
): GgufLayout {
  const bytes = new ByteWriter();
  bytes.text("GGUF");
  bytes.uint32(version);
  bytes.uint64(tensors.length);
  bytes.uint64(metadata.size);
  for (const [key, value] of metadata) {
    bytes.string(key);
    writeValue(bytes, value);
  }
  const offsets = new Map<string, number>();
  let offset = 0;
  for (const { name, type, dims } of tensors) {
    bytes.string(name);
    bytes.uint32(dims.length);
    for (const size of dims.toReversed()) bytes.uint64(size);
    bytes.uint32(ggmlTypes[type].id);
    bytes.uint64(offset);
    offsets.set(name, offset);
    offset = aligned(offset + ggmlBytes(type, elementCount(dims)));
  }
  const header = bytes.taken(aligned(bytes.length));
  const positions = new Map([...offsets].map(([name, at]) => [name, header.length + at]));
  return { header, positions, size: header.length + offset };
}

const aligned = (position: number): number => alignment * Math.ceil(position / alignment);

function writeValue(bytes: ByteWriter, { type, value }: WrittenValue): void {
  switch (type) {
    case "uint32":
    case "float32":
      bytes.uint32(typeIds[type]);
      bytes[type](value);
      return;
    case "bool":
      bytes.uint32(typeIds.bool);
      bytes.byte(value ? 1 : 0);
      return;
    case "string":
      bytes.uint32(typeIds.string);
      bytes.string(value);
      return;
    case "strings":
      bytes.array(typeIds.string, value.length);
      for (const one of value) bytes.string(one);
      return;
    case "int32s":
      bytes.array(typeIds.int32, value.length);
      for (const one of value) bytes.uint32(one);
      return;
    case "float32s":
      bytes.array(typeIds.float32, value.length);
      for (const one of value) bytes.float32(one);
  }
}

/** Bytes that grow, little-endian. */
class ByteWriter {
  #bytes = new Uint8Array(65536);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  taken(length: number): Uint8Array {
    this.#room(length - this.length);
    return this.#bytes.slice(0, length);
  }

  byte(value: number): void {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
    this.length += 1;
  }

  uint32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
    this.length += 4;
  }

  float32(value: number): void {
    const at = this.#room(4);
    this.#view.setFloat32(at, value, true);
    this.length += 4;
  }

  uint64(value: number): void {
    const at = this.#room(8);
    this.#view.setBigUint64(at, BigInt(value), true);
    this.length += 8;
  }

  text(value: string): void {
    this.#append(new TextEncoder().encode(value));
  }

  string(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.uint64(bytes.length);
    this.#append(bytes);
  }

  array(type: number, length: number): void {
    this.uint32(typeIds.array);
    this.uint32(type);
    this.uint64(length);
  }

  #append(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    this.length += bytes.length;
  }

  /** Makes room for so many bytes, and says where they begin. */
  #room(more: number): number {
    const needed = this.length + more;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(2 * needed);
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return this.length;
  }
}
