import { DataError } from "../data/index.ts";
import {
  FileError,
  isRunning,
  lastWords,
  type MessagePassing,
  type MpiMessage,
  onProcessEnd,
  openMessagePassing,
  type ProcessPlace,
  processPlace,
} from "../platform/index.ts";

/**
 * The processes that train together (data parallel), as one of them sees them. Whatever is not a message between two is
 * called by all of them in the same order.
 */
export interface Communicator {
  /** Of this process, from 0 on. The first one writes the run's files and tells its events. */
  readonly rank: number;
  readonly size: number;
  /** Processes of this one's machine, itself included: they divide its memory. */
  readonly localSize: number;
  /** Processes that share this one's processors, itself included: they divide the threads. */
  readonly sharing: number;
  /** Bytes that this process has sent so far. */
  readonly bytesSent: number;
  /** Every process's value, in the order of ranks. Values are plain JSON. */
  exchange<T>(value: T): Promise<readonly T[]>;
  /** Every process's numbers, in the order of ranks. */
  exchangeNumbers(numbers: Float64Array): Promise<readonly Float64Array[]>;
  /**
   * Begins to send memory, which must stay as it is until the message is settled.
   *
   * @internal
   */
  send(to: number, bytes: Uint8Array): MpiMessage;
  /**
   * Begins to receive what the other one sends, which has exactly this size.
   *
   * @internal
   */
  receive(from: number, into: Uint8Array): MpiMessage;
  /**
   * Waits for messages.
   *
   * @internal
   */
  settle(messages: readonly MpiMessage[]): Promise<void>;
  /** Works in every process; where it fails in one, all of them throw its error. */
  agree<T>(work: () => T | Promise<T>): Promise<T>;
  /** Works in the first process alone, and gives every one the value (plain JSON) or the error. */
  fromFirst<T>(work: () => T | Promise<T>): Promise<T>;
  /** The same error, marked as one that all processes throw at this place. */
  common<E>(error: E): E;
  /** Whether all processes have thrown the error; the job is otherwise ended by {@link Communicator.abort}. */
  isCommon(error: unknown): boolean;
  /** Ends every process because of an error of this one; where it is alone the error is thrown. */
  abort(error: unknown): never;
  /** Leaves the job, once all have come so far. Nothing else may be called after it. */
  close(): Promise<void>;
}

/** A process that trains alone. */
export const alone: Communicator = {
  rank: 0,
  size: 1,
  localSize: 1,
  sharing: 1,
  bytesSent: 0,
  exchange: async (value) => [value],
  exchangeNumbers: async (numbers) => [numbers],
  send: noOther,
  receive: noOther,
  settle: async () => undefined,
  agree: async (work) => work(),
  fromFirst: async (work) => work(),
  common: (error) => error,
  isCommon: () => true,
  abort: (error) => {
    throw error;
  },
  close: async () => undefined,
};

function noOther(): never {
  throw new RangeError("communicator: this process is alone");
}

let joined: Promise<Communicator> | undefined;

/**
 * The processes that an MPI launcher started together with this one (mpirun, srun), the same at every call; {@link alone}
 * where none did. A process that ends without {@link Communicator.close} and with an exit code other than 0 ends them all.
 *
 * @throws PlatformError where MPI's library is missing, or is not the launcher's
 */
export function joinProcesses(): Promise<Communicator> {
  joined ??= openMessagePassing().then((passing) => (passing === undefined ? alone : join(passing)));
  return joined;
}

async function join(passing: MessagePassing): Promise<Communicator> {
  const group = new ProcessGroup(passing);
  await group.meet();
  return group;
}

/** How an error goes from one process to another. */
interface Failure {
  readonly name: string;
  readonly message: string;
}

class ProcessGroup implements Communicator {
  readonly #passing: MessagePassing;
  readonly #common = new WeakSet<object>();
  #places: readonly ProcessPlace[] = [];
  #isClosed = false;

  constructor(passing: MessagePassing) {
    this.#passing = passing;
    onProcessEnd((code) => {
      if (this.#isClosed) return;
      if (code === 0) passing.finalize();
      else passing.abort(code);
    });
  }

  /** Tells the others where this process runs. */
  async meet(): Promise<void> {
    this.#places = await this.exchange(processPlace());
  }

  get rank(): number {
    return this.#passing.rank;
  }

  get size(): number {
    return this.#passing.size;
  }

  get bytesSent(): number {
    return this.#passing.bytesSent;
  }

  get localSize(): number {
    return this.#neighbours().length;
  }

  get sharing(): number {
    const { processors } = this.#places[this.rank];
    return this.#neighbours().filter((place) => place.processors === processors).length;
  }

  send(to: number, bytes: Uint8Array): MpiMessage {
    return this.#passing.send(to, bytes);
  }

  receive(from: number, into: Uint8Array): MpiMessage {
    return this.#passing.receive(from, into);
  }

  async settle(messages: readonly MpiMessage[]): Promise<void> {
    await this.#passing.settle(messages, () => this.#requireOthers());
  }

  async exchange<T>(value: T): Promise<T[]> {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const all = await this.#exchangeBytes(bytes);
    return all.map((one) => JSON.parse(new TextDecoder().decode(one)) as T);
  }

  async exchangeNumbers(numbers: Float64Array): Promise<Float64Array[]> {
    const all = await this.#exchangeBytes(new Uint8Array(numbers.slice().buffer));
    return all.map(({ buffer }) => new Float64Array(buffer));
  }

  async agree<T>(work: () => T | Promise<T>): Promise<T> {
    const [outcome] = await Promise.allSettled([(async () => work())()]);
    const failures = await this.exchange(outcome.status === "rejected" ? failureOf(outcome.reason) : null);
    const rank = failures.findIndex((failure) => failure !== null);
    if (rank >= 0) {
      const isOwn = rank === this.rank && outcome.status === "rejected";
      throw this.common(isOwn ? outcome.reason : this.#revived(failures[rank]!, rank));
    }
    return (outcome as PromiseFulfilledResult<T>).value;
  }

  async fromFirst<T>(work: () => T | Promise<T>): Promise<T> {
    const value = await this.agree(async () => (this.rank === 0 ? await work() : undefined));
    // Undefined is no JSON: a list that lacks it is.
    const [[first]] = await this.exchange(value === undefined ? [] : [value]);
    return first as T;
  }

  common<E>(error: E): E {
    if (typeof error === "object" && error !== null) this.#common.add(error);
    return error;
  }

  isCommon(error: unknown): boolean {
    return typeof error === "object" && error !== null && this.#common.has(error);
  }

  abort(error: unknown): never {
    const { message } = failureOf(error);
    lastWords(`owl: ${this.#nameOf(this.rank)}: ${message}`);
    return this.#passing.abort(1);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.exchange(null);
    this.#isClosed = true;
    this.#passing.finalize();
  }

  /** Where a message is late: ends the job if a process of this machine is no more. The launcher watches the other machines. */
  #requireOthers(): void {
    const here = this.#places[this.rank]?.host;
    for (const [rank, { host, pid }] of this.#places.entries()) {
      if (host !== here || isRunning(pid)) continue;
      this.abort(new Error(`must hear from ${this.#nameOf(rank)}, got no such process any more (${pid})`));
    }
  }

  #neighbours(): ProcessPlace[] {
    const { host } = this.#places[this.rank];
    return this.#places.filter((place) => place.host === host);
  }

  async #exchangeBytes(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>[]> {
    const { rank, size } = this;
    const others = Array.from({ length: size - 1 }, (_, i) => (rank + 1 + i) % size);
    const length = (count: number): Uint8Array<ArrayBuffer> =>
      new Uint8Array(new Float64Array([count]).buffer);
    const sent = others.flatMap((other) => [this.send(other, length(bytes.length)), this.send(other, bytes)]);
    const lengths = others.map(() => length(0));
    await this.settle(others.map((other, i) => this.receive(other, lengths[i])));
    const all = Array.from({ length: size }, () => bytes);
    for (const [i, other] of others.entries()) {
      all[other] = new Uint8Array(new Float64Array(lengths[i].buffer)[0]);
    }
    await this.settle([...others.map((other) => this.receive(other, all[other])), ...sent]);
    return all;
  }

  #nameOf(rank: number): string {
    const host = this.#places[rank]?.host;
    return `rank ${rank} of ${this.size}${host === undefined ? "" : ` on ${host}`}`;
  }

  #revived({ name, message }: Failure, rank: number): Error {
    const text = `${this.#nameOf(rank)}: ${message}`;
    if (name === "DataError") return new DataError(text);
    if (name === "FileError") return new FileError(text);
    return Object.assign(new Error(text), { name });
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: "Error", message: String(error) };
}
