import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { roundNumbers } from "./statistics.ts";

/** Instructions that the kernels of ONNX Runtime and of its peers choose by. */
const telling = ["avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16"];

/** The processor's flags as Linux lists them; none elsewhere. */
function flags(): readonly string[] {
  try {
    const listed = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
    return listed.trim().split(" ");
  } catch {
    return [];
  }
}

/** What a figure was measured on. */
export const processor = {
  processor: cpus()[0]?.model,
  processors: cpus().length,
  flags: flags().filter((flag) => telling.includes(flag)),
};

/** Prints figures as a line of JSON, with the processor that they were measured on. */
export function printLine(figures: object): void {
  console.log(JSON.stringify({ ...figures, ...processor }, roundNumbers));
}
