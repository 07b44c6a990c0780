import type { ThreadPool } from "../platform/index.ts";
import { chunksOf, type FlatBuffer, type Layout } from "./flat-buffer.ts";

/** Adds the gradients of a micro-batch to the sum of those before it, in place: sum ← sum + gradients. */
export async function accumulateGradients(
  threads: ThreadPool,
  layout: Layout,
  sum: FlatBuffer,
  gradients: FlatBuffer,
): Promise<void> {
  const chunks = layout.groups.flatMap((group) => chunksOf(group, layout));
  await threads.run(
    chunks.map(({ memory, start, bytes }) => ({
      memory,
      kernel: "add",
      numbers: [sum.addressOf(start), gradients.addressOf(start), bytes],
    })),
  );
}
