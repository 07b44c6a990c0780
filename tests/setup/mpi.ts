import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const instruction =
  "Tests of several processes need Open MPI: apt-get install -y --no-install-recommends openmpi-bin";

function works(): boolean {
  try {
    execFileSync("mpirun", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const available = works();

/** Whether to leave out tests that mpirun starts: on a person's machine without it. In CI they fail instead. */
export const skipMpi = !available && process.env.CI === undefined;

if (skipMpi) console.warn(`${instruction}; without it these tests are skipped`);

/** Arguments that start so many processes on this machine, as root too and on fewer processors. */
export const mpirunArguments = (processes: number): string[] => [
  "--allow-run-as-root",
  "--oversubscribe",
  ...["--bind-to", "none"],
  ...["-n", String(processes)],
];

/** What Linux tells of a process in a file of /proc; nothing where it has ended. */
function toldOf(pid: number, file: "stat" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** The processes that a process has started. */
export function childrenOf(parent: number): number[] {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  // After the name in parentheses: the state and the parent.
  return pids.filter((pid) => Number(/^.*\) \S+ (\d+)/s.exec(toldOf(pid, "stat"))?.[1]) === parent);
}

/** The process of a rank that an mpirun has started, by the variable that it is given; undefined where there is none (yet). */
export function rankOf(mpirun: number, rank: number): number | undefined {
  return childrenOf(mpirun).find((pid) =>
    toldOf(pid, "environ").split("\0").includes(`OMPI_COMM_WORLD_RANK=${rank}`),
  );
}
