import { madeCardMark } from "../model-files/index.ts";
import { checkOptions, joinPath, type OptionRules, option, readText } from "../platform/index.ts";
import { HubError } from "./errors.ts";
import { filesToPush, type PushedFile } from "./push-files.ts";
import type { PushClient } from "./push-requests.ts";
import { currentCommit, filesOf } from "./repo-files.ts";
import { parseRepoName, type RepoName } from "./repo-name.ts";
import type { HubClient } from "./request.ts";
import { type HubOptions, hubRules, hubSettings, hubToken } from "./settings.ts";

/** The model card's name in a repo. */
export const cardFile = "README.md";

export interface PushOptions extends Pick<HubOptions, "endpoint" | "token"> {
  /** A repo that is made is readable by its owners alone; one that is there must be so (default false). */
  readonly private?: boolean | undefined;
  /** Sends nothing and asks nobody (default false). */
  readonly dryRun?: boolean | undefined;
  /** The model card, for a directory and a repo that have none, or a directory that has the one that a training wrote. */
  readonly card?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((bytes: number, totalBytes: number) => void) | undefined;
}

const pushRules: OptionRules<PushOptions> = {
  endpoint: hubRules.endpoint,
  token: hubRules.token,
  private: option.flag,
  dryRun: option.flag,
  card: option.text,
  signal: option.signal,
  onProgress: option.callback,
};

export interface PushReport {
  /** What was sent, or would be. */
  readonly files: readonly PushedFile[];
  /** What of the directory stays here: a training's state, hidden files. */
  readonly leftOut: readonly string[];
  /**
   * The base model's name that an adapter is sent with, by its adapter_config.json, where that names the model by a path of
   * this machine. The file here stays as it is.
   */
  readonly bases: Readonly<Record<string, string>>;
  /** The model card that was made; undefined where the directory or the repo has one of its own. */
  readonly card: string | undefined;
  /** Undefined for a dry run. */
  readonly commit: string | undefined;
  /** The repo's page. */
  readonly address: string;
}

/**
 * Sends a model's directory to a repo of the hub as one commit: a model, an adapter, an exported model; of a finished run, its
 * model. The repo is made where it is not there. A README.md of the directory is sent as it is, unless a training wrote it and `card`
 * is given; one of the repo alone stays. The token goes to the hub, files to the hub and the storage that it names for large ones; nothing goes anywhere else.
 *
 * @param name `org/name`, or `org/name@branch`
 * @throws HubError naming what is wrong and the next step: secrets, a run that is not finished, no token; the signal's reason
 */
export async function push(directory: string, name: string, options: PushOptions = {}): Promise<PushReport> {
  checkOptions("push", options, pushRules);
  const repo = parseRepoName(name);
  if (!repo.repo.includes("/")) {
    throw new HubError(`${name}: must be a repo of yours, org/name, got no owner; write one in front`);
  }
  const hub = hubSettings(options);
  const { texts: changed, ...found } = await filesToPush(directory);
  const hasOwn = found.files.some(({ path }) => path === cardFile) && !(await hasMadeCard(found.directory));
  const card = hasOwn ? undefined : options.card;
  const files = found.files.filter(({ path }) => path !== cardFile || card === undefined);
  const report = { ...found, files, card, commit: undefined, address: `${hub.endpoint}/${repo.repo}` };
  if (options.dryRun) return report;
  if (hub.offline) {
    throw new HubError(`${name}: must be sent over the network, got HF_HUB_OFFLINE; unset it`);
  }
  const client = await clientOf(repo, hub, files, options);
  const { prepareRepo, sendCommit } = await import("./push-requests.ts");
  await prepareRepo(client, options.private ?? false);
  const isKept = card !== undefined && (await hasCard(client));
  const texts = { ...changed, ...(card !== undefined && !isKept && { [cardFile]: card }) };
  const paths = files.map(({ path }) => path).filter((path) => !Object.hasOwn(changed, path));
  const commit = await sendCommit(client, found.directory, paths, texts);
  return { ...report, card: isKept ? undefined : card, commit };
}

async function clientOf(
  name: RepoName,
  hub: PushClient["hub"],
  files: readonly PushedFile[],
  { token: given, signal, onProgress }: PushOptions,
): Promise<PushClient> {
  const token = await hubToken({ token: given });
  if (token === undefined) {
    throw new HubError(
      `${name.repo}: must be sent with a token that may write, got none; set HF_TOKEN (or \`hf auth login\`)`,
    );
  }
  if (!token.token.startsWith("hf_")) {
    throw new HubError(`${token.from}: must be a token of the hub, which begins with hf_, got another text`);
  }
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    onProgress?.(done, totalBytes);
  };
  return { name, hub, token, signal, onBytes };
}

/** Whether the card of a directory was written by a training, and by nobody else since. */
async function hasMadeCard(directory: string): Promise<boolean> {
  return (await readText(joinPath(directory, cardFile))).includes(madeCardMark);
}

/** Whether the branch has a model card, which somebody may have written there. */
async function hasCard({ name, hub, token, signal }: PushClient): Promise<boolean> {
  const client: HubClient = { name, hub, token, signal, onEvent: () => undefined, retryDelay: 1000 };
  const files = await filesOf(client, await currentCommit(client));
  return files.some(({ path }) => path === cardFile);
}
