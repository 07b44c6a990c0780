import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { OnnxRuntimeError } from "./binding.ts";
import { describeProvider, type ExecutionProvider } from "./execution-providers.ts";

/** Processors that this process may use. */
export function processorCount(): number {
  return availableParallelism();
}

/** The shared library inside the onnxruntime-node package, by `process.platform`. */
const libraryNames: Partial<Record<NodeJS.Platform, string>> = {
  linux: "libonnxruntime.so.1",
  darwin: "libonnxruntime.1.dylib",
  win32: "onnxruntime.dll",
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
  const name = libraryNames[process.platform];
  if (name === undefined) {
    const known = Object.keys(libraryNames).join(", ");
    throw new OnnxRuntimeError(
      `ONNX Runtime's library: the platform must be one of ${known}, got ${process.platform}`,
    );
  }
  const manifest = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  return join(dirname(manifest), "bin", "napi-v6", process.platform, process.arch, name);
}

/**
 * Checks that the libraries which an execution provider needs lie beside ONNX Runtime's.
 *
 * @param runtimeLibrary path of ONNX Runtime's library; absent: the one in use
 * @throws OnnxRuntimeError naming those that are missing
 */
export function requireProviderLibraries(provider: ExecutionProvider, runtimeLibrary?: string): void {
  const { libraries } = describeProvider(provider);
  if (libraries === undefined) return;
  const needed = libraries.files[process.platform];
  if (needed === undefined) {
    throw new OnnxRuntimeError(
      `device ${provider}: needs ${libraries.platforms}, got ${process.platform}; use webgpu or cpu`,
    );
  }
  const folder = dirname(runtimeLibrary ?? onnxRuntimeLibrary());
  const missing = needed.filter((name) => !existsSync(join(folder, name)));
  if (missing.length === 0) return;
  throw new OnnxRuntimeError(
    `device ${provider}: ${missing.join(" and ")} must lie in ${folder}; ${libraries.install}, or use webgpu or cpu`,
  );
}
