import { fileURLToPath } from "node:url";
import { ownLine } from "./child.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";
import { missingTorch, torchLine } from "./torch.ts";
import type { StepTime } from "./train.ts";

/** Median milliseconds of a training step. */
export interface StepTimes {
  readonly config: string;
  readonly stage: number;
  readonly ours: number;
  readonly tuned: number;
  readonly torch: number | undefined;
}

const main = fileURLToPath(new URL("main.ts", import.meta.url));

/** Our training step by default and with threads that wait by looping, beside PyTorch's, alternating so that all meet the same machine. */
export function stepTimes(
  config: string,
  stage: number,
  rounds: number,
  torchOptions: readonly string[] = [],
): StepTimes {
  const ours = (how: string): number =>
    ownLine<StepTime>(main, ["train", config, String(stage), how]).step_ms;
  const times: Record<"ours" | "tuned" | "torch", number[]> = { ours: [], tuned: [], torch: [] };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(ours("default"));
    times.tuned.push(ours("tuned"));
    if (missingTorch() === undefined) {
      const words = ["bench", "--config", config, "--stage", String(stage), ...torchOptions];
      times.torch.push(torchLine<StepTime>(...words).step_ms);
    }
  }
  return {
    config,
    stage,
    ours: median(times.ours),
    tuned: median(times.tuned),
    torch: times.torch.length > 0 ? median(times.torch) : undefined,
  };
}

/** `tsx bench/against-peers.ts [rounds] [--compile]`; one JSON line for each configuration and stage. */
function againstPeers(words: readonly string[]): void {
  const [rounds = "3"] = words.filter((word) => !word.startsWith("--"));
  const missing = missingTorch();
  if (missing) throw new Error(`against-peers: must have a peer. ${missing}`);
  for (const config of ["nano", "small"]) {
    for (const stage of [0, 1, 2]) {
      const options = words.includes("--compile") ? ["--compile"] : [];
      const times = stepTimes(config, stage, Number(rounds), options);
      printLine({ ...times, ratio: times.torch && times.tuned / times.torch });
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) againstPeers(process.argv.slice(2));
