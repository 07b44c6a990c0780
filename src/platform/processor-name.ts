import { cpus } from "node:os";

/** The processor's name as the system tells it; its architecture where there is none. */
export function processorName(): string {
  return cpus()[0]?.model.trim() || process.arch;
}
