import {
  boundTargets,
  elementTypeOf,
  type OnnxBoundRun,
  OnnxRuntimeError,
  type OnnxSession,
  type OnnxSignature,
  type OnnxTensor,
  outputTargets,
} from "./binding.ts";
import { nameArray, type OrtApi, type Pointer, pointerArray } from "./ort-api.ts";
import { isAttached, type OrtValues, readDims } from "./ort-values.ts";

/** The arguments of one native run: values and names as arrays of addresses, and what keeps them alive. */
interface Call {
  readonly values: BigUint64Array;
  readonly results: BigUint64Array;
  readonly valuesAddress: Pointer;
  readonly resultsAddress: Pointer;
  readonly tensors: readonly OnnxTensor[];
}

/** A session behind the C API. */
export class NativeSession implements OnnxSession {
  readonly inputs: readonly OnnxSignature[];
  readonly outputs: readonly OnnxSignature[];
  readonly #api: OrtApi;
  readonly #values: OrtValues;
  readonly #pointer: Pointer;
  readonly #inputNames: Names;
  readonly #outputNames: Names;
  /** Memory that the native session reads. */
  readonly kept: unknown;
  #running = 0;
  #disposed = false;

  constructor(api: OrtApi, values: OrtValues, pointer: Pointer, kept?: unknown) {
    this.#api = api;
    this.#values = values;
    this.#pointer = pointer;
    this.kept = kept;
    sessionReleaser(api).register(this, pointer, this);
    this.inputs = readSignatures(api, pointer, "Input");
    this.outputs = readSignatures(api, pointer, "Output");
    this.#inputNames = namesOf(api, this.inputs);
    this.#outputNames = namesOf(api, this.outputs);
  }

  async run(
    feeds: readonly OnnxTensor[],
    into: readonly (OnnxTensor | undefined)[],
  ): Promise<readonly OnnxTensor[]> {
    const targets = outputTargets(this, feeds, into);
    const call = this.#prepare(feeds, targets);
    await this.#invokeAsync(call);
    return this.#collect(call, targets);
  }

  runSync(feeds: readonly OnnxTensor[], into: readonly (OnnxTensor | undefined)[]): readonly OnnxTensor[] {
    const targets = outputTargets(this, feeds, into);
    const call = this.#prepare(feeds, targets);
    this.#invoke(call);
    return this.#collect(call, targets);
  }

  bind(feeds: readonly OnnxTensor[], into: readonly (OnnxTensor | undefined)[]): OnnxBoundRun {
    const outputs = boundTargets(this, feeds, into);
    const call = this.#prepare(feeds, outputs);
    let running = false;
    const requireReady = () => {
      if (running) throw new OnnxRuntimeError("bound run: the run before must have ended; await it first");
      if (!call.tensors.every(isAttached)) {
        throw new OnnxRuntimeError("bound run: a bound buffer was transferred elsewhere; bind the new one");
      }
    };
    return {
      outputs,
      run: async () => {
        requireReady();
        running = true;
        try {
          await this.#invokeAsync(call);
        } finally {
          running = false;
        }
      },
      runSync: () => {
        requireReady();
        this.#invoke(call);
      },
    };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#running === 0) this.#release();
  }

  #release(): void {
    sessionReleaser(this.#api).unregister(this);
    this.#api.native.ReleaseSession(this.#pointer);
  }

  #prepare(feeds: readonly OnnxTensor[], targets: readonly (OnnxTensor | undefined)[]): Call {
    const values = pointerArray(feeds.length);
    const results = pointerArray(targets.length);
    for (const [index, tensor] of feeds.entries()) values[index] = this.#values.of(tensor);
    for (const [index, tensor] of targets.entries()) if (tensor) results[index] = this.#values.of(tensor);
    return {
      values,
      results,
      valuesAddress: this.#api.address(values),
      resultsAddress: this.#api.address(results),
      tensors: [...feeds, ...targets.filter((tensor) => tensor !== undefined)],
    };
  }

  #arguments(call: Call): [Pointer, Pointer, Pointer, Pointer, number, Pointer, number, Pointer] {
    if (this.#disposed) throw new OnnxRuntimeError("run: the program must not be disposed of before it runs");
    const inputs = this.#inputNames;
    const outputs = this.#outputNames;
    return [
      this.#pointer,
      0n,
      inputs.address,
      call.valuesAddress,
      inputs.count,
      outputs.address,
      outputs.count,
      call.resultsAddress,
    ];
  }

  #invoke(call: Call): void {
    const status = this.#api.native.Run(...this.#arguments(call));
    if (status !== null) this.#api.check("run", status);
  }

  async #invokeAsync(call: Call): Promise<void> {
    const values = this.#arguments(call);
    this.#running++;
    try {
      await this.#api.callAsync("run", "Run", [this, call], ...values);
    } finally {
      this.#running--;
      if (this.#disposed && this.#running === 0) this.#release();
    }
  }

  #collect(call: Call, targets: readonly (OnnxTensor | undefined)[]): OnnxTensor[] {
    return targets.map(
      (tensor, index) => tensor ?? this.#values.take(this.outputs[index].name, call.results[index]),
    );
  }
}

interface Names {
  readonly address: Pointer;
  readonly count: number;
  readonly kept: unknown;
}

function namesOf(api: OrtApi, signatures: readonly OnnxSignature[]): Names {
  const kept = nameArray(
    api,
    signatures.map(({ name }) => name),
  );
  return { address: api.address(kept), count: signatures.length, kept };
}

const releasers = new Map<OrtApi, FinalizationRegistry<Pointer>>();

/** Releases sessions that were forgotten instead of disposed of. */
function sessionReleaser(api: OrtApi): FinalizationRegistry<Pointer> {
  let releaser = releasers.get(api);
  if (releaser === undefined) {
    releaser = new FinalizationRegistry((pointer) => {
      api.native.ReleaseSession(pointer);
    });
    releasers.set(api, releaser);
  }
  return releaser;
}

function readSignatures(api: OrtApi, session: Pointer, side: "Input" | "Output"): OnnxSignature[] {
  const where = `${side.toLowerCase()}s of the model`;
  const count = pointerArray(1);
  api.call(where, `SessionGet${side}Count`, session, count);
  return Array.from({ length: Number(count[0]) }, (_, index) => readSignature(api, session, side, index));
}

function readSignature(
  api: OrtApi,
  session: Pointer,
  side: "Input" | "Output",
  index: number,
): OnnxSignature {
  const where = `${side.toLowerCase()} ${index} of the model`;
  const allocator = api.create(where, "GetAllocatorWithDefaultOptions");
  const nameAddress = api.create(where, `SessionGet${side}Name`, session, index, allocator);
  const name = api.text(nameAddress);
  api.call(where, "AllocatorFree", allocator, nameAddress);
  const type = api.create(name, `SessionGet${side}TypeInfo`, session, index);
  try {
    const tensor = api.create(name, "CastTypeInfoToTensorInfo", type);
    if (tensor === 0n) throw new OnnxRuntimeError(`${name}: must be a tensor, got another kind of value`);
    const code = new Int32Array(new ArrayBuffer(4));
    api.call(name, "GetTensorElementType", tensor, code);
    const sizes = readDims(api, name, tensor);
    const symbols = pointerArray(sizes.length);
    api.call(name, "GetSymbolicDimensions", tensor, symbols, sizes.length);
    const dims = sizes.map((size, axis) => (size >= 0 ? size : api.text(symbols[axis])));
    return { name, dtype: elementTypeOf(code[0], name), dims };
  } finally {
    api.native.ReleaseTypeInfo(type);
  }
}
