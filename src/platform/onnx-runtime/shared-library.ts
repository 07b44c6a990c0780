import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { OnnxRuntimeError } from "./binding.ts";

/** Processors that this process may use. */
export function processorCount(): number {
  return availableParallelism();
}

/** Names of the shared libraries inside the onnxruntime-node package, by `process.platform`. */
const files: Partial<Record<NodeJS.Platform, { runtime: string; cuda: readonly string[] }>> = {
  linux: {
    runtime: "libonnxruntime.so.1",
    cuda: ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"],
  },
  darwin: { runtime: "libonnxruntime.1.dylib", cuda: [] },
  win32: {
    runtime: "onnxruntime.dll",
    cuda: ["onnxruntime_providers_shared.dll", "onnxruntime_providers_cuda.dll"],
  },
};

/**
 * Path of ONNX Runtime's shared library: `OWL_ONNXRUNTIME_LIBRARY` if it is set (a build of one's own), else
 * the one inside the onnxruntime-node package for this platform and processor.
 */
export function onnxRuntimeLibrary(): string {
  const own = process.env.OWL_ONNXRUNTIME_LIBRARY;
  const path = own ?? packagedLibrary();
  if (!existsSync(path)) {
    const next = own === undefined ? "reinstall onnxruntime-node" : "correct OWL_ONNXRUNTIME_LIBRARY";
    throw new OnnxRuntimeError(`ONNX Runtime's library: must be at ${path}, got no such file; ${next}`);
  }
  return path;
}

function packagedLibrary(): string {
  const names = files[process.platform];
  if (names === undefined) {
    const known = Object.keys(files).join(", ");
    throw new OnnxRuntimeError(
      `ONNX Runtime's library: the platform must be one of ${known}, got ${process.platform}`,
    );
  }
  const manifest = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  return join(dirname(manifest), "bin", "napi-v6", process.platform, process.arch, names.runtime);
}

/** Throws, naming what lacks, unless the files of ONNX Runtime's CUDA provider lie beside its library. */
export function requireCudaFiles(library: string): void {
  const needed = files[process.platform]?.cuda ?? [];
  if (needed.length === 0) {
    throw new OnnxRuntimeError(
      `device cuda: needs Linux or Windows, got ${process.platform}; use webgpu or cpu`,
    );
  }
  const folder = dirname(library);
  const missing = needed.filter((name) => !existsSync(join(folder, name)));
  if (missing.length === 0) return;
  throw new OnnxRuntimeError(
    `device cuda: ${missing.join(" and ")} must lie in ${folder}; ` +
      "run `node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12` " +
      "(CUDA 12 and cuDNN 9 must be installed), or use webgpu or cpu",
  );
}
