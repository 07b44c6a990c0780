import { describe, expect, it } from "vitest";
import type { CheckpointError } from "./index.ts";
import {
  type ArchiveEntry,
  archive,
  dictPickle,
  fileOf,
  type PickledTensor,
  pickle,
  tensorOperations,
} from "./testing/pickles.ts";
import { torchSource } from "./torch-file.ts";

/** Six floats, 0 to 5. */
const floats = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5).buffer);
const sound: PickledTensor = { dims: [2, 3], strides: [3, 1], length: 6 };

function torchFile(data: Uint8Array, ...more: ArchiveEntry[]): Uint8Array {
  return archive([
    { name: "a/data.pkl", data },
    { name: "a/byteorder", data: new TextEncoder().encode("little") },
    { name: "a/data/0", data: floats },
    ...more,
  ]);
}

const withTensor = (tensor: PickledTensor): Uint8Array =>
  torchFile(dictPickle({ weight: tensorOperations(tensor) }));
const withOperations = (...operations: number[][]): Uint8Array =>
  torchFile(dictPickle({ value: operations.flat() }));

async function refusal(bytes: Uint8Array): Promise<string> {
  const error = await torchSource(fileOf(bytes)).then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  expect(["CheckpointError", "FileError"]).toContain((error as Error).name);
  return (error as Error).message;
}

it("a file written by hand is read", async () => {
  const file = await torchSource(fileOf(withTensor({ ...sound, dims: [3, 2], strides: [1, 3] })));
  expect([...(await file.read("weight")).data]).toEqual([0, 3, 1, 4, 2, 5]);
  expect([...(await file.read("weight", [1, 2])).data]).toEqual([1, 4]);
  await expect(file.read("weight", [2, 4])).rejects.toThrow(/weight \[3, 2\]: must have the rows 2 to 4/);
});

describe("nothing is executed:", () => {
  const system = [pickle.global("posix", "system"), pickle.mark, pickle.text("true"), pickle.tuple];
  const cases: [string, number[][], RegExp][] = [
    ["a global", [pickle.global("posix", "system")], /global "posix\.system", which is not allowed/],
    ["a call", [...system, pickle.reduce], /global "posix\.system"/],
    [
      "a call of a class",
      [pickle.global("torch", "FloatStorage"), pickle.emptyTuple, pickle.reduce],
      /REDUCE of a StorageClass/,
    ],
    ["a call of a text", [pickle.text("eval"), pickle.emptyTuple, pickle.reduce], /REDUCE of a string/],
    ["a new object", [pickle.global("collections", "OrderedDict"), pickle.emptyTuple, [0x81]], /NEWOBJ/],
    ["a stack global", [pickle.text("builtins"), pickle.text("exec"), [0x93]], /global "builtins\.exec"/],
    ["an instance", [pickle.mark, [0x69], [...new TextEncoder().encode("os\nsystem\n")]], /INST/],
    ["an extension", [[0x82, 1]], /EXT1/],
    ["attributes of a dict", [pickle.emptyDict, pickle.emptyDict, pickle.build], /BUILD of a Map/],
    ["a persistent id of no storage", [pickle.text("module"), pickle.persistent], /persistent id/],
    [
      "a call that holds itself",
      // The parameters of the call are a list that is put into itself.
      [
        pickle.global("torch._tensor", "_rebuild_from_type_v2"),
        [0x71, 1, 0x5d, 0x71, 2, 0x68, 1, 0x61, 0x4e, 0x61, 0x68, 2, 0x61],
        pickle.reduce,
      ],
      /_rebuild_from_type_v2 of what rebuilds no tensor/,
    ],
  ];
  it.each(cases)("%s is refused by name", async (_, operations, message) => {
    const said = await refusal(withOperations(...operations));
    expect(said).toMatch(message);
    expect(said).toMatch(
      /^file\.bin: must be a PyTorch file of dense tensors, got[\s\S]*Nothing of it was executed/,
    );
  });
});

describe("a tensor is refused with its name where", () => {
  const large = 2n ** 62n;
  const cases: [string, Partial<PickledTensor>, RegExp][] = [
    ["its offset is negative", { offset: -1 }, /"weight" with the offset -1/],
    ["its offset is past the end", { offset: 1 }, /"weight" with elements up to 7 of a storage that has 6/],
    ["its offset overflows", { offset: large }, /"weight" with the offset 4611686018427387904/],
    ["a size is negative", { dims: [-2, 3] }, /"weight" with the shape \[-2, 3\]/],
    [
      "its sizes overflow",
      { dims: [2 ** 40, 2 ** 40], strides: [0, 0] },
      /more elements than can be counted/,
    ],
    [
      "it repeats its storage without end",
      { dims: [2 ** 30], strides: [0] },
      /tensors of 4294967296 bytes in a file/,
    ],
    ["a stride is negative", { strides: [-3, 1] }, /"weight" with the strides \[-3, 1\]/],
    ["a stride overflows", { strides: [2 ** 52, 1] }, /"weight" with elements up to 4503599627370499/],
    ["strides are missing", { strides: [1] }, /"weight" with the strides \[1\]/],
    ["its storage is not there", { key: "9" }, /"weight" with storage "9", which the file has not/],
    [
      "its storage is shorter than said",
      { length: 7 },
      /"weight" with storage "0" of 24 bytes where 7 elements/,
    ],
    ["its storage has a negative length", { length: -6 }, /"weight" with a storage of -6 elements/],
    [
      "its number format is unknown",
      { storageClass: "ComplexFloatStorage" },
      /global "torch\.ComplexFloatStorage"/,
    ],
    [
      "its elements are wider than said",
      { storageClass: "DoubleStorage" },
      /"weight" with storage "0" of 24 bytes/,
    ],
  ];
  it.each(cases)("%s", async (_, change, message) => {
    expect(await refusal(withTensor({ ...sound, ...change }))).toMatch(message);
  });

  it("all of them at once", async () => {
    const items = {
      a: tensorOperations({ ...sound, offset: -1 }),
      b: tensorOperations({ ...sound, length: 8 }),
    };
    const error = await torchSource(fileOf(torchFile(dictPickle(items)))).catch((reason) => reason);
    expect((error as CheckpointError).problems).toHaveLength(2);
  });
});

describe("an archive is refused where", () => {
  const data = dictPickle({ weight: tensorOperations(sound) });
  const entry = (name: string, more: Partial<ArchiveEntry> = {}): ArchiveEntry => ({
    name,
    data: floats,
    ...more,
  });
  const bytesOf = (more: Partial<ArchiveEntry>): Uint8Array =>
    archive([{ name: "a/data.pkl", data }, entry("a/data/0", more)]);
  const cases: [string, Uint8Array, RegExp][] = [
    ["it is cut short", torchFile(data).slice(0, -30), /whole zip archive, got End of central directory/],
    ["a tensor is compressed", bytesOf({ method: 8 }), /"weight" with storage "0": compressed \(method 8/],
    [
      "a tensor reaches past the end",
      bytesOf({ size: 1e6 }),
      /"weight" with storage "0": file data overflows/,
    ],
    [
      "a tensor shares bytes",
      bytesOf({ position: 0 }),
      /"weight" with storage "0": bytes shared with "a\/data\.pkl"/,
    ],
    [
      "a tensor begins nowhere",
      bytesOf({ position: 7 }),
      /"weight" with storage "0": invalid local file header/,
    ],
    ["the pickle is compressed", archive([{ name: "a/data.pkl", data, method: 8 }]), /data\.pkl: compressed/],
    ["an entry is there twice", torchFile(data, entry("a/data/0")), /two entries "a\/data\/0"/],
    ["it has no pickle", archive([entry("a/data/0")]), /0 entries data\.pkl/],
    ["it has two pickles", torchFile(data, { name: "b/data.pkl", data }), /2 entries data\.pkl/],
    [
      "its byte order is another",
      archive([{ name: "a/data.pkl", data }, entry("a/byteorder")]),
      /byte order/,
    ],
    ["it is empty", new Uint8Array(), /an empty file/],
    ["it is none", new TextEncoder().encode("<!DOCTYPE html>"), /neither a zip archive nor a pickle/],
  ];
  it.each(cases)("%s", async (_, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message);
  });

  it("it says it has more entries than any checkpoint", async () => {
    const bytes = torchFile(data);
    const view = new DataView(bytes.buffer);
    const position = bytes.length - 22;
    const count = 2 ** 31;
    // The counts of the end record say that zip64's are to be read.
    const zip64 = new Uint8Array(56 + 20);
    const fields = new DataView(zip64.buffer);
    fields.setUint32(0, 0x06064b50, true);
    fields.setBigUint64(4, 44n, true);
    fields.setBigUint64(24, BigInt(count), true);
    fields.setBigUint64(32, BigInt(count), true);
    fields.setBigUint64(48, BigInt(view.getUint32(position + 16, true)), true);
    fields.setUint32(56, 0x07064b50, true);
    fields.setBigUint64(64, BigInt(position), true);
    fields.setUint32(72, 1, true);
    view.setUint16(position + 8, 0xffff, true);
    view.setUint16(position + 10, 0xffff, true);
    view.setUint32(position + 16, 0xffffffff, true);
    const whole = new Uint8Array([...bytes.subarray(0, position), ...zip64, ...bytes.subarray(position)]);
    expect(await refusal(whole)).toMatch(/2147483648 entries \(at most 100000/);
  });
});

describe("a pickle is refused where", () => {
  const cases: [string, number[][], RegExp][] = [
    ["it ends early", [[0x58, 0xff, 0xff, 0xff, 0x7f]], /ends early \(2147483647 bytes wanted/],
    ["an operand is missing", [pickle.reduce, pickle.reduce, pickle.reduce], /without its operand/],
    ["an operation does not exist", [[0xff]], /operation 0xff, which is none/],
    ["the memo has no such entry", [[0x68, 77]], /memo entry 77/],
    ["text is broken", [[0x58, 1, 0, 0, 0, 0xff]], /no UTF-8/],
    [
      "values nest without end",
      [[0x7d, 0x71, 1], pickle.text("self"), [0x68, 1, 0x73]],
      /nested deeper than 16/,
    ],
    // Each list holds the one before eight times: 8^12 values by name, a hundred in memory.
    [
      "values multiply",
      [
        [0x5d],
        ...Array.from({ length: 12 }, (_, i) => [
          0x71,
          i,
          0x5d,
          ...Array.from({ length: 8 }, () => [0x68, i, 0x61]).flat(),
        ]),
      ],
      /more than 200000/,
    ],
  ];
  it.each(cases)("%s", async (_, operations, message) => {
    expect(await refusal(withOperations(...operations))).toMatch(message);
  });

  it("it has more operations than memory may be spent on", async () => {
    const operations = new Uint8Array(2_100_000).fill(0x4e);
    operations.set(pickle.proto);
    expect(await refusal(torchFile(operations))).toMatch(/more than 2000000 operations/);
  });
});
