import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Device, openDevice } from "../runtime/index.ts";
import { rootScope } from "../tensor/index.ts";
import { languageObjective, type Objective } from "./objective.ts";
import { createStepPrograms } from "./step-programs.ts";
import { config, readerOf, recipe } from "./testing/small-run.ts";
import { createTrainer } from "./trainer.ts";

describe("a step that does not compile", () => {
  let device: Device;
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  beforeAll(async () => {
    device = await openDevice({ threads: 1 });
    process.on("unhandledRejection", note);
  });
  afterAll(() => void process.off("unhandledRejection", note));

  const settled = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(unhandled).toEqual([]);
  };

  it("fails where it was asked for, and not again when the trainer is given up", async () => {
    const real = languageObjective(config, recipe);
    // A graph that asks for a parameter which the trainer has no value for.
    const objective: typeof real = {
      ...real,
      trace: (sizes, purpose) => {
        const stray = rootScope().parameter("stray", real.trace(sizes, purpose).shape, {
          kind: "constant",
          value: 0,
        });
        return stray;
      },
    };
    const trainer = await createTrainer({ device, objective, recipe });
    const { batches } = await readerOf()(0);
    await expect(trainer.update(batches)).rejects.toThrow("the model has no value for stray");
    trainer.dispose();
    await settled();
  });

  it("nor when its place is given to a later one", async () => {
    const broken: Objective<number> = {
      parameters: [],
      batchSize: () => 1,
      trace: (size) => {
        throw new RangeError(`no graph for ${size}`);
      },
    };
    const programs = createStepPrograms({ device, objective: broken, values: new Map(), trained: [] });
    for (let size = 0; size < 30; size++) {
      const batch = { sizes: size, feeds: {}, labelCount: 1, tokenCount: 1, rowsWithoutLabels: [] };
      await expect(programs.evaluate(batch, 1)).rejects.toThrow(`no graph for ${size}`);
    }
    programs.dispose();
    await settled();
  });
});
