import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import wabt from "wabt";

const pathOf = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** The files of kernels, each beside its source, with the name that it exports. */
export const kernelFiles = [
  { source: "kernels.wat", file: "kernels.ts", name: "kernels" },
  { source: "widen.wat", file: "widen-kernels.ts", name: "widenKernels" },
] as const;

type KernelFile = (typeof kernelFiles)[number];

/** What a file of kernels must say: its source as WebAssembly's bytes. */
export async function compileKernels({ source, name }: KernelFile): Promise<string> {
  const { parseWat } = await wabt();
  const parsed = parseWat(source, readFileSync(pathOf(source)), { simd: true, threads: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  return [
    `/** ${source} as WebAssembly, in base64; \`npm run build:kernels\` writes this file. */`,
    `export const ${name} =`,
    `  "${Buffer.from(buffer).toString("base64")}";`,
    "",
  ].join("\n");
}

// As a program: writes every file.
if (process.argv[1]?.endsWith("compile-kernels.ts")) {
  for (const kernel of kernelFiles) writeFileSync(pathOf(kernel.file), await compileKernels(kernel));
}
