import { afterEach, expect, it, vi } from "vitest";
import { launchedProcesses } from "./launcher.ts";
import { openMessagePassing } from "./message-passing.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

it("MPI is loaded by those alone whom a launcher started", async () => {
  vi.stubEnv("OWL_MPI_LIBRARY", "/nowhere/libmpi.so");
  expect(await openMessagePassing()).toBeUndefined();
  vi.stubEnv("OMPI_COMM_WORLD_SIZE", "1");
  expect(await openMessagePassing()).toBeUndefined();
  vi.stubEnv("OMPI_COMM_WORLD_SIZE", "2");
  await expect(openMessagePassing()).rejects.toThrow(
    /must find MPI's library, got none \(.*nowhere.*\); Debian and Ubuntu: apt-get install openmpi-bin, or name its file in OWL_MPI_LIBRARY/,
  );
});

it("launchers say how many processes there are", () => {
  expect(launchedProcesses({})).toBe(1);
  expect(launchedProcesses({ PMI_SIZE: "3", PMI_RANK: "0" })).toBe(3);
  expect(launchedProcesses({ SLURM_STEP_NUM_TASKS: "4", PMIX_RANK: "0" })).toBe(4);
  expect(() => launchedProcesses({ SLURM_STEP_NUM_TASKS: "4" })).toThrow(/srun --mpi=pmix/);
});
