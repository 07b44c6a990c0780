import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { lastLine } from "./child.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const python = path("../.peers/bin/python");
const program = path("../../shared/peers/owl_torch.py");

/** How PyTorch is set up where it is missing; undefined where it is there. */
export function missingTorch(): string | undefined {
  if (!existsSync(program)) return `PyTorch: needs ${program}, which is not there`;
  if (existsSync(python)) return undefined;
  return "PyTorch: python3 -m venv .peers && .peers/bin/pip install torch numpy safetensors";
}

/** What PyTorch's program measures, by its words. */
export const torchLine = <T>(...words: readonly string[]): T => lastLine(python, [program, ...words]);
