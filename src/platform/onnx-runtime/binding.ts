import type { ExecutionProvider } from "./execution-providers.ts";

/** Element types of ONNX tensors that have a typed array in JavaScript (float16 as its raw bits). */
export type OnnxType = "float32" | "float16" | "int64" | "int32" | "int8" | "uint8" | "bool";

export type OnnxData = Float32Array | Uint16Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;

/** Numbers in JavaScript's memory, row-major. Native code reads and writes `data` itself, never a copy. */
export interface OnnxTensor {
  readonly dtype: OnnxType;
  readonly dims: readonly number[];
  readonly data: OnnxData;
}

/** An input or output of a model. A dimension is a size, or the name of a symbolic one ("" if it has none). */
export interface OnnxSignature {
  readonly name: string;
  readonly dtype: OnnxType;
  readonly dims: readonly (number | string)[];
}

export type OnnxBindingName = "c-api" | "onnxruntime-node" | "onnxruntime-web";

/** How ONNX Runtime compiles a graph. */
export interface CompileOptions {
  /** How far the graph is rewritten before it runs. Default "all". */
  readonly optimization?: "none" | "basic" | "extended" | "all";
  /** Sizes for symbolic dimensions, by name: the model is compiled for these. */
  readonly dimensions?: Readonly<Record<string, number>>;
  /**
   * What becomes of the memory that a run takes for its values: the next one takes the pieces again ("kept"), or one block as
   * large as all of them together, beside which the pieces of the first run stay ("planned", the default), or it goes back to the
   * system ("returned"), which costs some time.
   */
  readonly memory?: "planned" | "kept" | "returned";
  /** ONNX Runtime's session settings by key, such as `{ "session.intra_op.allow_spinning": "0" }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface OnnxSessionOptions extends CompileOptions {
  readonly provider?: ExecutionProvider;
  /** Options of the provider by ONNX Runtime's own names, such as `{ device_id: "1" }` for cuda. */
  readonly providerOptions?: Readonly<Record<string, string>>;
  /** Threads that share one operator's work, the calling one included. */
  readonly threads?: number;
  /**
   * Whether idle threads wait by looping until a run ends, not for ten microseconds only. It costs a multiple of what it saves where the
   * processors have something else to do. Default false.
   */
  readonly spinning?: boolean;
  /** Where constants lie that are not in the model's own bytes. */
  readonly constants?: ConstantFiles;
  /**
   * Constants that the caller's memory holds, by the names under which the model says that they lie elsewhere. They
   * are read where they are for as long as the session lives. Only with the binding "c-api".
   */
  readonly givenConstants?: Readonly<Record<string, OnnxTensor>>;
}

/** Files of one directory that constants of a model lie in. */
export interface ConstantFiles {
  readonly directory: string;
  readonly files: readonly string[];
}

/** A run with fixed buffers: everything is prepared once, a call only computes. */
export interface OnnxBoundRun {
  /** The tensors that receive the outputs. */
  readonly outputs: readonly OnnxTensor[];
  /** Computes without blocking the event loop. The buffers belong to the run until the promise settles. */
  run(): Promise<void>;
  runSync(): void;
}

/** A compiled model. Inputs and outputs go by position, in the order of the signatures. */
export interface OnnxSession {
  readonly inputs: readonly OnnxSignature[];
  readonly outputs: readonly OnnxSignature[];
  /**
   * Computes all outputs without blocking the event loop. Where `into` holds a tensor the output is written
   * there (it may be an input's own buffer); where it holds undefined a new one is made.
   */
  run(
    feeds: readonly OnnxTensor[],
    into: readonly (OnnxTensor | undefined)[],
  ): Promise<readonly OnnxTensor[]>;
  runSync(feeds: readonly OnnxTensor[], into: readonly (OnnxTensor | undefined)[]): readonly OnnxTensor[];
  /** Prepares runs with fixed buffers; an output without a tensor gets one, if its size is known before. */
  bind(feeds: readonly OnnxTensor[], into: readonly (OnnxTensor | undefined)[]): OnnxBoundRun;
  /** Releases the native session, once the runs under way have ended. Later runs are errors. */
  dispose(): void;
}

/** ONNX Runtime, however it is reached. */
export interface OnnxRuntime {
  readonly binding: OnnxBindingName;
  readonly version: string;
  /** Why the C API is not used, where it was asked for or would have been the default. */
  readonly fallbackReason?: string;
  /** Whether every run copies its feeds to where the kernels run: what never changes had better be constants. */
  readonly copiesFeeds: boolean;
  createSession(model: Uint8Array, options?: OnnxSessionOptions): Promise<OnnxSession>;
}

/** Settings of a session by ONNX Runtime's keys; its kernels map constants from the folder that is named here. */
export function sessionSettings(options: OnnxSessionOptions): Record<string, string> {
  const { settings, constants, spinning = false } = options;
  const folder = constants && { "session.model_external_initializers_file_folder_path": constants.directory };
  return { ...waiting[spinning ? "looping" : "brief"], ...settings, ...folder };
}

/**
 * How idle threads wait. Waking a sleeping one takes longer than most operators of a decode step leave it idle; looping for much longer
 * would take processors from others.
 */
const waiting = {
  brief: { "session.intra_op.allow_spinning": "1", "session.intra_op.spin_duration_us": "10" },
  // Threads that went on looping after a run would take the processors from whatever comes next.
  looping: { "session.intra_op.allow_spinning": "1", "session.force_spinning_stop": "1" },
} as const;

/** Something that ONNX Runtime refused or failed to do. */
export class OnnxRuntimeError extends Error {
  override readonly name: string = "OnnxRuntimeError";
}

/** The GPU was taken away (unplugged, reset, its driver restarted); a new device must be opened. */
export class DeviceLostError extends OnnxRuntimeError {
  override readonly name = "DeviceLostError";
}

/** There is not enough memory for the model or its work. */
export class OutOfMemoryError extends OnnxRuntimeError {
  override readonly name = "OutOfMemoryError";
}

interface ArrayConstructorOf {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, offset: number, length: number): OnnxData;
}

const elementTypes: Record<OnnxType, { code: number; array: ArrayConstructorOf }> = {
  float32: { code: 1, array: Float32Array },
  uint8: { code: 2, array: Uint8Array },
  int8: { code: 3, array: Int8Array },
  int32: { code: 6, array: Int32Array },
  int64: { code: 7, array: BigInt64Array },
  bool: { code: 9, array: Uint8Array },
  float16: { code: 10, array: Uint16Array },
};

/** The number that ONNX gives an element type. */
export function elementTypeCode(dtype: OnnxType): number {
  return elementTypes[dtype].code;
}

/** The element type of ONNX's number for it. */
export function elementTypeOf(code: number, where: string): OnnxType {
  for (const [name, entry] of Object.entries(elementTypes)) {
    if (entry.code === code) return name as OnnxType;
  }
  throw new OnnxRuntimeError(
    `${where}: its element type must be one of ${Object.keys(elementTypes).join(", ")}, got ONNX type ${code}`,
  );
}

/** A zeroed tensor in an ArrayBuffer of its own: such memory never moves, whatever its size. */
export function allocateTensor(dtype: OnnxType, dims: readonly number[]): OnnxTensor {
  const { array } = elementTypes[dtype];
  const count = dims.reduce((product, size) => product * size, 1);
  const buffer = new ArrayBuffer(Math.max(1, count) * array.BYTES_PER_ELEMENT);
  return { dtype, dims, data: new array(buffer, 0, count) };
}

/** A tensor for every output: the given one, a new one, or undefined where only the run can tell its sizes. */
export function outputTargets(
  { inputs, outputs }: Pick<OnnxSession, "inputs" | "outputs">,
  feeds: readonly OnnxTensor[],
  into: readonly (OnnxTensor | undefined)[],
): (OnnxTensor | undefined)[] {
  return outputs.map((output, index) => {
    if (into[index] !== undefined) return into[index];
    const dims = outputDims(output, inputs, feeds);
    return dims && allocateTensor(output.dtype, dims);
  });
}

/** The same for runs with fixed buffers, where every output needs its tensor beforehand. */
export function boundTargets(
  session: Pick<OnnxSession, "inputs" | "outputs">,
  feeds: readonly OnnxTensor[],
  into: readonly (OnnxTensor | undefined)[],
): OnnxTensor[] {
  return outputTargets(session, feeds, into).map((tensor, index) => {
    if (tensor !== undefined) return tensor;
    const { name, dims } = session.outputs[index];
    throw new OnnxRuntimeError(
      `bind: output ${name} [${dims.map((size) => size || "?").join(", ")}] needs a tensor to be written to, for only the run knows its sizes`,
    );
  });
}

/**
 * The sizes an output will have, where they follow from its signature and the inputs' symbolic dimensions;
 * undefined where only the run itself can tell.
 */
function outputDims(
  output: OnnxSignature,
  inputs: readonly OnnxSignature[],
  feeds: readonly OnnxTensor[],
): number[] | undefined {
  const sizes: number[] = [];
  for (const size of output.dims) {
    const known = typeof size === "number" ? size : symbolSize(size, inputs, feeds);
    if (known === undefined) return undefined;
    sizes.push(known);
  }
  return sizes;
}

function symbolSize(
  symbol: string,
  inputs: readonly OnnxSignature[],
  feeds: readonly OnnxTensor[],
): number | undefined {
  if (symbol === "") return undefined;
  for (const [index, input] of inputs.entries()) {
    const axis = input.dims.indexOf(symbol);
    if (axis >= 0) return feeds[index].dims[axis];
  }
  return undefined;
}
