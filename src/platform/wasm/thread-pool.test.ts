import { describe, expect, it } from "vitest";
import { newKernelMemory } from "./memory.ts";
import { startThreadPool } from "./thread-pool.ts";

/**
 * `(func (export "set") (param $at i32) (param $x f32) (result f32))`: stores a number, and gives back what was there.
 * From (module (import "env" "memory" (memory 1 65536 shared)) …) by wabt.
 */
const setModule =
  "AGFzbQEAAAABBwFgAn99AX0CEgEDZW52Bm1lbW9yeQIDAYCABAMCAQAHBwEDc2V0AAAKEAEOACAAKgIAIAAgATgCAAs=";

const numbersAt = (memory: WebAssembly.Memory): Float32Array => new Float32Array(memory.buffer);

describe("threads of kernels", () => {
  it("run calls over memory that JavaScript sees, and answer in the calls' order", async () => {
    const memories = [newKernelMemory(64), newKernelMemory(200_000)];
    numbersAt(memories[1]).set([5, 6, 7]);
    const threads = startThreadPool(setModule, memories, 2);
    const set = (memory: number, index: number, x: number) => ({
      memory,
      kernel: "set",
      numbers: [4 * index, x],
    });
    const calls = [set(1, 0, 1), set(1, 1, 2), set(0, 0, 3), set(1, 2, 4), set(1, 40_000, 9)];
    expect(await threads.run(calls)).toEqual([5, 6, 0, 7, 0]);
    expect(await threads.run([set(0, 0, 0)])).toEqual([3]);
    expect(await threads.run([])).toEqual([]);
    expect([...numbersAt(memories[1]).subarray(0, 3), numbersAt(memories[1])[40_000]]).toEqual([1, 2, 4, 9]);
    threads.dispose();
  });

  it("tell what went wrong in a kernel, and are gone then, all of them", async () => {
    const threads = startThreadPool(setModule, [newKernelMemory(1)], 2);
    const inside = { memory: 0, kernel: "set", numbers: [0, 1] };
    const outside = { ...inside, numbers: [65_536, 1] };
    await expect(threads.run([inside, outside])).rejects.toThrow(/^kernels: memory access out of bounds/);
    await expect(threads.run([inside])).rejects.toThrow(/^kernels: /);
  });

  it("end a run that is under way when they are let go of", async () => {
    const threads = startThreadPool(setModule, [newKernelMemory(1)], 1);
    const run = threads.run([{ memory: 0, kernel: "set", numbers: [0, 1] }]);
    threads.dispose();
    await expect(run).rejects.toThrow("kernels: their thread has ended");
  });
});
