import { type Command, Option } from "commander";
import { asksForSampling, type GenerationSettings, settingsRows } from "../generation/index.ts";
import { countOption, numberOption } from "./options.ts";

/** The settings of generation that the command line offers, each with its option. */
const offered = settingsRows.flatMap(([name, { cli, help }]) => {
  if (cli === null) return [];
  const parser = cli.endsWith("<count>") ? countOption : numberOption;
  return [{ name, option: new Option(cli, help).argParser(parser) }];
});

/** Adds the options of every command that asks a model. */
export function addGenerationOptions(command: Command): Command {
  for (const { option } of offered) command.addOption(option);
  return command;
}

/**
 * The settings that were given; one that only sampling reads (a temperature, top_p) switches sampling on.
 *
 * @param options as commander parsed them
 */
export function generationSettings(options: object): Partial<GenerationSettings> {
  const values = new Map<string, unknown>(Object.entries(options));
  const settings: Partial<GenerationSettings> = Object.fromEntries(
    offered.flatMap(({ name, option }) => {
      const value = values.get(option.attributeName());
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return asksForSampling(settings) ? { ...settings, doSample: true } : settings;
}
