import { prepareRun } from "../index.ts";
import { type KillMoments, watchMoments } from "./kill-moments.ts";

/** A training that may be killed. */
export interface DoomedRun extends KillMoments {
  readonly recipe: string;
}

// As a program, also of several ranks: trains by a recipe into a directory, going on where there is a state, and says when a step
// is done.
const { recipe, ...moments } = JSON.parse(process.argv[2]) as DoomedRun;
watchMoments(moments);
const run = await prepareRun(recipe, { output: moments.directory });
const { complete } = await run.start({
  resume: true,
  device: { threads: 1 },
  onEvent: ({ kind }) => kind === "step" && process.stdout.write("."),
});
await run.communicator.close();
process.exit(complete ? 0 : 1);
