import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { PlatformError } from "../platform-error.ts";
import { mpiInstallation, startedVariables } from "./launcher.ts";

/** A job that mpirun runs on this machine. */
export interface MpiJob {
  /** Asks every process to stop after the step under way: they get SIGUSR2. */
  stop(): void;
  /** Ends every process at once. */
  kill(): void;
  /** The job's exit code. */
  readonly done: Promise<number>;
}

/**
 * Starts a program several times on this machine, as one job of mpirun's. Its output goes where this process's goes.
 *
 * @param command the program and its arguments
 * @throws PlatformError where there is no mpirun
 */
export async function startMpiJob(processes: number, command: readonly string[]): Promise<MpiJob> {
  const options = (await isOpenMpi()) ? openMpiOptions() : [];
  // In a session of its own: a terminal's Ctrl-C must not reach mpirun, which would end the job within a second.
  const child = spawn("mpirun", [...options, "-n", String(processes), ...command], {
    stdio: "inherit",
    detached: true,
    env: startedVariables(),
  });
  return {
    stop: () => void child.kill("SIGUSR2"),
    kill: () => void child.kill("SIGTERM"),
    done: new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code) => resolve(code ?? 1));
    }),
  };
}

/** As root too (containers), with more processes than processors, and each on any processor: threads are shared out by the program. */
const openMpiOptions = (): string[] => [
  ...(process.getuid?.() === 0 ? ["--allow-run-as-root"] : []),
  "--oversubscribe",
  ...["--bind-to", "none"],
];

async function isOpenMpi(): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)("mpirun", ["--version"]);
    return stdout.includes("Open MPI");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isMissing) throw error;
    throw new PlatformError(`several processes: need mpirun, found none; ${mpiInstallation}`, {
      cause: error,
    });
  }
}
