import { type Koffi, loadKoffi } from "../koffi.ts";
import { PlatformError } from "../platform-error.ts";
import { mpiInstallation } from "./launcher.ts";

type Library = ReturnType<Koffi["load"]>;

/** A handle of MPI (a communicator, a datatype): an address in Open MPI and the standard ABI, an integer in MPICH. */
export type Handle = bigint | number;
type Argument = Handle | NodeJS.TypedArray | null;

/** The part of MPI in use. Each returns 0 on success; by default MPI itself ends the job where one fails. */
export type MpiFunctions = Readonly<Record<keyof typeof declarations, (...values: Argument[]) => number>>;

/** An MPI library with what differs between its kinds. */
export interface MpiLibrary {
  readonly path: string;
  readonly functions: MpiFunctions;
  /** All processes of the job. */
  readonly world: Handle;
  readonly byte: Handle;
  /** The thread level at which one thread calls MPI, while others compute. */
  readonly funneled: number;
  /** Where an array that native code reads or writes lies. */
  address(bytes: Uint8Array): bigint;
}

/** Parameters: `pointer` for arrays and addresses, `handle` for MPI's own. */
const declarations = {
  MPI_Init_thread: ["pointer", "pointer", "int", "pointer"],
  MPI_Comm_rank: ["handle", "pointer"],
  MPI_Comm_size: ["handle", "pointer"],
  MPI_Get_library_version: ["pointer", "pointer"],
  MPI_Isend: ["pointer", "int", "handle", "int", "int", "handle", "pointer"],
  MPI_Irecv: ["pointer", "int", "handle", "int", "int", "handle", "pointer"],
  MPI_Test: ["pointer", "pointer", "pointer"],
  MPI_Abort: ["handle", "int"],
  MPI_Finalize: [],
} as const satisfies Record<string, readonly ("pointer" | "handle" | "int")[]>;

/** The kinds of library, the one that Debian's openmpi-bin brings first. */
const names: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: [
    "libmpi.so.40",
    "libmpi_abi.so.1",
    "libmpi_abi.so.0",
    "libmpi.so.12",
    "libmpich.so.12",
    "libmpi.so",
  ],
  darwin: ["libmpi.40.dylib", "libmpi_abi.0.dylib", "libmpi.12.dylib", "libmpi.dylib"],
};

/**
 * Loads MPI's library: `OWL_MPI_LIBRARY` where it is set, else the first that there is of Open MPI's, the standard ABI's and
 * MPICH's.
 *
 * @throws PlatformError naming those that were looked for, and what to install
 */
export async function loadMpi(): Promise<MpiLibrary> {
  const koffi = await loadKoffi();
  const own = process.env.OWL_MPI_LIBRARY;
  const candidates = own === undefined ? (names[process.platform] ?? []) : [own];
  const reasons: string[] = [];
  for (const path of candidates) {
    try {
      // Open MPI's components, which it loads itself, find its functions among the global ones.
      return describe(koffi, koffi.load(path, { global: true, lazy: true }), path);
    } catch (error) {
      reasons.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const looked = candidates.length === 0 ? `none for ${process.platform}` : reasons.join("; ");
  throw new PlatformError(
    `several processes: must find MPI's library, got none (${looked}); ${mpiInstallation}, or name its file in OWL_MPI_LIBRARY`,
  );
}

function describe(koffi: Koffi, library: Library, path: string): MpiLibrary {
  const kind = kindOf(library, path);
  const types = { pointer: "void *", int: "int", handle: kind.handle };
  const functions = Object.entries(declarations).map(([name, parameters]) => [
    name,
    library.func(
      name,
      "int",
      parameters.map((parameter) => types[parameter]),
    ),
  ]);
  return {
    ...kind,
    path,
    functions: Object.fromEntries(functions),
    address: (bytes) => (bytes.buffer.byteLength === 0 ? 0n : koffi.address(bytes)),
  };
}

interface Kind {
  readonly world: Handle;
  readonly byte: Handle;
  readonly handle: "void *" | "int";
  readonly funneled: number;
}

function kindOf(library: Library, path: string): Kind {
  // Open MPI's constants are addresses of global objects.
  const addressOf = (name: string): bigint | undefined => {
    try {
      return library.symbol(name);
    } catch {
      return undefined;
    }
  };
  const world = addressOf("ompi_mpi_comm_world");
  const byte = addressOf("ompi_mpi_byte");
  if (world !== undefined && byte !== undefined) return { world, byte, handle: "void *", funneled: 1 };
  // MPI 5.0, section 20: small numbers in place of addresses.
  if (path.includes("mpi_abi")) return { world: 0x101n, byte: 0x247n, handle: "void *", funneled: 1024 };
  // The ABI that MPICH shares with its relatives (Intel, Cray).
  return { world: 0x44000000, byte: 0x4c00010d, handle: "int", funneled: 1 };
}
