import { measureStep } from "./train.ts";

const [what = "train", ...rest] = process.argv.slice(2);
if (what !== "train") {
  console.error(`bench: knows "train", got "${what}"`);
  process.exit(2);
}
const [onlyConfig, onlyStage] = rest;
for (const config of ["nano", "small"] as const) {
  for (const stage of [0, 1, 2]) {
    if (onlyConfig !== undefined && onlyConfig !== config) continue;
    if (onlyStage !== undefined && Number(onlyStage) !== stage) continue;
    console.log(JSON.stringify(await measureStep(config, stage)));
  }
}
