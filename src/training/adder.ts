import type { KernelThreads } from "../platform/index.ts";
import { type Arena, type Layout, partsOf } from "./arena.ts";

/** Adds the gradients of a micro-batch to those before it: sum ← sum + part. */
export async function addArena(
  threads: KernelThreads,
  layout: Layout,
  sum: Arena,
  part: Arena,
): Promise<void> {
  const parts = layout.stretches.flatMap((stretch) => partsOf(stretch, layout));
  await threads.run(
    parts.map(({ memory, start, bytes }) => ({
      memory,
      kernel: "add",
      numbers: [sum.addressOf(start), part.addressOf(start), bytes],
    })),
  );
}
