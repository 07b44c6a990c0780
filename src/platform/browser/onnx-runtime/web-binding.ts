import type { Env, InferenceSession } from "onnxruntime-common";
import { Semaphore, sleep } from "../../../primitives/index.ts";
import {
  type ConstantFiles,
  DeviceLostError,
  type OnnxBindingName,
  type OnnxRuntime,
  OnnxRuntimeError,
  type OnnxSession,
  type OnnxSessionOptions,
  OutOfMemoryError,
} from "../../onnx-runtime/binding.ts";
import { describeProvider, type ProviderDescription } from "../../onnx-runtime/execution-providers.ts";
import { PlatformError } from "../../platform-error.ts";
import { readBytesLater } from "../files/files.ts";
import { joinPath } from "../files/urls.ts";
import { openGpu } from "./gpu.ts";
import { type Library, WebSession } from "./web-session.ts";

/** `ORT_LOGGING_LEVEL_FATAL`, as in the other bindings. */
const logSeverityLevel = 4;

/** More threads than these gain nothing: the browser and the page want some, too. */
const maxThreads = 4;

/** Milliseconds after a failure within which the browser reports that the GPU is gone. */
const lossReportedWithin = 500;

/** Threads that share one operator's work. Without cross-origin isolation a page has one. */
export function processorCount(): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return Math.min(maxThreads, Math.max(1, globalThis.navigator?.hardwareConcurrency ?? 1));
}

/** ONNX Runtime as WebAssembly (provider "cpu") or on the browser's GPU ("webgpu"). */
export async function openOnnxRuntime(binding?: OnnxBindingName): Promise<OnnxRuntime> {
  if (binding === undefined || binding === "onnxruntime-web") return new WebRuntime();
  throw new PlatformError(`device: the binding must be "onnxruntime-web" in a browser, got "${binding}"`);
}

type WebBuild = NonNullable<ProviderDescription["browser"]>;

/** The builds of onnxruntime-web, loaded when they are wanted: the one with the GPU's kernels is twice as large. */
const webBuilds: Readonly<Record<WebBuild, () => Promise<Library>>> = {
  wasm: () => import("onnxruntime-web/wasm"),
  webgpu: () => import("onnxruntime-web/webgpu"),
};

class WebRuntime implements OnnxRuntime {
  readonly binding = "onnxruntime-web";
  readonly copiesFeeds = true;
  #gpu: Promise<GPUDevice> | undefined;
  /** The error after which this runtime is unusable. */
  #failure: OnnxRuntimeError | undefined;
  /** Rejects when the GPU is lost: what waits for it would never settle. */
  readonly #failed: Promise<never>;
  #fail: (reason: OnnxRuntimeError) => void = () => {};
  /** The library takes one piece of work at a time. */
  readonly #mutex = new Semaphore(1);

  constructor() {
    this.#failed = new Promise((_, reject) => {
      this.#fail = (reason) => {
        this.#failure ??= reason;
        reject(this.#failure);
      };
    });
    this.#failed.catch(() => undefined);
  }

  /** The library's own version is not known before it is loaded, which waits for the first session. */
  get version(): string {
    return "web";
  }

  async createSession(model: Uint8Array, options: OnnxSessionOptions = {}): Promise<OnnxSession> {
    const { provider = "cpu", constants } = options;
    const { browser: build } = describeProvider(provider);
    if (build === undefined) {
      throw new OnnxRuntimeError(`device ${provider}: needs Node, got a browser; use webgpu or cpu`);
    }
    return this.#runExclusive(`compile`, async () => {
      const library = await webBuilds[build]();
      setThreads(library.env.wasm, options.threads);
      const externalData = await constantData(constants);
      const session = await library.InferenceSession.create(model, {
        ...sessionOptions(options),
        executionProviders: [build === "webgpu" ? { name: "webgpu", device: await this.#openGpu() } : build],
        externalData,
      });
      return new WebSession(library, session, (where, work) => this.#runExclusive(where, work));
    });
  }

  /** Runs a piece of work when those before it have ended; errors of the library get a readable message. */
  #runExclusive<T>(where: string, work: () => Promise<T>): Promise<T> {
    return this.#mutex.run(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      const done = work();
      done.catch(() => undefined);
      return Promise.race([done, this.#failed]).catch(async (error: unknown) => {
        // What a GPU was doing fails a moment before the browser says that it is gone.
        if (this.#gpu !== undefined) await Promise.race([this.#failed, sleep(lossReportedWithin)]);
        throw withReadableMessage(where, error);
      });
    });
  }

  #openGpu(): Promise<GPUDevice> {
    this.#gpu ??= openGpu().then((gpu) => {
      void gpu.lost.then(({ message, reason }) => this.#fail(lostGpu(message || reason)));
      gpu.addEventListener("uncapturederror", ({ error }) => {
        if (error instanceof GPUOutOfMemoryError) this.#fail(outOfMemory("device webgpu", error.message));
      });
      return gpu;
    });
    return this.#gpu;
  }
}

function setThreads(flags: Env.WebAssemblyFlags, threads = processorCount()): void {
  // The library reads it once, when it makes its threads with the first session.
  flags.numThreads = globalThis.crossOriginIsolated ? threads : 1;
}

function sessionOptions(options: OnnxSessionOptions): InferenceSession.SessionOptions {
  const { optimization = "all", dimensions, settings, memory } = options;
  return {
    graphOptimizationLevel: optimization === "none" ? "disabled" : optimization,
    logSeverityLevel,
    enableMemPattern: memory !== "kept",
    enableCpuMemArena: memory !== "returned",
    ...(dimensions && { freeDimensionOverrides: dimensions }),
    // The library writes settings of its own into them.
    ...(settings && { extra: { ...settings } }),
  };
}

/** The library copies the part of each constant into its own memory while it makes a session, one after the other. */
async function constantData(
  constants: ConstantFiles | undefined,
): Promise<{ path: string; data: Uint8Array }[]> {
  const made: { path: string; data: Uint8Array }[] = [];
  for (const file of constants?.files ?? []) {
    made.push({ path: file, data: await readBytesLater(joinPath(constants?.directory ?? "", file)) });
  }
  return made;
}

const lostGpu = (why: string): OnnxRuntimeError =>
  new DeviceLostError(
    `device webgpu: the GPU was lost (${why || "the browser does not say why"}); load the model again, on the GPU or on cpu (WebAssembly)`,
  );

const outOfMemory = (where: string, why: string, cause?: unknown): OnnxRuntimeError =>
  new OutOfMemoryError(
    `${where}: there is not enough memory for the model (${why}); close other tabs, take a smaller model or fewer bits (owl convert --quantize q4)`,
    { cause },
  );

/** Messages of V8, SpiderMonkey, JavaScriptCore, Emscripten and ONNX Runtime about memory that ran out. */
const outOfMemoryPattern =
  /out of memory|OOM|bad_alloc|allocation failed|failed to allocate|could not allocate|memory access out of bounds/i;

function withReadableMessage(where: string, error: unknown): Error {
  if (error instanceof OnnxRuntimeError || error instanceof PlatformError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && error.name === "FileError") return error;
  if (outOfMemoryPattern.test(message)) return outOfMemory(where, message, error);
  return new OnnxRuntimeError(`${where}: ${message}`, { cause: error });
}
