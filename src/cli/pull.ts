import type { Command } from "commander";
import {
  type PullEvent,
  type PulledRepo,
  type PullOptions,
  pull,
  readRepoFile,
  readRepoName,
} from "../hub/index.ts";
import { InterruptedError, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { formatBytes, showTransferProgress, type TransferView } from "./transfer-progress.ts";

interface PullCommandOptions {
  readonly all?: boolean;
  readonly update?: boolean;
  readonly offline?: boolean;
}

const log = (text: string): void => void process.stderr.write(`${text}\n`);

/** Prints what happens; a progress bar starts when the number of bytes is known. */
class PullProgress {
  #view: TransferView | undefined;

  readonly onEvent = (event: PullEvent): void => {
    if (event.kind === "start") this.#begin(event);
    else if (event.kind === "progress") this.#view?.update(event.bytes, event.file);
    else if (event.kind === "retry") this.#log(`got ${event.reason}; trying again in ${event.seconds} s`);
    else this.#log(`another process is fetching ${event.file}; waiting for it`);
  };

  readonly end = (): void => this.#view?.end();

  #begin({ commit, files, totalBytes, bytes }: Extract<PullEvent, { kind: "start" }>): void {
    const here = bytes > 0 ? `, ${formatBytes(bytes)} of it here already` : "";
    log(`commit ${commit}: ${files} files, ${formatBytes(totalBytes)}${here}`);
    if (bytes < totalBytes) this.#view = showTransferProgress(totalBytes, bytes);
  }

  readonly #log = (text: string): void => (this.#view?.log ?? log)(text);
}

async function pullRepo(name: string, options: PullCommandOptions): Promise<void> {
  if (readRepoName(name) === undefined && readRepoFile(name) === undefined) {
    throw new UsageError(
      `pull: a repo of the hub, org/name or org/name@revision, or a GGUF file of one, org/name/FILE.gguf, got ${name}`,
    );
  }
  const { directory, fetchedBytes } = await pullInterruptibly(name, options);
  const newest = options.update ? "" : " (--update asks for a newer commit)";
  if (fetchedBytes === 0) log(`everything is in the cache already${newest}`);
  log(`\`owl chat ${name}\` asks it; it lies in`);
  process.stdout.write(`${directory}\n`);
}

function pullInterruptibly(name: string, options: PullOptions): Promise<PulledRepo> {
  return interruptible(async (signal) => {
    const progress = new PullProgress();
    try {
      return await pull(name, { ...options, signal, onEvent: progress.onEvent }).finally(progress.end);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new InterruptedError(
        `interrupted; what has come is kept, and \`owl pull ${name}\` goes on from there`,
      );
    }
  });
}

export function define(command: Command): void {
  command
    .argument("<repo>", "org/name, org/name@revision (a branch, a tag or a commit), or org/name/FILE.gguf")
    .option("--all", "every file of the repo, not only those that a model needs")
    .option("--update", "ask for the newest commit even if the cache has one")
    .option("--offline", "never use the network (as HF_HUB_OFFLINE=1)")
    .addHelpText(
      "after",
      `
Examples:
  owl pull MAGAer13/mplug-owl-llama-7b
  owl chat MAGAer13/mplug-owl-llama-7b --image cat.jpg
  owl inspect "$(owl pull org/name@v1.0)"      prints the directory of the model
  owl pull org/name-GGUF/name-q4_k_m.gguf      a language model in one file; owl chat takes the same name

Models are stored in the Hugging Face cache (HF_HUB_CACHE, or hub/ below HF_HOME), which other programs share.
Checksums are verified; an interrupted download resumes; a model in the cache needs no network.
HF_TOKEN, or the login of "hf auth login", opens private and gated repos; HF_ENDPOINT names another hub.`,
    )
    .action(pullRepo);
}
