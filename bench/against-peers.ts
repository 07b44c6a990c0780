import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { median } from "./statistics.ts";
import type { StepTime } from "./train.ts";

/**
 * Our training step beside PyTorch's, alternating in one run so that both meet the same machine.
 * `tsx bench/against-peers.ts [rounds] [--compile]`; one JSON line for each configuration and stage.
 */
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const python = path("../.peers/bin/python");
const peer = path("../../shared/peers/owl_torch.py");
const [rounds = "3"] = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const compile = process.argv.includes("--compile") ? ["--compile"] : [];

for (const needed of [python, peer]) {
  if (!existsSync(needed)) {
    console.error(`against-peers: needs ${needed}; make a virtual environment .peers with torch in it`);
    process.exit(1);
  }
}

function lastLine(command: string, argumentsOf: readonly string[]): StepTime {
  const output = execFileSync(command, argumentsOf, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return JSON.parse(output.trim().split("\n").at(-1)!);
}

for (const config of ["nano", "small"]) {
  for (const stage of ["0", "1", "2"]) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < Number(rounds); round++) {
      const bench = ["--import", "tsx", path("main.ts"), "train", config, stage];
      ours.push(lastLine(process.execPath, bench).step_ms);
      const torch = [peer, "bench", "--config", config, "--stage", stage, ...compile];
      theirs.push(lastLine(python, torch).step_ms);
    }
    const [our_ms, torch_ms] = [median(ours), median(theirs)];
    const line = { config, stage: Number(stage), our_ms, torch_ms, ratio: our_ms / torch_ms };
    console.log(
      JSON.stringify(line, (_, value) =>
        typeof value === "number" ? Math.round(value * 1000) / 1000 : value,
      ),
    );
  }
}
