/**
 * How the C API appends an execution provider to a session: `default` is always there, `generic` is appended by name with
 * options, `cuda` by functions of its own.
 */
export type AppendedBy =
  | { readonly kind: "default" }
  | { readonly kind: "generic"; readonly name: string }
  | { readonly kind: "cuda" };

/** Which kernels of a provider a graph may rely on; where one is missing or wrong the graph is written without it. */
export interface KernelSupport {
  /** FusedMatMul: transposes and a factor inside the product of stacked matrices. */
  readonly fusedMatMul: boolean;
  /** SimplifiedLayerNormalization writes its second result, the inverse standard deviation, which gradients read. */
  readonly inverseStdDev: boolean;
  /** Gemm transposes a transposed left side anew for every block of columns: a wide product transposes it before. */
  readonly gemmRepeatsTranspose: boolean;
  /** MatMulInteger multiplies unsigned by signed bytes, faster than MatMulNBits does. On some processors not exactly, which a device finds out. */
  readonly integerProducts: boolean;
  /** GroupQueryAttention caps scores (`softcap`); where it does not, it passes the attribute over in silence, and plain operators do. */
  readonly cappedAttention: boolean;
}

/** Shared libraries that a provider needs beside ONNX Runtime's own. */
export interface ProviderLibraries {
  /** File names by `process.platform`; a platform that is not here has no such provider. */
  readonly files: Partial<Record<NodeJS.Platform, readonly string[]>>;
  /** The platforms as an error names them. */
  readonly platforms: string;
  /** What to do where they are missing. */
  readonly install: string;
}

/** An execution provider of ONNX Runtime: where a model's kernels run. */
export interface ProviderDescription {
  readonly appendedBy: AppendedBy;
  readonly libraries?: ProviderLibraries;
  /** The build of onnxruntime-web that has it, imported as `onnxruntime-web/…`; absent: it needs Node. */
  readonly browser?: "wasm" | "webgpu";
  /** Whether its kernels read constants where they lie in the caller's memory, without a copy of their own. */
  readonly readsCallerMemory: boolean;
  readonly kernels: KernelSupport;
}

/**
 * Every device that a model can run on, by the name that onnxruntime-node has for its provider. A further one is a row here, and a
 * case in the C API's binding only where it has functions of its own; options, command line and graphs follow the table.
 */
export const executionProviders = {
  cpu: {
    appendedBy: { kind: "default" },
    browser: "wasm",
    readsCallerMemory: true,
    kernels: {
      fusedMatMul: true,
      inverseStdDev: true,
      gemmRepeatsTranspose: true,
      integerProducts: true,
      cappedAttention: true,
    },
  },
  webgpu: {
    appendedBy: { kind: "generic", name: "WebGPU" },
    browser: "webgpu",
    readsCallerMemory: false,
    kernels: {
      fusedMatMul: false,
      inverseStdDev: false,
      gemmRepeatsTranspose: false,
      integerProducts: false,
      cappedAttention: false,
    },
  },
  cuda: {
    appendedBy: { kind: "cuda" },
    libraries: {
      files: {
        linux: ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"],
        win32: ["onnxruntime_providers_shared.dll", "onnxruntime_providers_cuda.dll"],
      },
      platforms: "Linux or Windows",
      install:
        "run `node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12` " +
        "(CUDA 12 and cuDNN 9 must be installed)",
    },
    readsCallerMemory: false,
    kernels: {
      fusedMatMul: true,
      inverseStdDev: true,
      gemmRepeatsTranspose: false,
      integerProducts: false,
      cappedAttention: true,
    },
  },
} as const satisfies Readonly<Record<string, ProviderDescription>>;

/** The name of a provider, as options and the command line have it. `cpu` is always there. */
export type ExecutionProvider = keyof typeof executionProviders;

/** Every provider's name. */
export const executionProviderNames = Object.keys(executionProviders) as ExecutionProvider[];

/** The providers that a browser has, too. */
export type BrowserProvider = {
  [Name in ExecutionProvider]: (typeof executionProviders)[Name] extends { readonly browser: string }
    ? Name
    : never;
}[ExecutionProvider];

/** Their names. */
export const browserProviderNames = executionProviderNames.filter(
  (name): name is BrowserProvider => describeProvider(name).browser !== undefined,
);

/** What is known of a provider, with the fields that only some have. */
export function describeProvider(provider: ExecutionProvider): ProviderDescription {
  return executionProviders[provider];
}
