import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { float32, type HostTensor, int32, int64 } from "../tensor/index.ts";
import {
  CheckpointError,
  openSafetensors,
  parseSafetensors,
  readSafetensors,
  safetensorsBytes,
  writeSafetensors,
} from "./index.ts";
import { narrowToBfloat16, narrowToHalf, widenBfloat16, widenHalf } from "./number-formats.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "safetensors-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** A file with any header, however wrong. */
function fileOf(header: unknown, dataLength: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

function problemsOf(bytes: Uint8Array): readonly string[] {
  try {
    parseSafetensors(bytes);
  } catch (error) {
    if (error instanceof CheckpointError) return error.problems;
    throw error;
  }
  return [];
}

const sample = (): Map<string, HostTensor> =>
  new Map<string, HostTensor>([
    ["weight", float32([1, -2, 0.1, 4, 5, 6], [2, 3])],
    ["scalar", float32([7], [])],
    ["empty", float32([], [0, 4])],
    ["ids", int64([1, -1, 32000], [3])],
    ["counts", int32([3, -4], [2])],
    ["mask", { dtype: "bool", dims: [3], data: Uint8Array.of(1, 0, 1) }],
  ]);

describe("a safetensors file", () => {
  it("comes back as it was written, from bytes and from a path", async () => {
    const path = join(directory, "sample.safetensors");
    await writeSafetensors(path, sample(), { metadata: { format: "pt" } });
    const content = parseSafetensors(safetensorsBytes(sample(), { metadata: { format: "pt" } }));
    expect(content.metadata).toEqual({ format: "pt" });
    for (const tensors of [await readSafetensors(path), content.tensors]) {
      expect(new Map([...tensors].sort())).toEqual(new Map([...sample()].sort()));
    }
  });

  it("shares the bytes' memory where the alignment allows", () => {
    const bytes = safetensorsBytes(sample());
    expect(parseSafetensors(bytes).tensors.get("weight")?.data.buffer).toBe(bytes.buffer);
  });

  it("reads bytes at an odd address", () => {
    const bytes = safetensorsBytes(sample());
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    for (const odd of [shifted.subarray(1), Buffer.from(shifted.buffer, 1)]) {
      expect(parseSafetensors(odd).tensors.get("ids")).toEqual(sample().get("ids"));
    }
  });

  it("reads single tensors of an opened file", async () => {
    const path = join(directory, "opened.safetensors");
    await writeSafetensors(path, sample());
    const file = await openSafetensors(path);
    expect(await file.read("counts")).toEqual(sample().get("counts"));
    await expect(file.read("nothing")).rejects.toThrow(/opened.safetensors: holds no tensor "nothing"/);
    await file.close();
  });

  it("reads F64, F16, BF16, U8, I8 and I16", () => {
    const types = ["F64", "F16", "BF16", "U8", "I8", "I16"];
    const sizes = [8, 2, 2, 1, 1, 2];
    let end = 0;
    const header = Object.fromEntries(
      types.map((dtype, i) => {
        const begin = end;
        end += sizes[i];
        return [dtype, { dtype, shape: [1], data_offsets: [begin, end] }];
      }),
    );
    const bytes = fileOf(header, end);
    const data = new DataView(bytes.buffer, bytes.length - end);
    data.setFloat64(0, 0.1, true);
    data.setUint16(8, 0x3555, true);
    data.setUint16(10, 0x3eab, true);
    data.setUint8(12, 200);
    data.setInt8(13, -5);
    data.setInt16(14, -300, true);
    const { tensors } = parseSafetensors(bytes);
    const values = [...tensors.values()].map((tensor) => Number(tensor.data[0]));
    expect(tensors.get("I8")!.dtype).toBe("int8");
    expect(values).toEqual([Math.fround(0.1), 0.333251953125, 0.333984375, 200, -5, -300]);
  });

  it("refuses values that F16 cannot hold, naming the tensor", async () => {
    const tensors = new Map([["big", float32([1, 70000], [2])]]);
    const path = join(directory, "big.safetensors");
    await expect(writeSafetensors(path, tensors, { floatType: "F16" })).rejects.toThrow(
      /big\.safetensors: .*70000 in big/,
    );
  });
});

describe("a malformed file", () => {
  const good = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  const at = (begin: number, end: number) => ({ dtype: "F32", shape: [2], data_offsets: [begin, end] });
  const cases: [string, Uint8Array, RegExp[]][] = [
    ["empty", new Uint8Array(), [/an empty file/]],
    ["of three bytes", new Uint8Array(3), [/3 bytes only/]],
    ["cut within its header", fileOf({ a: good }, 8).slice(0, 30), [/header of \d+ bytes in a file of 30/]],
    ["cut within its data", fileOf({ a: good }, 5), [/"a" with data up to byte 8 where the file has 5/]],
    ["with a header too long", new Uint8Array(16).fill(0xff), [/at most 100000000/]],
    ["with a header that is no JSON", fileOf("{oops", 0), [/no JSON/]],
    ["with a header that is a list", fileOf("[]", 0), [/no JSON object/]],
    [
      "with a name twice",
      fileOf(`{"a":${JSON.stringify(good)},"a":${JSON.stringify(good)}}`, 8),
      [/"a" more than once/],
    ],
    ["with overlapping tensors", fileOf({ a: at(0, 8), b: at(4, 12) }, 12), [/"b" overlapping "a"/]],
    ["with a hole", fileOf({ a: at(0, 8), b: at(12, 20) }, 20), [/4 unused bytes between "a" and "b"/]],
    ["with bytes at the end", fileOf({ a: good }, 9), [/1 unused bytes after "a"/]],
    ["with metadata that is no text", fileOf({ __metadata__: { n: 1 } }, 0), [/__metadata__.n/]],
    [
      "with several faults",
      fileOf(
        {
          a: { ...good, dtype: "F8" },
          b: { ...good, shape: [-1] },
          c: at(0, 4),
          d: { ...good, data_offsets: [8] },
        },
        8,
      ),
      [
        /"a" with the type "F8"/,
        /"b" with the shape \[-1\]/,
        /"c" with 4 bytes/,
        /"d" with the data_offsets/,
      ],
    ],
  ];
  it.each(cases)("%s is named with every problem", (_, bytes, expected) => {
    const problems = problemsOf(bytes);
    expect(problems).toHaveLength(expected.length);
    for (const [i, pattern] of expected.entries()) expect(problems[i]).toMatch(pattern);
  });

  it("is named by its path", async () => {
    const path = join(directory, "cut.safetensors");
    await writeFile(path, safetensorsBytes(sample()).slice(0, -3));
    await expect(readSafetensors(path)).rejects.toThrow(/cut\.safetensors: must be a safetensors file, got/);
    await expect(readSafetensors(join(directory, "none"))).rejects.toThrow(/none: .*no such file/);
  });

  it("never ends in anything but a CheckpointError, whatever the bytes", () => {
    const sound = safetensorsBytes(sample());
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.nat(255), fc.nat(sound.length), (where, value, length) => {
        const bytes = sound.slice(0, length);
        if (where < length) bytes[where] = value;
        problemsOf(bytes);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe("number formats", () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const formats = [
    { name: "half", widen: widenHalf, narrow: narrowToHalf, infinity: 0x7c00 },
    { name: "bfloat16", widen: widenBfloat16, narrow: narrowToBfloat16, infinity: 0x7f80 },
  ];
  it.each(formats)("$name: every value comes back", ({ widen, narrow, infinity }) => {
    const wide = new Float32Array(65536);
    widen(all, wide);
    const back = new Uint16Array(65536);
    narrow(wide, back);
    const changed = [...all].filter((bits) => (bits & 0x7fff) <= infinity && back[bits] !== bits);
    expect(changed).toEqual([]);
    expect(Number.isNaN(wide[infinity + 1])).toBe(true);
  });

  it.each(formats)("$name: between two values the nearest is taken, halfway the even", ({
    widen,
    narrow,
    infinity,
  }) => {
    const pair = new Float32Array(2);
    const result = new Uint16Array(3);
    for (let bits = 0; bits + 1 < infinity; bits++) {
      widen(Uint16Array.of(bits, bits + 1), pair);
      const step = pair[1] - pair[0];
      narrow(Float32Array.of(pair[0] + step / 4, pair[0] + step / 2, pair[0] + 0.75 * step), result);
      // The smallest bfloat16 steps have no quarter in float32.
      if (step / 4 < 2 ** -149) continue;
      const even = bits % 2 === 0 ? bits : bits + 1;
      if (result[0] !== bits || result[1] !== even || result[2] !== bits + 1) {
        expect([bits, ...result]).toEqual([bits, bits, even, bits + 1]);
      }
    }
  });
});

describe.skipIf(!sharedAvailable)("files written by the reference", () => {
  it("are widened exactly", async () => {
    const float = await readSafetensors(shared("golden/tiny-image/model.safetensors"));
    const half = await readSafetensors(shared("golden/tiny-image/fp16/model.safetensors"));
    expect(float.size).toBe(124);
    const name = "vision_model.embeddings.position_embedding";
    const rounded = Uint16Array.from({ length: 17 * 64 });
    narrowToHalf(float.get(name)!.data as Float32Array, rounded);
    const expected = new Float32Array(rounded.length);
    widenHalf(rounded, expected);
    expect(half.get(name)).toEqual({ dtype: "float32", dims: [1, 17, 64], data: expected });
  });
});
