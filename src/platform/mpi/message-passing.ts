import { setTimeout as pause } from "node:timers/promises";
import { PlatformError } from "../platform-error.ts";
import { launchedProcesses } from "./launcher.ts";
import { loadMpi, type MpiLibrary } from "./library.ts";

/** A message under way: the memory behind it must stay as it is until it is settled. */
export interface MpiMessage {
  readonly bytes: Uint8Array;
  /** MPI's handle of it. */
  readonly request: BigUint64Array;
}

/**
 * This process and its ways to the others of its job. Messages from one process to another arrive in the order in which they were
 * sent, and each is received into memory of exactly its size.
 */
export interface MessagePassing {
  /** From 0 on. */
  readonly rank: number;
  /** Processes of the job. */
  readonly size: number;
  /** What carries the messages, by its own words. */
  readonly library: string;
  /** Bytes that this process has sent so far. */
  readonly bytesSent: number;
  send(to: number, bytes: Uint8Array): MpiMessage;
  receive(from: number, into: Uint8Array): MpiMessage;
  /**
   * Waits for messages; the event loop goes on meanwhile.
   *
   * @param onSilence called about once a second while none of them arrives
   */
  settle(messages: readonly MpiMessage[], onSilence?: () => void): Promise<void>;
  /** Ends every process of the job at once, with an exit code. */
  abort(code: number): never;
  /** Says goodbye; waits for the others to do so. Nothing can be sent after it. */
  finalize(): void;
}

/** Milliseconds for which a message is looked for without a pause: longer would take the processor from whoever computes. */
const eagerly = 2;
const silence = 1000;

/**
 * Joins the other processes of the job that an MPI launcher (mpirun, srun) started; undefined where none did. MPI's library
 * is loaded only in the first case. It is called from this thread alone, and never blocks: MPI has no thread of its own, so
 * messages move while someone settles some.
 *
 * @throws PlatformError where the library is missing, or is not the launcher's
 */
export async function openMessagePassing(): Promise<MessagePassing | undefined> {
  const launched = launchedProcesses();
  if (launched === 1) return undefined;
  // UCX would take over the signals by which WebAssembly finds that it left its memory.
  process.env.UCX_ERROR_SIGNALS ??= "";
  const mpi = await loadMpi();
  const { functions, world } = mpi;
  functions.MPI_Init_thread(null, null, mpi.funneled, newInts(1));
  const size = numberFrom((into) => functions.MPI_Comm_size(world, into));
  if (size !== launched) {
    throw new PlatformError(
      `several processes: MPI's library must be the launcher's, got ${launched} processes of which ${mpi.path} finds ${size}; name the launcher's in OWL_MPI_LIBRARY`,
    );
  }
  return new MpiMessagePassing(mpi, size);
}

const newInts = (length: number): Int32Array => new Int32Array(new ArrayBuffer(4 * length));

function numberFrom(call: (into: Int32Array) => number): number {
  const into = newInts(1);
  call(into);
  return into[0];
}

class MpiMessagePassing implements MessagePassing {
  readonly rank: number;
  readonly size: number;
  readonly library: string;
  bytesSent = 0;
  readonly #mpi: MpiLibrary;
  readonly #flag = newInts(1);
  // Of a size that every kind of library fits in.
  readonly #status = newInts(16);

  constructor(mpi: MpiLibrary, size: number) {
    this.#mpi = mpi;
    this.size = size;
    this.rank = numberFrom((into) => mpi.functions.MPI_Comm_rank(mpi.world, into));
    const text = new Uint8Array(new ArrayBuffer(8192));
    mpi.functions.MPI_Get_library_version(text, newInts(1));
    this.library = new TextDecoder().decode(text.subarray(0, text.indexOf(0))).split(/[,\n]/)[0];
  }

  send(to: number, bytes: Uint8Array): MpiMessage {
    this.bytesSent += bytes.length;
    return this.#begin("MPI_Isend", to, bytes);
  }

  receive(from: number, into: Uint8Array): MpiMessage {
    return this.#begin("MPI_Irecv", from, into);
  }

  async settle(messages: readonly MpiMessage[], onSilence?: () => void): Promise<void> {
    let next = 0;
    let moved = performance.now();
    let told = moved;
    for (;;) {
      const before = next;
      while (next < messages.length && this.#isDone(messages[next])) next++;
      if (next === messages.length) return;
      const now = performance.now();
      if (next > before) moved = now;
      if (now - Math.max(moved, told) > silence) {
        told = now;
        onSilence?.();
      }
      if (now - moved < eagerly) await new Promise((resolve) => setImmediate(resolve));
      else await pause(1);
    }
  }

  abort(code: number): never {
    this.#mpi.functions.MPI_Abort(this.#mpi.world, code);
    return process.exit(code);
  }

  finalize(): void {
    this.#mpi.functions.MPI_Finalize();
  }

  #begin(name: "MPI_Isend" | "MPI_Irecv", other: number, bytes: Uint8Array): MpiMessage {
    const { functions, world, byte } = this.#mpi;
    const request = new BigUint64Array(new ArrayBuffer(8));
    functions[name](this.#mpi.address(bytes), bytes.length, byte, other, 0, world, request);
    return { bytes, request };
  }

  #isDone({ request }: MpiMessage): boolean {
    this.#mpi.functions.MPI_Test(request, this.#flag, this.#status);
    return this.#flag[0] !== 0;
  }
}
