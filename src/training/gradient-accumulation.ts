import type { ThreadPool } from "../platform/index.ts";
import type { Chunk, FlatBuffer } from "./flat-buffer.ts";

/** Adds the gradients of a micro-batch to the sum of those before it, in place: sum ← sum + gradients. */
export async function accumulateGradients(
  threads: ThreadPool,
  chunks: readonly Chunk[],
  sum: FlatBuffer,
  gradients: FlatBuffer,
): Promise<void> {
  await threads.run(
    chunks.map(({ memory, start, bytes }) => ({
      memory,
      kernel: "add",
      numbers: [sum.addressOf(start), gradients.addressOf(start), bytes],
    })),
  );
}
