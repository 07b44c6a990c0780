import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import wabt from "wabt";

const pathOf = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** What kernels.ts must say: kernels.wat as WebAssembly's bytes. */
export async function compileKernels(): Promise<string> {
  const { parseWat } = await wabt();
  const parsed = parseWat("kernels.wat", readFileSync(pathOf("kernels.wat")), { simd: true, threads: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  return [
    "/** kernels.wat as WebAssembly, in base64; `npm run build:kernels` writes this file. */",
    "export const kernels =",
    `  "${Buffer.from(buffer).toString("base64")}";`,
    "",
  ].join("\n");
}

// As a program: writes kernels.ts.
if (process.argv[1]?.endsWith("compile-kernels.ts"))
  writeFileSync(pathOf("kernels.ts"), await compileKernels());
