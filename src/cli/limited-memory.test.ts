import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { builtOwl, builtProgram } from "../../tests/setup/programs.ts";

// `owl train` as it is installed: the loader of TypeScript's sources would need address space of its own.
describe.skipIf(process.platform !== "linux")("owl train under ulimit", { timeout: 240_000 }, () => {
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "owl-limited-"));
    [, program] = await builtOwl();
    const owl = await owlFixture();
    await cp(owl.directory, join(folder, "model"), { recursive: true });
    owl.remove();
    await writeFile(
      join(folder, "rows.jsonl"),
      JSON.stringify({ text: `Human: hi\nAI: ${"hello ".repeat(9)}` }),
    );
    const numbers = "steps: 2\nbatch: 1\nmaxTokens: 64\n";
    const recipe = `extends: stage-2\nmodel: model\noutput: run\ndata: [{ file: rows.jsonl }]\n${numbers}`;
    await writeFile(join(folder, "recipe.yaml"), recipe);
    // Activations of some 300 MB.
    await writeFile(join(folder, "large.yaml"), recipe.replace("batch: 1", "batch: 256\nmicroBatch: 256"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What it says, and how it ends, with or without V8's reservations for WebAssembly. */
  async function train(
    limit: string,
    options: string,
    recipe = "recipe.yaml",
  ): Promise<{ code: unknown; err: string }> {
    const words = `"${process.execPath}" ${options} "${program}" train ${recipe} --output ${recipe}.run --threads 1`;
    const shell = `ulimit -c 0; ulimit ${limit}; exec ${words}`;
    try {
      const { stderr } = await promisify(execFile)("bash", ["-c", shell], { cwd: folder });
      return { code: 0, err: stderr };
    } catch (error) {
      const { code, signal, stderr } = error as { [key: string]: string };
      return { code: signal ?? code, err: stderr };
    }
  }

  const noTraps = "--disable-wasm-trap-handler";
  const need = "^owl: recipe.yaml: the run needs about [\\d,]+ MiB of";

  it.each([
    [
      "-v 1900000",
      "",
      "^owl: address space: must be at least 2,048 MiB, .*got 1,855 MiB \\(ulimit -v\\); raise it",
    ],
    ["-v 3000000", "", `${need} address space.*\\(ulimit -v\\)\\. Raise it.*spares 10,240 MiB`],
    ["-v 12000000", "", `${need} address space.*\\(ulimit -v\\)\\. Raise it.*spares 10,240 MiB`],
    ["-v 2200000", noTraps, `${need} address space.*\\(ulimit -v\\)\\. Raise it`],
    ["-d 180000", "", `${need} data.*got 176 MiB \\(ulimit -d\\)\\. Lower`],
  ])("%s ends in words %s", async (limit, options, words) => {
    const { code, err } = await train(limit, options);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(new RegExp(words)) });
  });

  it("ends in words where an allocation fails in the middle", async () => {
    const { code, err } = await train("-d 300000", "", "large.yaml");
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(
        /^owl: large\.yaml: memory must suffice, got "[^"]*alloc[^"]*"; the run needs about \d+ MiB \(.*293 MiB \(ulimit -d\)\. Lower/s,
      ),
    });
  });

  it("trains where there is room", async () => {
    expect(await train("-v 16000000", noTraps)).toMatchObject({ code: 0 });
  });
});

it.skipIf(process.platform !== "linux")(
  "says in words that WebAssembly found no address space, wherever it was wanted",
  async () => {
    const uncaught = JSON.stringify(await builtProgram("src/cli/uncaught.ts"));
    const wants = `import { endWith } from ${uncaught}; process.on("uncaughtException", endWith); new WebAssembly.Memory({ initial: 1 });`;
    const shell = `ulimit -v 2000000; exec "${process.execPath}" --input-type=module -e '${wants}'`;
    await expect(promisify(execFile)("bash", ["-c", shell])).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^owl: address space: must have room for WebAssembly.*--disable-wasm-trap-handler\n$/,
      ),
    });
  },
);
