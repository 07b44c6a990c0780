import { Command, Option } from "commander";
import { expect, test } from "vitest";
import { acceptFormerOptions } from "./former-options.ts";
import { countOption } from "./options.ts";
import { newProgram } from "./program.ts";

/** The options that `owl train` gets from words. */
async function trained(...words: string[]): Promise<object> {
  let got: object = {};
  const program = await newProgram(["train"]);
  const train = program.commands.find((command) => command.name() === "train") as Command;
  train.exitOverride().configureOutput({ writeErr: () => undefined });
  train.action((_recipe: string, options: object) => {
    got = options;
  });
  await program.parseAsync(["train", "recipe.yaml", ...words], { from: "user" });
  return got;
}

test("a former name sets the option, and both together are an error", async () => {
  expect(await trained("--replicas", "2")).toMatchObject({ replicas: 2 });
  expect(await trained("--lanes", "2")).toStrictEqual(await trained("--replicas", "2"));
  await expect(trained("--lanes", "2", "--replicas", "2")).rejects.toThrow("cannot be used with");
  await expect(trained("--lanes", "0")).rejects.toThrow("whole number from 1 on");
});

test("the help shows none of them", async () => {
  const { commands } = await newProgram(["train"]);
  const help = commands.map((command) => command.helpInformation()).join("\n");
  expect(help).toContain("--replicas");
  expect(help).not.toContain("--lanes");
});

test("a former name of an option that is not there is told", () => {
  const train = new Command()
    .command("train")
    .addOption(new Option("--threads <count>").argParser(countOption));
  expect(() => acceptFormerOptions(train)).toThrow("owl train: has no option --replicas");
});
