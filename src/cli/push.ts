import { type Command, Option } from "commander";
import { type PushReport, push, readRepoName } from "../hub/index.ts";
import { modelCard } from "../recipes/index.ts";
import { InterruptedError, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { formatBytes, showTransferProgress, type TransferView } from "./transfer-progress.ts";

interface PushCommandOptions {
  readonly private?: boolean;
  readonly revision?: string;
  readonly license?: string;
  readonly dryRun?: boolean;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function run(directory: string, name: string, options: PushCommandOptions): Promise<void> {
  const { revision, license, dryRun = false } = options;
  const repo = revision === undefined ? name : `${name}@${revision}`;
  if (readRepoName(repo) === undefined || (revision !== undefined && name.includes("@"))) {
    throw new UsageError(`push: a repo of the hub, org/name, and a branch, got ${repo}`);
  }
  const asked = { dryRun, private: options.private };
  const { files, card: made } = await push(directory, repo, { ...asked, dryRun: true, card: "made" });
  if (made === undefined && license !== undefined) {
    throw new UsageError(
      `--license: is for a card that is made, got ${directory} with a README.md of its own; write \`license: ${license}\` into it, between two lines of --- at its top`,
    );
  }
  const card = made === undefined ? undefined : await modelCard(directory, name.split("@")[0], { license });
  if (dryRun) {
    const report = await push(directory, repo, { ...asked, card });
    printPlan(report);
    print(`nothing was sent; without --dry-run it goes to ${report.address}`);
    return;
  }
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const report = await interruptible(async (signal) => {
    const view: TransferView = showTransferProgress(totalBytes, 0);
    const onProgress = (bytes: number): void => view.update(bytes, name);
    try {
      return await push(directory, repo, { ...asked, card, signal, onProgress }).finally(() => view.end());
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new InterruptedError("interrupted; no commit was made, and large files that came are kept there");
    }
  });
  printPlan(report);
  print(`commit ${report.commit}; \`owl pull ${repo}\` fetches it`);
  print(report.address);
}

function printPlan({ files, leftOut, bases, card }: PushReport): void {
  for (const { path, bytes } of files) print(`${formatBytes(bytes).padStart(10)}  ${path}`);
  for (const path of leftOut) print(`${"stays".padStart(10)}  ${path}`);
  for (const [path, base] of Object.entries(bases))
    print(`${path} names its base model ${base} there, in place of a path of this machine`);
  if (card !== undefined) print(`\nREADME.md, made from what is recorded here:\n\n${card}`);
}

export function define(command: Command): void {
  command
    .argument("<directory>", "a model, an adapter, an exported model, or a finished run, whose model is sent")
    .argument("<repo>", "org/name of the hub; it is made where it is not there")
    .option("--private", "for a repo that nobody else may read")
    .option("--revision <branch>", "the branch to write to, made where it is not there (default: main)")
    .addOption(
      new Option("--license <name>", "for the model card: the hub's name of a licence, such as apache-2.0"),
    )
    .option("--dry-run", "show the files, their sizes and the model card; send nothing")
    .addHelpText(
      "after",
      `
A README.md that you wrote is sent as it is, and one of the repo stays; else a card is made of recipe, data, figures and
licences. A training's state and hidden files stay here; a directory with keys in it is refused.
HF_TOKEN, or the login of "hf auth login", must be a token that may write; HF_ENDPOINT names another hub.

Examples:
  owl push runs/mine org/mine --dry-run
  owl push runs/mine org/mine --private --license apache-2.0`,
    )
    .action(run);
}
