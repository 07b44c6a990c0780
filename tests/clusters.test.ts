import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Ajv2020 from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";

const document = readFileSync(fileURLToPath(new URL("../docs/clusters.md", import.meta.url)), "utf8");
const blockOf = (language: string): string => {
  const [, block] = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "m").exec(document) ?? [];
  return block;
};

/** Whether bash can read a script. */
function bashErrors(script: string): string {
  return spawnSync("bash", ["-n"], { input: script, encoding: "utf8" }).stderr;
}

/** Options of sbatch (slurm.schedmd.com/sbatch.html), as far as they are used, and what their values look like. */
const sbatchOptions: Readonly<Record<string, RegExp>> = {
  "job-name": /^\w+$/,
  nodes: /^\d+$/,
  "ntasks-per-node": /^\d+$/,
  "cpus-per-task": /^\d+$/,
  time: /^\d+:\d\d:\d\d$/,
  // A signal and how many seconds before the end; without "B:" the steps get it, and not the script.
  signal: /^(USR1|USR2|TERM|INT)@\d+$/,
  output: /^[\w.%-]+$/,
};

test("the batch file is a script with options of sbatch", () => {
  const script = blockOf("bash");
  expect(bashErrors(script)).toBe("");
  expect(script.startsWith("#!/bin/bash\n#SBATCH ")).toBe(true);
  const options = [...script.matchAll(/^#SBATCH (.*)$/gm)].map(([, option]) => option);
  expect(options.length).toBeGreaterThan(4);
  for (const option of options) {
    const [, name, value] = /^--([\w-]+)=(\S+)$/.exec(option) ?? [];
    expect(sbatchOptions[name]?.test(value), option).toBe(true);
  }
  expect(script).toMatch(
    /^srun --mpi=pmix --kill-on-bad-exit=1 .* node_modules\/\.bin\/owl train \S+ --resume$/m,
  );
});

const text = { type: "string", minLength: 1 };
const count = { type: "integer", minimum: 1 };
const object = (required: string[], properties: object): object => ({
  type: "object",
  additionalProperties: false,
  required,
  properties,
});
const list = (items: object): object => ({ type: "array", minItems: 1, items });

const container = object(["name", "image", "command"], {
  name: { type: "string", pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" },
  image: text,
  workingDir: text,
  command: list(text),
  args: list(text),
  resources: object([], {
    limits: object([], { cpu: text, memory: { type: "string", pattern: "^\\d+[GM]i$" } }),
  }),
  volumeMounts: list(object(["name", "mountPath"], { name: text, mountPath: text })),
});
const pod = object(["spec"], {
  spec: object(["containers"], {
    terminationGracePeriodSeconds: count,
    containers: list(container),
    volumes: list(
      object(["name", "persistentVolumeClaim"], {
        name: text,
        persistentVolumeClaim: object(["claimName"], { claimName: text }),
      }),
    ),
  }),
});
const replicas = object(["replicas", "template"], {
  replicas: count,
  restartPolicy: { enum: ["Always", "OnFailure", "Never", "ExitCode"] },
  template: pod,
});
/** The fields of kubeflow.org/v2beta1's MPIJob and of Kubernetes' pods that are used; no others may be there. */
const mpiJob = object(["apiVersion", "kind", "metadata", "spec"], {
  apiVersion: { const: "kubeflow.org/v2beta1" },
  kind: { const: "MPIJob" },
  metadata: object(["name"], { name: text }),
  spec: object(["mpiReplicaSpecs"], {
    slotsPerWorker: count,
    mpiImplementation: { enum: ["OpenMPI", "Intel", "MPICH"] },
    runPolicy: object([], {
      cleanPodPolicy: { enum: ["None", "Running", "All"] },
      backoffLimit: { type: "integer", minimum: 0 },
    }),
    mpiReplicaSpecs: object(["Launcher", "Worker"], { Launcher: replicas, Worker: replicas }),
  }),
});

test("the MPIJob fits the operator's schema, mounts what it names, and its launcher starts a process in every worker", () => {
  const job: unknown = parse(blockOf("yaml"));
  const fits = new Ajv2020.default({ allErrors: true }).compile(mpiJob);
  expect([fits(job), fits.errors]).toEqual([true, null]);
  const { Launcher, Worker } = (job as MpiJob).spec.mpiReplicaSpecs;
  for (const { template } of [Launcher, Worker]) {
    const names = template.spec.volumes.map(({ name }) => name);
    for (const { volumeMounts } of template.spec.containers)
      expect(names).toEqual(volumeMounts.map(({ name }) => name));
  }
  const [script] = Launcher.template.spec.containers[0].args!;
  expect(bashErrors(script)).toBe("");
  expect(script).toContain(` -n ${Worker.replicas} `);
  // npx dies of the signal that asks for a checkpoint.
  expect(document).not.toContain("npx owl train");
});

interface Replicas {
  readonly replicas: number;
  readonly template: {
    readonly spec: {
      readonly containers: readonly {
        readonly args?: readonly string[];
        readonly volumeMounts: readonly { readonly name: string }[];
      }[];
      readonly volumes: readonly { readonly name: string }[];
    };
  };
}
interface MpiJob {
  readonly spec: { readonly mpiReplicaSpecs: { readonly Launcher: Replicas; readonly Worker: Replicas } };
}
