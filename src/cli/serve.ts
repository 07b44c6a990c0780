import { once } from "node:events";
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { shippedModel } from "../hub/index.ts";
import { modelFiles } from "../model-files/index.ts";
import {
  fetchRemoteFile,
  type HttpServer,
  joinPath,
  listenHttp,
  localPath,
  pathKind,
} from "../platform/index.ts";
import {
  createServer,
  defaultLimits,
  type OwlServer,
  type RemoteFetch,
  refuseMalformed,
  type ServedModel,
  type ServerEvent,
} from "../server/index.ts";
import { builtPage } from "./built-page.ts";
import { UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { listeningError, loopback, requireListening } from "./listening.ts";
import { loadOwl } from "./load-owl.ts";
import { requireModel } from "./options.ts";
import { addServeOptions, engineSettings, limitSettings, type ServeOptions } from "./serve-options.ts";

/** How long slow readers of finished replies keep their connections when the server shuts down. */
const secondsToRead = 5;

/** `NAME=MODEL` or `MODEL`, whose name is then the repo's or the directory's. */
async function modelOf(word: string): Promise<readonly [name: string, directory: string]> {
  const [, name, model] = /^([\w.-]+)=(.+)$/.exec(word) ?? [undefined, undefined, word];
  const directory = await requireModel(model, "without MODEL the shipped owl is served");
  const path = localPath(model);
  const isRepo = (await pathKind(path)) === "missing";
  return [name ?? (isRepo ? model : basename(resolve(path))), directory];
}

type NamedModel = Awaited<ReturnType<typeof modelOf>>;

async function nameModels(words: readonly string[]): Promise<readonly NamedModel[]> {
  const named = await Promise.all((words.length === 0 ? [shippedModel] : words).map(modelOf));
  const duplicate = named.map(([name]) => name).find((name, i, names) => names.indexOf(name) < i);
  if (duplicate === undefined) return named;
  throw new UsageError(
    `serve: every model must have a name of its own, got ${duplicate} twice; write NAME=MODEL`,
  );
}

async function loadModels(
  named: readonly NamedModel[],
  options: ServeOptions,
): Promise<Record<string, ServedModel>> {
  const models: Record<string, ServedModel> = {};
  for (const [name, directory] of named) {
    const owl = await loadOwl(directory, options);
    models[name] = { owl, directory: await browserDirectory(directory, options) };
  }
  return models;
}

/**
 * The directory from which a browser can run the model that answers here; undefined where there is none: browsers take no GGUF files and no
 * checkpoints of runs, and without its adapter another model would answer there.
 */
async function browserDirectory(directory: string, { adapter }: ServeOptions): Promise<string | undefined> {
  if (adapter !== undefined) return undefined;
  return (await pathKind(joinPath(directory, modelFiles.config))) === "file" ? directory : undefined;
}

/** The key that requests must carry. @throws UsageError for an empty one, and for none where other machines reach the server */
function apiKeyOf({ apiKey, host }: ServeOptions): string | undefined {
  if (apiKey === false) return undefined;
  const key = apiKey ?? process.env.OWL_API_KEY;
  if (key === "") throw new UsageError("serve: the API key must not be empty");
  if (key === undefined && !isLoopback(host)) {
    throw new UsageError(
      `serve: other machines reach ${host}, so an API key must guard it, got none; give --api-key (or OWL_API_KEY), or --no-api-key to answer everybody`,
    );
  }
  return key;
}

function isLoopback(host: string): boolean {
  return loopback.includes(host) || host === "::1" || /^127\./.test(host);
}

/**
 * The values of the Host header that are answered: this machine's own names and the allowed ones. Undefined, which allows
 * any, where other machines reach the server by names that it cannot know and no names are given.
 */
function hostsOf({ host, allowHost }: ServeOptions): string[] | undefined {
  if (!isLoopback(host) && allowHost.length === 0) return undefined;
  return [...new Set([...loopback, host, ...allowHost])];
}

async function pageOf({ web }: ServeOptions): Promise<string | undefined> {
  if (web === false) return undefined;
  if (typeof web === "string") {
    if ((await pathKind(web)) === "directory") return web;
    throw new UsageError(`serve: --web must be the directory of a built page, got ${web}`);
  }
  return (await pathKind(builtPage)) === "directory" ? builtPage : undefined;
}

/** Fetches pictures from the allowed hosts; undefined where none is allowed. */
function remoteFrom(hosts: readonly string[]): RemoteFetch | undefined {
  if (hosts.length === 0) return undefined;
  return (url, { maxBytes, signal }) => fetchRemoteFile(url, { hosts, maxBytes, signal });
}

/** Writes errors, and requests where `verbose`, on standard error. */
function logEvent(verbose: boolean): (event: ServerEvent) => void {
  return (event) => {
    if (event.kind === "error") {
      const { error, id } = event;
      const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`owl: error ${id}: ${details}\n`);
    } else if (verbose) {
      const { method, path, status, seconds } = event;
      process.stderr.write(`${method} ${JSON.stringify(path)} ${status} ${seconds.toFixed(3)} s\n`);
    }
  };
}

/** Listens on the host and port of the options. */
async function listen(server: OwlServer, options: ServeOptions, seconds: number): Promise<HttpServer> {
  const { host, port } = options;
  const silentSeconds = seconds + 60;
  return listenHttp(server.fetch.bind(server), { host, port, silentSeconds, refuse: refuseMalformed }).catch(
    (error: unknown) => {
      throw listeningError(error, host, port);
    },
  );
}

/** Finishes the running answers, then closes the connections: idle ones at once, others once they have read their replies. */
async function shutDown(server: OwlServer, socket: HttpServer): Promise<void> {
  await server.drain();
  await socket.close(secondsToRead);
}

async function serve(words: readonly string[], options: ServeOptions): Promise<void> {
  const apiKey = apiKeyOf(options);
  const page = await pageOf(options);
  const named = await nameModels(words);
  // A port that is taken is reported before the models are loaded, which takes long.
  await requireListening(options.host, options.port);
  const models = await loadModels(named, options);
  const limits = limitSettings(options);
  const server = createServer({
    models,
    limits,
    engine: engineSettings(options),
    apiKey,
    hosts: hostsOf(options),
    origins: options.allowOrigin,
    truncation: options.truncation,
    remote: remoteFrom(options.allowImageHost),
    feedback: options.feedback,
    page,
    onEvent: logEvent(options.verbose === true),
  });
  try {
    const socket = await listen(server, options, limits.seconds ?? defaultLimits.seconds);
    await interruptible(async (signal) => {
      const interrupted = once(signal, "abort");
      const address = `http://${inUrl(options.host)}:${socket.port}`;
      process.stdout.write(`${Object.keys(models).join(", ")}: ${address}\n`);
      await interrupted;
      process.stderr.write("(ending the answers under way; once more ends at once)\n");
      await shutDown(server, socket);
    });
  } finally {
    await server.close();
    for (const { owl } of Object.values(models)) await owl.close();
  }
}

/** An IPv6 address stands in brackets in a URL. */
const inUrl = (host: string): string => (host.includes(":") ? `[${host}]` : host);

export function define(command: Command): void {
  command.argument(
    "[models...]",
    "model directories or fetched repos, each as MODEL or NAME=MODEL (the shipped owl-nano if absent)",
  );
  addServeOptions(command);
  command
    .addHelpText(
      "after",
      `
Examples:
  owl serve                                       the shipped owl on http://127.0.0.1:8080
  owl serve big=org/name small=runs/mine/model    two models by name
  OWL_API_KEY=… owl serve MODEL --host 0.0.0.0    for other machines, whose requests must carry the key

On SIGTERM or Ctrl-C new requests are refused, running answers are finished, then the server exits. docs/serving.md
has the rest.`,
    )
    .action((words: readonly string[], options: ServeOptions) => serve(words, options));
}
