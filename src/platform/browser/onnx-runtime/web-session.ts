import type { InferenceSession, Tensor } from "onnxruntime-common";
import {
  boundTargets,
  type OnnxBoundRun,
  OnnxRuntimeError,
  type OnnxSession,
  type OnnxSignature,
  type OnnxTensor,
  type OnnxType,
} from "../../onnx-runtime/binding.ts";

export type Library = typeof import("onnxruntime-common");

/** Runs a piece of work when no other one is running; `where` begins its errors. */
type RunExclusive = <T>(where: string, work: () => Promise<T>) => Promise<T>;

/** A session of onnxruntime-web: feeds are copied in and results copied out at every run. */
export class WebSession implements OnnxSession {
  readonly inputs: readonly OnnxSignature[];
  readonly outputs: readonly OnnxSignature[];
  readonly #library: Library;
  readonly #session: InferenceSession;
  readonly #runExclusive: RunExclusive;
  #disposed = false;

  constructor(library: Library, session: InferenceSession, runExclusive: RunExclusive) {
    this.#library = library;
    this.#session = session;
    this.#runExclusive = runExclusive;
    this.inputs = session.inputMetadata.map(signature);
    this.outputs = session.outputMetadata.map(signature);
  }

  async run(
    feeds: readonly OnnxTensor[],
    into: readonly (OnnxTensor | undefined)[],
  ): Promise<readonly OnnxTensor[]> {
    if (this.#disposed) throw new OnnxRuntimeError("run: the program must not be disposed of before it runs");
    const named = Object.fromEntries(
      this.inputs.map(({ name }, index) => [name, this.#tensor(feeds[index])]),
    );
    const results = await this.#runExclusive("run", () => this.#session.run(named));
    await nextTask();
    return this.outputs.map(({ name }, index) => delivered(results[name], into[index]));
  }

  runSync(): readonly OnnxTensor[] {
    throw new OnnxRuntimeError("runSync: needs Node, got a browser; use run");
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
    // Where the device is gone its sessions are, too.
    this.#runExclusive("dispose", () => this.#session.release()).catch(() => undefined);
  }

  #tensor({ dtype, dims, data }: OnnxTensor): Tensor {
    return new this.#library.Tensor(dtype, data, dims);
  }
}

function signature(metadata: InferenceSession.ValueMetadata): OnnxSignature {
  if (!metadata.isTensor) {
    throw new OnnxRuntimeError(`${metadata.name}: must be a tensor, got another kind of value`);
  }
  return { name: metadata.name, dtype: metadata.type as OnnxType, dims: metadata.shape };
}

/**
 * Lets messages in that have come: on the processor a run never leaves the thread, and a wish to stop would wait for
 * the last token.
 */
function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** A result in the tensor that was given for it, or in its own. */
function delivered(result: Tensor, into: OnnxTensor | undefined): OnnxTensor {
  const data = result.data as OnnxTensor["data"];
  if (into === undefined) return { dtype: result.type as OnnxType, dims: result.dims, data };
  into.data.set(data as never);
  return into;
}
