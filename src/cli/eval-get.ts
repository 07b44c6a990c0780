import { Argument, type Command } from "commander";
import { getOwlEval, publishedAddress } from "../evaluation/index.ts";
import { InterruptedError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { formatBytes, showTransferProgress, type TransferView } from "./transfer-progress.ts";

async function get(_name: string, { out, from }: { out: string; from: string }): Promise<void> {
  let view: TransferView | undefined;
  const fetched = await interruptible(async (signal) => {
    try {
      return await getOwlEval(out, {
        address: from,
        signal,
        onProgress: (bytes, allBytes, path) => {
          view ??= showTransferProgress(allBytes, bytes);
          view.update(bytes, path);
        },
      });
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new InterruptedError("interrupted; whole files are kept, the same command goes on");
    } finally {
      view?.end();
    }
  });
  const came = fetched === 0 ? "everything was there already" : `${formatBytes(fetched)} fetched`;
  process.stderr.write(`${came}; every file has the checksum of the published one. It lies in\n`);
  process.stdout.write(`${out}\n`);
}

export function define(command: Command): void {
  command
    .addArgument(new Argument("<what>", "the data set").choices(["owleval"]))
    .requiredOption("--out <directory>", "output directory")
    .option("--from <url>", "another URL of the same files", publishedAddress)
    .addHelpText(
      "after",
      `
Example:
  owl eval get owleval --out owleval

The files come from the repository that published them and are checked against checksums kept here. The same
command resumes an interrupted download. Pictures and texts are their authors'.`,
    )
    .action(get);
}
