import type { BoundRun, Device, Program } from "../runtime/index.ts";
import { add, dim, input } from "../tensor/index.ts";
import { type Arena, chunksOf, type Layout, newArena } from "./arena.ts";
import { runnerOf } from "./chunk-runs.ts";

/** Adds up the gradients of micro-batches. */
export interface Adder {
  /** Where a further micro-batch's gradients go; made when it is first asked for. */
  scratch(): Promise<Arena>;
  /** Adds the scratch to the gradients. */
  add(): Promise<void>;
  dispose(): void;
}

/** Adds into these gradients, in place. */
export function createAdder(device: Device, layout: Layout, gradients: Arena): Adder {
  let made: { scratch: Arena; program: Program; runs: BoundRun[] } | undefined;
  const runAll = runnerOf(device);
  const make = async () => {
    const scratch = newArena(layout);
    const vector = [dim("count")];
    const sum = add(input("sum", "float32", vector), input("part", "float32", vector));
    const program = await device.compile({ name: "add", outputs: { newSum: sum } });
    const runs = chunksOf(0, layout.length).map(([start, end]) => {
      const target = gradients.part(start, end);
      return program.bind({ sum: target, part: scratch.part(start, end) }, { newSum: target });
    });
    return { scratch, program, runs };
  };
  return {
    scratch: async () => {
      made ??= await make();
      return made.scratch;
    },
    add: () => runAll(made?.runs ?? []),
    dispose: () => made?.program.dispose(),
  };
}
