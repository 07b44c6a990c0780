import { type StoredParameter, writeModel } from "../onnx/index.ts";
import {
  type ExecutionProvider,
  type OnnxBindingName,
  type OnnxRuntime,
  type OnnxSessionOptions,
  openOnnxRuntime,
  processorCount,
} from "../platform/index.ts";
import { allocate, type DType, type Graph, type HostTensor, leavesOf } from "../tensor/index.ts";
import { Program } from "./program.ts";

export interface DeviceOptions {
  /** Where the kernels run. Default "cpu". */
  readonly device?: ExecutionProvider;
  /** Threads that share the work, the calling one included. Default: one for each processor there is. */
  readonly threads?: number;
  /**
   * Whether idle threads wait by looping: a little faster on an otherwise idle machine, much slower on a busy
   * one. Default false.
   */
  readonly spinning?: boolean;
  /** How ONNX Runtime is reached. Default: its C API, or onnxruntime-node's own where that cannot be loaded. */
  readonly binding?: OnnxBindingName;
  /** Options of the execution provider by ONNX Runtime's names, such as `{ device_id: "1" }` for cuda. */
  readonly providerOptions?: Readonly<Record<string, string>>;
}

export type CompileOptions = Pick<OnnxSessionOptions, "optimization" | "dimensions" | "settings">;

/** Parameters that lie in files of one directory. */
export interface StoredParameters {
  readonly directory: string;
  readonly places: ReadonlyMap<string, StoredParameter>;
}

/** Something that runs graphs: compiles them to programs, whose values live in JavaScript's memory. */
export class Device {
  readonly name: ExecutionProvider;
  readonly threads: number;
  /** How ONNX Runtime is reached: "onnxruntime-node" copies every output and cannot run synchronously. */
  readonly binding: OnnxBindingName;
  /** Why `binding` is not the C API although no binding was asked for; undefined otherwise. */
  readonly fallbackReason: string | undefined;
  /** Whether every run copies its feeds: parameters had better be stored ones then. */
  readonly copiesFeeds: boolean;
  readonly #runtime: OnnxRuntime;
  readonly #options: OnnxSessionOptions;

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

  /** A zeroed tensor that programs read and write where it lies, as they do with views of its buffer. */
  allocate<T extends DType>(dtype: T, dims: readonly number[]): HostTensor<T> {
    return allocate(dtype, dims);
  }

  /**
   * A graph as a program. Its feeds are the graph's inputs and parameters by name, but for those that `stored`
   * tells where to find: these are mapped into memory, rearranged for their kernels, and belong to the program.
   *
   * @throws {OnnxRuntimeError} where ONNX Runtime refuses the graph or the device is not there
   */
  async compile(
    graph: Graph,
    { stored, ...options }: CompileOptions & { readonly stored?: StoredParameters | undefined } = {},
  ): Promise<Program> {
    const { name } = this;
    if (stored === undefined) return this.#program(graph.name, writeModel(graph, { target: name }), options);
    const model = writeModel(graph, { target: name, stored: stored.places });
    const constants = { directory: stored.directory, files: filesOf(graph, stored) };
    return this.#program(graph.name, model, { ...options, constants });
  }

  /** An ONNX model's bytes as a program. `name` begins its errors. */
  async compileModel(model: Uint8Array, options: CompileOptions & { name?: string } = {}): Promise<Program> {
    const { name = "model", ...rest } = options;
    return this.#program(name, model, rest);
  }

  async #program(name: string, model: Uint8Array, options: OnnxSessionOptions): Promise<Program> {
    const session = await this.#runtime.createSession(model, { ...this.#options, ...options });
    return new Program(name, session);
  }
}

/** The files that a graph's stored parameters lie in. */
function filesOf(graph: Graph, { places }: StoredParameters): string[] {
  const used = [...leavesOf(graph).parameters.keys()].flatMap((name) => places.get(name)?.file ?? []);
  return [...new Set(used)];
}

/**
 * Opens a device. Reasons for failing (a provider that is not in this build, CUDA's libraries missing) come
 * with what to do about them.
 *
 * @throws {RangeError} where `threads` is no whole number from 1
 * @throws {OnnxRuntimeError} where the binding asked for cannot be loaded
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  const { threads } = options;
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1)) {
    throw new RangeError(`device: threads must be a whole number of at least 1, got ${threads}`);
  }
  return new Device(await openOnnxRuntime(options.binding), options);
}
