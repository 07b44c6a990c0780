import { fileURLToPath } from "node:url";
import { ownLine } from "./child.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";
import { missingTorch, torchLine } from "./torch.ts";
import { type StepShape, type StepTime, usualShape } from "./train.ts";

/** Median milliseconds of a training step. */
export interface StepTimes {
  readonly config: string;
  readonly stage: number;
  readonly ours: number;
  readonly tuned: number;
  readonly torch: number | undefined;
  /** PyTorch's once more, compiled; undefined if that was not asked for. */
  readonly compiled: number | undefined;
}

const main = fileURLToPath(new URL("main.ts", import.meta.url));

/**
 * Our training step by default and with threads that wait by looping, beside PyTorch's, alternating so that all meet the same machine.
 *
 * @param withCompiled beside that of `torch.compile`, too, which takes a minute more a round
 */
export function stepTimes(
  config: string,
  stage: number,
  rounds: number,
  { withCompiled = false, shape = usualShape }: { withCompiled?: boolean; shape?: StepShape } = {},
): StepTimes {
  const [rows, tokens] = [shape.rows, shape.tokens].map(String);
  const ours = (how: string): number =>
    ownLine<StepTime>(main, ["train", config, String(stage), how, rows, tokens]).step_ms;
  const what = ["--config", config, "--stage", String(stage), "--batch", rows, "--tokens", tokens];
  const theirs = (...options: readonly string[]): number =>
    torchLine<StepTime>("bench", ...what, ...options).step_ms;
  const hasTorch = missingTorch() === undefined;
  const times: Record<"ours" | "tuned" | "torch" | "compiled", number[]> = {
    ours: [],
    tuned: [],
    torch: [],
    compiled: [],
  };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(ours("default"));
    times.tuned.push(ours("tuned"));
    if (hasTorch) times.torch.push(theirs());
    if (hasTorch && withCompiled) times.compiled.push(theirs("--compile"));
  }
  const found = (all: readonly number[]): number | undefined => (all.length > 0 ? median(all) : undefined);
  return {
    config,
    stage,
    ours: median(times.ours),
    tuned: median(times.tuned),
    torch: found(times.torch),
    compiled: found(times.compiled),
  };
}

/** `tsx bench/against-peers.ts [rounds] [--compile]`; one JSON line for each configuration and stage. */
function againstPeers(words: readonly string[]): void {
  const [rounds = "3"] = words.filter((word) => !word.startsWith("--"));
  const missing = missingTorch();
  if (missing) throw new Error(`against-peers: must have a peer. ${missing}`);
  for (const config of ["nano", "small"]) {
    for (const stage of [0, 1, 2]) {
      const times = stepTimes(config, stage, Number(rounds), { withCompiled: words.includes("--compile") });
      printLine({ ...times, ratio: times.torch && times.tuned / times.torch });
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) againstPeers(process.argv.slice(2));
