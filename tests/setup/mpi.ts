import { execFileSync } from "node:child_process";

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
