import { type StoredParameter, writeModel } from "../onnx/index.ts";
import {
  type CompileOptions,
  checkOptions,
  describeProvider,
  type ExecutionProvider,
  executionProviderNames,
  type OnnxBindingName,
  type OnnxRuntime,
  type OnnxSessionOptions,
  type OptionRules,
  openOnnxRuntime,
  option,
  processorCount,
} from "../platform/index.ts";
import {
  allocate,
  type DType,
  type Graph,
  type HostTensor,
  isKind,
  placeholdersOf,
  staticSizes,
  type Tensor,
} from "../tensor/index.ts";
import { type IntegerProducts, integerProducts, weightsOfRows } from "./integer-products.ts";
import { Program } from "./program.ts";
import type { NamedTensors } from "./signature.ts";

export interface DeviceOptions {
  /** Where the kernels run. Default "cpu". */
  readonly device?: ExecutionProvider;
  /** Threads that share the work, the calling one included. Default: one for each processor there is. */
  readonly threads?: number;
  /**
   * Whether idle threads wait by looping until a run ends, not for ten microseconds only: a little faster on an otherwise idle machine, much
   * slower on a busy one. Default false.
   */
  readonly spinning?: boolean;
  /** How ONNX Runtime is reached. Default: its C API, or onnxruntime-node's own where that cannot be loaded. */
  readonly binding?: OnnxBindingName;
  /** Options of the execution provider by ONNX Runtime's names, such as `{ device_id: "1" }` for cuda. */
  readonly providerOptions?: Readonly<Record<string, string>>;
}

/** What each of a device's options must be. */
export const deviceRules: OptionRules<DeviceOptions> = {
  device: option.oneOf(executionProviderNames),
  threads: option.count,
  spinning: option.flag,
  binding: option.oneOf(["c-api", "onnxruntime-node", "onnxruntime-web"] satisfies OnnxBindingName[]),
  providerOptions: option.object,
};

/** Parameters that lie in files of one directory. */
export interface StoredParameters {
  readonly directory: string;
  readonly places: ReadonlyMap<string, StoredParameter>;
}

/** Parameters of a graph that are constants of its program. */
export interface ConstantParameters {
  readonly stored?: StoredParameters | undefined;
  readonly constants?: NamedTensors | undefined;
}

/** Something that runs graphs: compiles them to programs, whose values live in JavaScript's memory. */
export class Device {
  readonly name: ExecutionProvider;
  readonly threads: number;
  /** How ONNX Runtime is reached: "onnxruntime-node" copies every output and cannot run synchronously. */
  readonly binding: OnnxBindingName;
  /** Why `binding` is not the C API although no binding was asked for; undefined otherwise. */
  readonly fallbackReason: string | undefined;
  /** Whether every run copies its feeds; parameters should then be stored constants. */
  readonly copiesFeeds: boolean;
  readonly #runtime: OnnxRuntime;
  readonly #options: OnnxSessionOptions;
  #integerProducts: ReturnType<typeof integerProducts> | undefined;

  /** @internal {@link openDevice} makes one. */
  constructor(runtime: OnnxRuntime, options: DeviceOptions) {
    this.name = options.device ?? "cpu";
    this.threads = options.threads ?? processorCount();
    this.binding = runtime.binding;
    this.fallbackReason = runtime.fallbackReason;
    this.copiesFeeds = runtime.copiesFeeds;
    this.#runtime = runtime;
    this.#options = {
      provider: this.name,
      threads: this.threads,
      spinning: options.spinning ?? false,
      providerOptions: options.providerOptions ?? {},
    };
  }

  /** Whether `compile` takes constants that lie in memory: the C API hands them over, the provider's kernels read them. */
  get takesConstants(): boolean {
    return this.binding === "c-api" && describeProvider(this.name).readsCallerMemory;
  }

  /** A zeroed tensor that programs read and write where it lies, as they do with views of its buffer. */
  allocate<T extends DType>(dtype: T, dims: readonly number[]): HostTensor<T> {
    return allocate(dtype, dims);
  }

  /**
   * A graph as a program. Its feeds are the graph's inputs and parameters by name, but for those that are constants:
   * kernels rearrange these once, which is faster and takes their size in memory again.
   *
   * @param stored parameters that are constants and mapped into memory from their files
   * @param constants values of parameters that are constants; they must stay as they are. Only where `takesConstants`
   * @throws {OnnxRuntimeError} where ONNX Runtime refuses the graph or the device is not there
   * @throws {RangeError} where a constant is not as the graph asks
   */
  async compile(
    graph: Graph,
    { stored, constants, ...options }: CompileOptions & ConstantParameters = {},
  ): Promise<Program> {
    const places = new Map([...(stored?.places ?? []), ...placesInMemory(graph, constants ?? {})]);
    const products = await this.#exactIntegerProducts(graph, places);
    const model = writeModel(graph, {
      target: this.name,
      stored: places,
      integerProducts: products !== undefined,
      joinsProducts: this.takesConstants,
    });
    return this.#program(graph.name, model, {
      ...options,
      settings: { ...keptAsWritten, ...products?.settings, ...options.settings },
      ...(stored && { constants: { directory: stored.directory, files: filesOf(graph, stored) } }),
      ...(constants && { givenConstants: constants }),
    });
  }

  /** An ONNX model's bytes as a program. `name` begins its errors. */
  async compileModel(model: Uint8Array, options: CompileOptions & { name?: string } = {}): Promise<Program> {
    const { name = "model", ...rest } = options;
    return this.#program(name, model, rest);
  }

  /** How products of bytes are exact here, which is tried once; undefined where a graph's would not be, or it has none. */
  async #exactIntegerProducts(
    graph: Graph,
    constants: ReadonlyMap<string, StoredParameter>,
  ): Promise<IntegerProducts | undefined> {
    const weights = weightsOfRows(graph);
    if (weights.length === 0) return undefined;
    this.#integerProducts ??= integerProducts(this.name, (model, options) =>
      this.compileModel(model, options),
    );
    const products = await this.#integerProducts;
    const isConstant = ({ node }: Tensor): boolean =>
      isKind(node, "parameter") && constants.has(node.attributes.name);
    return products?.constantsOnly && !weights.every(isConstant) ? undefined : products;
  }

  async #program(name: string, model: Uint8Array, options: OnnxSessionOptions): Promise<Program> {
    const session = await this.#runtime.createSession(model, { ...this.#options, ...options });
    return new Program(name, session);
  }
}

/** Lowerings choose the fastest form of every product; this fusion would turn "Transpose, Gemm" into a slower one. */
const keptAsWritten = { "optimization.disable_specified_optimizers": "GemmTransposeFusion" };

/** How bytes of quantised weights are stored. */
const storedBytes: Partial<Record<DType, StoredParameter["type"]>> = { uint8: "U8", int8: "I8" };

/** Constants in memory as stored parameters: the file name "memory" stands for what is handed over beside the model. */
function placesInMemory(graph: Graph, constants: NamedTensors): [string, StoredParameter][] {
  const { parameters } = placeholdersOf(graph);
  return Object.entries(constants).map(([name, { dtype, dims, data }]) => {
    const asked = parameters.get(name);
    const must = asked && `${asked.dtype} [${staticSizes(asked.shape, name).join(", ")}]`;
    const got = `${dtype} [${dims.join(", ")}]`;
    if (must !== got) {
      throw new RangeError(
        `${graph.name}: the constant ${name} must be ${must ?? "a parameter"}, got ${got}`,
      );
    }
    return [name, { file: "memory", offset: 0, bytes: data.byteLength, type: storedBytes[dtype] ?? "F32" }];
  });
}

/** The files that a graph's stored parameters lie in. */
function filesOf(graph: Graph, { places }: StoredParameters): string[] {
  const used = [...placeholdersOf(graph).parameters.keys()].flatMap((name) => places.get(name)?.file ?? []);
  return [...new Set(used)];
}

/**
 * Opens a device. Reasons for failing (a provider that is not in this build, CUDA's libraries missing) come
 * with what to do about them.
 *
 * @throws {OptionsError} naming every option that is unknown or cannot be
 * @throws {OnnxRuntimeError} where the binding asked for cannot be loaded
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  checkOptions("openDevice", options, deviceRules);
  return new Device(await openOnnxRuntime(options.binding), options);
}
