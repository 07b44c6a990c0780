import { type Command, Option } from "commander";

/** Options that had another name in earlier versions, by command: former name → name. */
const formerNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  train: { "--lanes": "--replicas" },
  merge: { "--float": "--dtype" },
  tokenizer: { "--size": "--vocab-size" },
  "eval run": { "--draw-seed": "--sample-seed" },
  "eval compare": { "--most": "--max-items" },
};

/** The words behind `owl` that name a command. */
function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`;
}

/**
 * Makes a command accept the former names of its options, too: the help does not show them, and giving an option by both
 * names is an error.
 */
export function acceptFormerOptions(command: Command): void {
  const path = pathOf(command);
  for (const [former, name] of Object.entries(formerNames[path] ?? {})) {
    const option = command.options.find(({ long }) => long === name);
    if (option === undefined) throw new Error(`owl ${path}: has no option ${name}`);
    acceptFormerName(command, option, former);
  }
}

function acceptFormerName(command: Command, option: Option, formerFlag: string): void {
  const name = option.attributeName();
  const alias = new Option(option.flags.replace(/^--[\w-]+/, formerFlag)).hideHelp().conflicts(name);
  if (option.argChoices !== undefined) alias.choices(option.argChoices);
  else if (option.parseArg !== undefined) alias.argParser(option.parseArg);
  command.addOption(alias).hook("preAction", () => {
    const values = command.opts();
    const former = alias.attributeName();
    if (!(former in values)) return;
    command.setOptionValue(name, values[former]);
    // Actions hand their options on to functions that refuse unknown ones.
    delete values[former];
  });
}
