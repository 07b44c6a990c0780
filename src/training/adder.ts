import type { Device } from "../runtime/index.ts";
import { add, type Dim, type Graph, input } from "../tensor/index.ts";
import { type Arena, type Layout, newArena } from "./arena.ts";
import { compileForChunks } from "./chunks.ts";

/** Adds up the gradients of micro-batches. */
export interface Adder {
  /** Where the gradients of so many further micro-batches go; made when they are first asked for. */
  scratches(count: number): readonly Arena[];
  /** Adds one of the scratches to the gradients. */
  add(scratch: Arena): Promise<void>;
  dispose(): void;
}

/** Adds into these gradients, in place. */
export function createAdder(device: Device, layout: Layout, gradients: Arena): Adder {
  const made: Arena[] = [];
  const sums = new Map<Arena, () => Promise<void>>();
  let programs: ReturnType<typeof compileForChunks> | undefined;
  const sumOf = async (scratch: Arena): Promise<() => Promise<void>> => {
    programs ??= compileForChunks(device, sumGraph);
    return (await programs).bind(0, layout.length, (start, end) => {
      const sum = gradients.part(start, end);
      return { feeds: { sum, part: scratch.part(start, end) }, into: { newSum: sum } };
    });
  };
  return {
    scratches: (count) => {
      while (made.length < count) made.push(newArena(layout));
      return made.slice(0, count);
    },
    add: async (scratch) => {
      const sum = sums.get(scratch) ?? (await sumOf(scratch));
      sums.set(scratch, sum);
      await sum();
    },
    dispose: () => void programs?.then(({ dispose }) => dispose()),
  };
}

function sumGraph(count: Dim): Graph {
  const newSum = add(input("sum", "float32", [count]), input("part", "float32", [count]));
  return { name: "sum of gradients", outputs: { newSum } };
}
