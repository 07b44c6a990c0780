import type { InferenceSession, Tensor } from "onnxruntime-common";
import { loadKoffi } from "../koffi.ts";
import {
  boundTargets,
  type OnnxBoundRun,
  type OnnxRuntime,
  OnnxRuntimeError,
  type OnnxSession,
  type OnnxSessionOptions,
  type OnnxSignature,
  type OnnxTensor,
  type OnnxType,
  outputTargets,
  sessionSettings,
} from "./binding.ts";
import { processorCount, requireProviderLibraries } from "./shared-library.ts";
import { disableTelemetry } from "./telemetry.ts";

type Library = typeof import("onnxruntime-node");

/** `ORT_LOGGING_LEVEL_FATAL`, as in the C API binding. */
const logSeverityLevel = 4;

/**
 * Reaches ONNX Runtime through onnxruntime-node's own interface: for platforms where koffi cannot be loaded.
 * Every output is copied, and a run blocks the event loop.
 */
export async function openNodeBinding(fallbackReason?: string): Promise<OnnxRuntime> {
  // Where koffi has no build, telemetry is turned off in another way.
  disableTelemetry(await loadKoffi().catch(() => undefined));
  const library = await import("onnxruntime-node");
  return {
    binding: "onnxruntime-node",
    copiesFeeds: false,
    version: library.env.versions.node ?? "unknown",
    ...(fallbackReason === undefined ? {} : { fallbackReason }),
    createSession: async (model, options = {}) => {
      if (options.dimensions !== undefined) {
        throw new OnnxRuntimeError(`compile: sizes for symbolic dimensions need the binding "c-api"`);
      }
      if (options.givenConstants !== undefined) {
        throw new OnnxRuntimeError(
          'compile: a constant in memory needs the binding "c-api"; feed them instead',
        );
      }
      requireProviderLibraries(options.provider ?? "cpu");
      const session = await rephrase("compile", () =>
        library.InferenceSession.create(model, sessionOptions(options)),
      );
      return new NodeSession(library, session);
    },
  };
}

function sessionOptions(options: OnnxSessionOptions): InferenceSession.SessionOptions {
  const { provider = "cpu", threads = processorCount() } = options;
  return {
    executionProviders: [{ name: provider, ...options.providerOptions }],
    intraOpNumThreads: threads,
    graphOptimizationLevel: options.optimization === "none" ? "disabled" : (options.optimization ?? "all"),
    logSeverityLevel,
    enableMemPattern: options.memory !== "kept",
    enableCpuMemArena: options.memory !== "returned",
    extra: nestedSettings(sessionSettings(options)),
  };
}

interface NestedSettings {
  [key: string]: string | NestedSettings;
}

/** `{ "session.a": "1" }` as `{ session: { a: "1" } }`, the form in which this library takes settings. */
function nestedSettings(settings: Readonly<Record<string, string>>): NestedSettings {
  const root: NestedSettings = {};
  for (const [key, value] of Object.entries(settings)) {
    const path = key.split(".");
    const last = path.pop()!;
    let level = root;
    for (const part of path) {
      const next = level[part];
      if (typeof next !== "object") level[part] = {};
      level = level[part] as NestedSettings;
    }
    level[last] = value;
  }
  return root;
}

class NodeSession implements OnnxSession {
  readonly inputs: readonly OnnxSignature[];
  readonly outputs: readonly OnnxSignature[];
  readonly #library: Library;
  readonly #session: InferenceSession;
  #running = 0;
  #disposed = false;

  constructor(library: Library, session: InferenceSession) {
    this.#library = library;
    this.#session = session;
    this.inputs = session.inputMetadata.map(signature);
    this.outputs = session.outputMetadata.map(signature);
  }

  async run(
    feeds: readonly OnnxTensor[],
    into: readonly (OnnxTensor | undefined)[],
  ): Promise<readonly OnnxTensor[]> {
    if (this.#disposed) throw new OnnxRuntimeError("run: the program must not be disposed of before it runs");
    const targets = outputTargets(this, feeds, into);
    const named = Object.fromEntries(
      this.inputs.map(({ name }, index) => [name, this.#tensor(feeds[index])]),
    );
    const fetches = Object.fromEntries(
      this.outputs.map(({ name }, index) => {
        const target = targets[index];
        return [name, target === undefined || isShared(target) ? null : this.#tensor(target)];
      }),
    );
    this.#running++;
    try {
      const results = await rephrase("run", () => this.#session.run(named, fetches));
      return this.outputs.map(({ name }, index) => takeResult(targets[index], results[name]));
    } finally {
      this.#running--;
      if (this.#disposed && this.#running === 0) await this.#session.release();
    }
  }

  runSync(): readonly OnnxTensor[] {
    throw new OnnxRuntimeError(
      'runSync: needs the binding "c-api", got "onnxruntime-node"; use run, or see why the device fell back',
    );
  }

  bind(feeds: readonly OnnxTensor[], into: readonly (OnnxTensor | undefined)[]): OnnxBoundRun {
    const outputs = boundTargets(this, feeds, into);
    return {
      outputs,
      run: async () => {
        await this.run(feeds, outputs);
      },
      runSync: () => {
        this.runSync();
      },
    };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#running === 0) void this.#session.release();
  }

  #tensor(tensor: OnnxTensor): Tensor {
    const { dtype, dims, data } = tensor;
    return new this.#library.Tensor(dtype, isShared(tensor) ? data.slice() : data, dims);
  }
}

function signature(metadata: InferenceSession.ValueMetadata): OnnxSignature {
  if (!metadata.isTensor) {
    throw new OnnxRuntimeError(`${metadata.name}: must be a tensor, got another kind of value`);
  }
  return { name: metadata.name, dtype: metadata.type as OnnxType, dims: metadata.shape };
}

/** Whether it lies in memory of several threads, which onnxruntime-node refuses. */
function isShared({ data }: OnnxTensor): boolean {
  return data.buffer instanceof SharedArrayBuffer;
}

/** A result where it was wanted. */
function takeResult(target: OnnxTensor | undefined, result: Tensor): OnnxTensor {
  if (target === undefined) return ownTensor(result);
  if (isShared(target)) copyInto(target, ownTensor(result));
  return target;
}

function copyInto({ data: into }: OnnxTensor, { data: from }: OnnxTensor): void {
  const bytes = (data: OnnxTensor["data"]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  bytes(into).set(bytes(from));
}

function ownTensor({ type, dims, data }: Tensor): OnnxTensor {
  return { dtype: type as OnnxType, dims, data: data as OnnxTensor["data"] };
}

async function rephrase<T>(where: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new OnnxRuntimeError(`${where}: ${message}`, { cause: error });
  }
}
