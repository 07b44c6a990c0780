import { defineConfig } from "vitest/config";

/** Tests that leave nothing behind in their process: their files share its modules, which is a second of importing less for each. */
const sharing = [
  "src/{assembly,autodiff,checkpoint,constraint,data,evaluation,generation,gguf,image,inference,inspection}/**/*.test.ts",
  "src/{jinja,model,owl,primitives,prompt,quantization,server,tensor,tokenizer,watch}/**/*.test.ts",
  "src/training/**/!(*memory*|several-processes).test.ts",
  "tests/golden/**/*.test.ts",
  "web/**/*.test.ts",
  "owl-nano/{evaluation,pictures,scenes,texts,training}/**/*.test.ts",
];

export default defineConfig({
  test: {
    reporters: ["default", "./tests/setup/skipped-reporter.ts"],
    pool: "forks",
    // One more than the two processors of a small machine: a third of the time a test waits for a page, another process or a disk.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // As long as a test waits for what it does not poll.
    expect: { poll: { timeout: 40_000 } },
    projects: [
      { extends: true, test: { name: "shared", include: sharing, isolate: false } },
      {
        extends: true,
        test: { name: "apart", include: ["{src,web,owl-nano,tests}/**/*.test.ts"], exclude: sharing },
      },
    ],
  },
});
