import {
  type OnnxRuntime,
  OnnxRuntimeError,
  type OnnxSession,
  type OnnxSessionOptions,
  type OnnxTensor,
  sessionSettings,
} from "./binding.ts";
import { NativeSession } from "./c-api-session.ts";
import { createNativeSession, environmentOf, logSeverity } from "./environment.ts";
import { describeProvider } from "./execution-providers.ts";
import { loadOrtApi, nameArray, type OrtApi, type Pointer, pointerArray } from "./ort-api.ts";
import { OrtValues } from "./ort-values.ts";
import { onnxRuntimeLibrary, processorCount, requireProviderLibraries } from "./shared-library.ts";

const optimizationLevels = { none: 0, basic: 1, extended: 2, all: 99 };

/** Reaches ONNX Runtime through its C API: no copies at its border, buffers updated in place. */
export async function openCApi(): Promise<OnnxRuntime> {
  return new CApiRuntime(await loadOrtApi(onnxRuntimeLibrary()));
}

class CApiRuntime implements OnnxRuntime {
  readonly binding = "c-api";
  readonly copiesFeeds = false;
  readonly version: string;
  readonly #api: OrtApi;
  readonly #values: OrtValues;

  constructor(api: OrtApi) {
    this.#api = api;
    this.#values = new OrtValues(api);
    this.version = api.version;
  }

  async createSession(model: Uint8Array, options: OnnxSessionOptions = {}): Promise<OnnxSession> {
    // Providers that are appended to the options look for it.
    const environment = environmentOf(this.#api);
    const settings = this.#api.create("session options", "CreateSessionOptions");
    try {
      this.#configure(settings, options);
      this.#giveConstants(settings, options.givenConstants ?? {});
      this.#appendProvider(settings, options);
      const session = await createNativeSession(this.#api, environment, model, settings);
      return new NativeSession(this.#api, this.#values, session, options.givenConstants);
    } finally {
      this.#api.native.ReleaseSessionOptions(settings);
    }
  }

  #configure(settings: Pointer, options: OnnxSessionOptions): void {
    const api = this.#api;
    const where = "session options";
    const level = optimizationLevels[options.optimization ?? "all"];
    api.call(where, "SetSessionLogSeverityLevel", settings, logSeverity);
    api.call(where, "SetSessionGraphOptimizationLevel", settings, level);
    api.call(where, "SetIntraOpNumThreads", settings, options.threads ?? processorCount());
    const { memory = "planned" } = options;
    if (memory === "kept") api.call(where, "DisableMemPattern", settings);
    if (memory === "returned") api.call(where, "DisableCpuMemArena", settings);
    for (const [key, value] of Object.entries(sessionSettings(options))) {
      api.call(where, "AddSessionConfigEntry", settings, key, value);
    }
    for (const [name, size] of Object.entries(options.dimensions ?? {})) {
      api.call(where, "AddFreeDimensionOverrideByName", settings, name, size);
    }
  }

  #giveConstants(settings: Pointer, constants: Readonly<Record<string, OnnxTensor>>): void {
    const names = Object.keys(constants);
    if (names.length === 0) return;
    const values = pointerArray(names.length);
    for (const [i, name] of names.entries()) values[i] = this.#values.of(constants[name]);
    this.#api.call(
      "constants",
      "AddExternalInitializers",
      settings,
      nameArray(this.#api, names),
      values,
      names.length,
    );
  }

  #appendProvider(settings: Pointer, { provider = "cpu", providerOptions = {} }: OnnxSessionOptions): void {
    const { appendedBy } = describeProvider(provider);
    if (appendedBy.kind === "default") return;
    requireProviderLibraries(provider);
    const api = this.#api;
    const where = `device ${provider}`;
    const keys = nameArray(api, Object.keys(providerOptions));
    const values = nameArray(api, Object.values(providerOptions));
    const count = Object.keys(providerOptions).length;
    switch (appendedBy.kind) {
      case "generic": {
        const append = "SessionOptionsAppendExecutionProvider";
        explainMissingGpu(() => api.call(where, append, settings, appendedBy.name, keys, values, count));
        return;
      }
      case "cuda": {
        const cuda = api.create(where, "CreateCUDAProviderOptions");
        try {
          api.call(where, "UpdateCUDAProviderOptions", cuda, keys, values, count);
          api.call(where, "SessionOptionsAppendExecutionProvider_CUDA_V2", settings, cuda);
        } finally {
          api.native.ReleaseCUDAProviderOptions(cuda);
        }
        return;
      }
      default:
        appendedBy satisfies never;
    }
  }
}

/** Appends the WebGPU provider; where it finds no GPU the error says what to do. */
function explainMissingGpu(append: () => void): void {
  try {
    append();
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("WebGPU adapter"))) throw error;
    throw new OnnxRuntimeError(
      "device webgpu: needs a GPU with a driver for Vulkan, Metal or D3D12, found none; " +
        "on Linux install the Vulkan loader (Debian: libvulkan1) and the GPU's Vulkan driver, or use cpu",
      { cause: error },
    );
  }
}
