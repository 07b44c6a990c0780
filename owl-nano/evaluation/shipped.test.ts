import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { answererOfDirectory } from "./answering.ts";
import { measureSample, readRecorded } from "./recorded.ts";

const SHIPPED = fileURLToPath(new URL("../../models/owl-nano", import.meta.url));

test("the shipped owl has at most 16 MB", () => {
  const sizes = readdirSync(SHIPPED).map((file) => statSync(join(SHIPPED, file)).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(16e6);
});

test("the shipped owl can no less in any ability than was recorded, by more than chance", async () => {
  const recorded = readRecorded();
  const owl = await answererOfDirectory(SHIPPED);
  const now = await measureSample(SHIPPED, owl.answer);
  await owl.close();
  expect(now.model, "recorded.json is of other weights; `npm run owl-nano -- --record` records these").toBe(
    recorded.model,
  );
  expect(now.rows).toBeGreaterThanOrEqual(300);
  expect(Object.keys(now.abilities)).toEqual(Object.keys(recorded.abilities));
  const fallen = Object.entries(now.abilities)
    .filter(([ability, { right, of }]) => right / of < recorded.abilities[ability].least)
    .map(
      ([ability, { right, of }]) =>
        `${ability}: ${right} of ${of}, recorded ${recorded.abilities[ability].right}`,
    );
  expect(fallen).toEqual([]);
}, 180_000);
