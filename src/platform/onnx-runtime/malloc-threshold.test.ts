import koffi from "koffi";
import { expect, it } from "vitest";
import { openOnnxRuntime } from "../index.ts";

/** Of glibc's word before a block: the block is a mapping of its own. */
const isMapped = 2n;

it.skipIf(process.platform !== "linux")(
  "maps large blocks by themselves, whatever was freed before",
  async () => {
    await openOnnxRuntime("c-api");
    const library = koffi.load(null);
    const malloc: (bytes: number) => bigint = library.func("void *malloc(size_t)");
    const free: (block: bigint) => void = library.func("void free(void *)");
    const mapped = (bytes: number): boolean => {
      const block = malloc(bytes);
      const word: bigint = BigInt(koffi.decode(block - 8n, "uint64_t"));
      free(block);
      return (word & isMapped) !== 0n;
    };
    // Freeing this one would make glibc keep whatever is smaller.
    expect(mapped(24 * 2 ** 20)).toBe(true);
    expect([2 ** 22, 2 ** 20, 2 ** 16].map(mapped)).toEqual([true, true, false]);
  },
);
