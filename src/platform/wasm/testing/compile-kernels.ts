import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import wabt from "wabt";

const pathOf = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

/** The files of kernels, each beside its source, with the name that it exports. */
export const kernelFiles = [
  { source: "training/kernels.wat", file: "training/kernels.ts", name: "kernels" },
  { source: "training/widen.wat", file: "training/widen-kernels.ts", name: "widenKernels" },
  {
    source: "checkpoint/gguf-blocks.wat",
    file: "checkpoint/gguf-block-kernels.ts",
    name: "ggufBlockKernels",
  },
] as const;

type KernelFile = (typeof kernelFiles)[number];

/** What a file of kernels must say: its source as WebAssembly's bytes. */
export async function compileKernels({ source, name }: KernelFile): Promise<string> {
  const { parseWat } = await wabt();
  const parsed = parseWat(source, readFileSync(pathOf(source)), { simd: true, threads: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  return [
    `/** ${source.slice(source.indexOf("/") + 1)} as WebAssembly, in base64; \`npm run build:kernels\` writes this file. */`,
    `export const ${name} =`,
    `  "${Buffer.from(buffer).toString("base64")}";`,
    "",
  ].join("\n");
}

// As a program: writes every file.
if (process.argv[1]?.endsWith("compile-kernels.ts")) {
  for (const kernel of kernelFiles) writeFileSync(pathOf(kernel.file), await compileKernels(kernel));
}
