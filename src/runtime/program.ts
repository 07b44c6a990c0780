import {
  OnnxRuntimeError,
  type OnnxSession,
  type OnnxSignature,
  type OnnxTensor,
} from "../platform/index.ts";
import type { DType, HostTensor } from "../tensor/index.ts";
import { type NamedTensors, requireFit } from "./signature.ts";

/** A program with its tensors: prepared once, then a call only computes. One call at a time. */
export interface BoundRun {
  /** Where the results are after a run, by name. */
  readonly outputs: NamedTensors;
  /** Computes without blocking the event loop. The tensors belong to the run until the promise settles. */
  run(): Promise<void>;
  /** Computes at once; only with the binding "c-api". */
  runSync(): void;
}

const hostTypes: Readonly<Record<DType, true>> = {
  float32: true,
  int64: true,
  int32: true,
  int8: true,
  uint8: true,
  bool: true,
};

/**
 * A compiled graph. It reads feeds and writes results where they lie, without a copy. A result may be written
 * over a feed (an update in place) if no later node of the graph still reads that feed.
 */
export class Program {
  readonly name: string;
  readonly inputs: readonly OnnxSignature[];
  readonly outputs: readonly OnnxSignature[];
  readonly #session: OnnxSession;

  /** @internal {@link Device.compile} makes one. */
  constructor(name: string, session: OnnxSession) {
    this.name = name;
    this.inputs = session.inputs;
    this.outputs = session.outputs;
    this.#session = session;
    for (const { name: value, dtype } of [...session.inputs, ...session.outputs]) {
      if (!(dtype in hostTypes)) {
        const known = Object.keys(hostTypes).join(", ");
        throw new OnnxRuntimeError(`${name}: ${value} must be one of ${known}, got ${dtype}`);
      }
    }
  }

  /** Whether one of its inputs has this name. */
  hasInput(input: string): boolean {
    return this.inputs.some(({ name }) => name === input);
  }

  /**
   * Computes all outputs without blocking the event loop. Neither feeds nor targets may be changed until the
   * promise settles.
   *
   * @param feeds the graph's inputs and parameters by name
   * @param into where to write results, by name; the others come in new tensors
   * @throws {FeedError} where names, types or sizes do not fit, all in one message
   */
  async run(feeds: NamedTensors, into: NamedTensors = {}): Promise<Record<string, HostTensor>> {
    return this.#named(await this.#session.run(this.#feeds(feeds, into), this.#targets(into)));
  }

  /** `run` at once, blocking; only with the binding "c-api". */
  runSync(feeds: NamedTensors, into: NamedTensors = {}): Record<string, HostTensor> {
    return this.#named(this.#session.runSync(this.#feeds(feeds, into), this.#targets(into)));
  }

  /**
   * Prepares runs with fixed tensors, as a training loop wants them: their contents may change between runs,
   * their buffers stay. Results missing in `into` get tensors of their own.
   *
   * @throws {FeedError} as `run` does; also where the size of a result missing in `into` is not known
   */
  bind(feeds: NamedTensors, into: NamedTensors = {}): BoundRun {
    const bound = this.#session.bind(this.#feeds(feeds, into), this.#targets(into));
    return {
      outputs: this.#named(bound.outputs),
      run: () => bound.run(),
      runSync: () => bound.runSync(),
    };
  }

  /** Releases the native program, once the runs under way have ended. Later runs are errors. */
  dispose(): void {
    this.#session.dispose();
  }

  #feeds(feeds: NamedTensors, into: NamedTensors): HostTensor[] {
    requireFit(this.name, this.inputs, this.outputs, feeds, into);
    return this.inputs.map(({ name }) => feeds[name]);
  }

  #targets(into: NamedTensors): (HostTensor | undefined)[] {
    return this.outputs.map(({ name }) => into[name]);
  }

  #named(results: readonly OnnxTensor[]): Record<string, HostTensor> {
    // The constructor has made sure that every output is of a type that a HostTensor can have.
    return Object.fromEntries(this.outputs.map(({ name }, index) => [name, results[index] as HostTensor]));
  }
}
