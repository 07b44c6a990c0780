import type { Device } from "../runtime/index.ts";
import { add, type Dim, type Graph, input } from "../tensor/index.ts";
import { type Arena, type Layout, newArena } from "./arena.ts";
import { compileForChunks } from "./chunks.ts";

/** Adds up the gradients of micro-batches. */
export interface Adder {
  /** Where a further micro-batch's gradients go; made when it is first asked for. */
  scratch(): Promise<Arena>;
  /** Adds the scratch to the gradients. */
  add(): Promise<void>;
  dispose(): void;
}

interface Made {
  readonly scratch: Arena;
  readonly add: () => Promise<void>;
  readonly dispose: () => void;
}

/** Adds into these gradients, in place. */
export function createAdder(device: Device, layout: Layout, gradients: Arena): Adder {
  let made: Made | undefined;
  const make = async (): Promise<Made> => {
    const scratch = newArena(layout);
    const programs = await compileForChunks(device, sumGraph);
    const run = programs.bind(0, layout.length, (start, end) => {
      const sum = gradients.part(start, end);
      return { feeds: { sum, part: scratch.part(start, end) }, into: { newSum: sum } };
    });
    return { scratch, add: run, dispose: programs.dispose };
  };
  return {
    scratch: async () => {
      made ??= await make();
      return made.scratch;
    },
    add: async () => made?.add(),
    dispose: () => made?.dispose(),
  };
}

function sumGraph(count: Dim): Graph {
  const newSum = add(input("sum", "float32", [count]), input("part", "float32", [count]));
  return { name: "sum of gradients", outputs: { newSum } };
}
