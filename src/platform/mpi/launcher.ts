import { PlatformError } from "../platform-error.ts";

/** Where MPI programs and their library come from, for errors. */
export const mpiInstallation = "Debian and Ubuntu: apt-get install openmpi-bin";

type Variables = Readonly<Record<string, string | undefined>>;

/** Variables in which launchers tell a process how many of them there are: Open MPI's mpirun, MPICH's, and Slurm's srun. */
const sizeVariables = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"];
/** In which a process that started this job tells its number. */
const starterVariable = "OWL_JOB_STARTER";

/** The variables of a job that this process starts. */
export function startedVariables(): Record<string, string | undefined> {
  return { ...process.env, [starterVariable]: String(process.pid) };
}

/** The process of this machine that started this one's job by `startMpiJob`; undefined where mpirun or srun was called by a person. */
export function jobStarter(variables: Variables = process.env): number | undefined {
  const pid = variables[starterVariable];
  return pid === undefined ? undefined : Number(pid);
}

/** Variables without which a process of srun cannot find the others. */
const wireVariables = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK"];

/**
 * How many processes the launcher of this one started together: 1 where none did.
 *
 * @throws PlatformError where srun started several that cannot find each other
 */
export function launchedProcesses(variables: Variables = process.env): number {
  const found = sizeVariables.find((name) => Number(variables[name]) > 1);
  if (found === undefined) return 1;
  if (wireVariables.every((name) => variables[name] === undefined)) {
    throw new PlatformError(
      `several processes: srun must let them find each other, got ${variables[found]} that cannot; start them by srun --mpi=pmix (srun --mpi=list shows what there is)`,
    );
  }
  return Number(variables[found]);
}
