import { describe, expect, it } from "vitest";
import type { MemoryLimit } from "../platform/index.ts";
import { inMemoryWords, MemoryError, memoryWarnings, requireMemory } from "./memory-check.ts";

const mebibyte = 2 ** 20;
const estimate = {
  weights: 1000 * mebibyte,
  gradients: 300 * mebibyte,
  optimizerState: 600 * mebibyte,
  activations: 5000 * mebibyte,
  pixels: 10 * mebibyte,
  runtime: 100 * mebibyte,
  total: 7010 * mebibyte,
};
const state = { threads: 2, weightsRead: false };
const limit = (mebibytes: number, more: Partial<MemoryLimit> = {}): MemoryLimit => ({
  bytes: mebibytes * mebibyte,
  name: "memory.max of the control group /job",
  counts: "memory",
  beyond: "fails",
  ...more,
});

describe("a run whose memory is limited", () => {
  it("is refused where weights, gradients and optimizer state alone are more", () => {
    expect(() => requireMemory("a.yaml", estimate, state, [limit(9000), limit(1999)])).toThrow(
      /^a\.yaml: the run needs about 7,010 MiB \(weights 1,000 MiB, .*, runtime 100 MiB\), got 1,999 MiB \(memory\.max of the control group \/job\)\. Lower microBatch .*raise the limit\.$/,
    );
    expect(() => requireMemory("a.yaml", estimate, state, [limit(2000)])).not.toThrow();
  });

  it("is warned where the estimate is more, with what happens then", () => {
    expect(memoryWarnings(estimate, { limits: [limit(7010)], available: estimate.total })).toEqual([]);
    expect(memoryWarnings(estimate, { limits: [limit(7009, { beyond: "kills" })] })).toEqual([
      expect.stringMatching(/^about 7,010 MiB may not fit: the limit is 7,009 MiB .* without a word\. Lower/),
    ]);
    expect(memoryWarnings(estimate, { limits: [], available: 5000 * mebibyte })).toEqual([
      expect.stringMatching(/only 5,000 MiB of this machine are free now/),
    ]);
  });

  it("counts all processes of the machine against what limits them together", () => {
    const three = { ...state, processes: 3 };
    expect(() => requireMemory("a.yaml", estimate, three, [limit(5999)])).toThrow(
      /in each of 3 processes of this machine, got 5,999 MiB .*Start fewer processes on this machine, or on more machines/,
    );
    expect(() => requireMemory("a.yaml", estimate, three, [limit(6000)])).not.toThrow();
    const available = 3 * estimate.total;
    expect(memoryWarnings(estimate, { limits: [], available, processes: 3 })).toEqual([]);
    expect(memoryWarnings(estimate, { limits: [limit(21_029)], available, processes: 3 })).toEqual([
      expect.stringMatching(/^about 21,030 MiB of 3 processes may not fit: the limit is 21,029 MiB/),
    ]);
  });

  it("is refused where its threads and memories have no address space", () => {
    const space = { name: "ulimit -v", counts: "address space" } as const;
    expect(() => requireMemory("a.yaml", estimate, state, [limit(2 ** 20, space)])).not.toThrow();
    expect(() => requireMemory("a.yaml", estimate, state, [limit(3000, space)])).toThrow(
      /a\.yaml: the run needs about [\d,]+ MiB of address space, .*got 3,000 MiB \(ulimit -v\)\. Raise it/,
    );
  });
});

describe("an allocation that failed", () => {
  const failing = (error: Error) => inMemoryWords("a.yaml", estimate, () => Promise.reject(error));

  it("in V8's words becomes a MemoryError with the need, the limits and what to change", async () => {
    const allocate = async (): Promise<ArrayBuffer> => new ArrayBuffer(2 ** 45);
    await expect(inMemoryWords("a.yaml", estimate, allocate)).rejects.toThrow(MemoryError);
    await expect(inMemoryWords("a.yaml", estimate, allocate)).rejects.toThrow(
      /^a\.yaml: memory must suffice, got ".*"; the run needs about 7,010 MiB .*, within .*\(this machine\).*Lower/,
    );
  });

  it.each([
    "step: Non-zero status code returned while running MatMul node. std::bad_alloc",
    "step: Failed to allocate memory for requested buffer of size 1099511627776",
    "step: pthread_create failed, error code: 11",
  ])("in ONNX Runtime's words does too: %s", async (message) => {
    await expect(failing(new Error(message))).rejects.toThrow(MemoryError);
  });

  it("is told apart from other errors, which stay", async () => {
    const other = new Error("rows.jsonl:3: no picture");
    await expect(failing(other)).rejects.toBe(other);
  });
});
