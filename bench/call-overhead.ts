import { openDevice } from "../src/runtime/index.ts";
import { add, allocate, dim, type Graph, input } from "../src/tensor/index.ts";
import { printLine } from "./processor.ts";

/** Median and minimum milliseconds of some calls, after a few warm-up calls. */
async function measure(calls: number, action: () => unknown): Promise<{ median: number; least: number }> {
  const times: number[] = [];
  for (let i = -3; i < calls; i++) {
    const start = performance.now();
    await action();
    if (i >= 0) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { median: times[calls >> 1], least: times[0] };
}

async function report(name: string, calls: number, action: () => unknown): Promise<void> {
  const { median, least } = await measure(calls, action);
  const rounded = (ms: number) => Number(ms.toFixed(4));
  printLine({ name, median_ms: rounded(median), least_ms: rounded(least) });
}

/** A graph with many inputs that adds two of them: the overhead of a call beside its kernels. */
function sumOfMany(count: number): Graph {
  const inputs = Array.from({ length: count }, (_, i) => input(`x${i}`, "float32", [dim("size", 4)]));
  return { name: "many", outputs: { sum: inputs.reduce((total, x) => add(total, x)) } };
}

const device = await openDevice();

const elements = 16 * 2 ** 20;
const size = dim("size", elements);
const large = await device.compile({
  name: "large",
  outputs: { sum: add(input("a", "float32", [size]), input("b", "float32", [dim("one", 1)])) },
});
const a = allocate("float32", [elements]);
const b = allocate("float32", [1]);
const sum = allocate("float32", [elements]);
await report("64 MB into a given buffer", 20, () => large.runSync({ a, b }, { sum }));
await report("64 MB updated in place", 20, () => large.runSync({ a, b }, { sum: a }));
await report("64 MB into a new buffer", 20, () => large.runSync({ a, b }));

for (const count of [2, 100]) {
  const program = await device.compile(sumOfMany(count));
  const feeds = Object.fromEntries(program.inputs.map(({ name }) => [name, allocate("float32", [4])]));
  const bound = program.bind(feeds);
  await report(`${count} inputs, bound, sync`, 2000, () => bound.runSync());
  await report(`${count} inputs, bound, async`, 1000, () => bound.run());
  await report(`${count} inputs, checked, sync`, 1000, () => program.runSync(feeds, bound.outputs));
}
