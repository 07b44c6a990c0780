import { once } from "node:events";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, InvalidArgumentError, Option } from "commander";
import { shippedModel } from "../hub/index.ts";
import { engineDefaultWords as defaults } from "../inference/index.ts";
import {
  fetchRemoteFile,
  type HttpSocket,
  listenHttp,
  localPath,
  normalisedHost,
  pathKind,
} from "../platform/index.ts";
import type { Truncation } from "../prompt/index.ts";
import {
  createServer,
  defaultLimits,
  hostName,
  type Limits,
  type OwlServer,
  type RemoteFetch,
  refuseMalformed,
  type ServedModel,
  type ServerEvent,
} from "../server/index.ts";
import { UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { defaultAddress, listeningError, requireListening } from "./listening.ts";
import { adapterOption, framesOption, type LoadingOptions, loadOwl } from "./loaded-owl.ts";
import { countOption, deviceOption, numberOption, requireModel, threadsOption } from "./options.ts";

/** The directory of the built page. */
const builtPage = fileURLToPath(new URL("../../dist/web", import.meta.url));
/** Host names that only this machine can use for itself. */
const loopback = ["localhost", "127.0.0.1", "[::1]"];
/** How long slow readers have for complete replies when the server stops. */
const secondsToRead = 5;

interface ServeOptions extends LoadingOptions {
  readonly host: string;
  readonly port: number;
  /** False: no key. */
  readonly apiKey?: string | false;
  readonly allowHost: readonly string[];
  readonly allowImageHost: readonly string[];
  readonly allowOrigin: readonly string[];
  readonly truncation: Truncation;
  readonly feedback?: string;
  /** False: no page. */
  readonly web: string | boolean;
  readonly verbose?: boolean;
  readonly maxRunning?: number;
  readonly prefillChunk?: number;
  readonly kvCacheBytes?: number;
  readonly visualCacheBytes?: number;
  readonly maxBodyBytes?: number;
  readonly maxPictures?: number;
  readonly maxPictureBytes?: number;
  readonly maxPixels?: number;
  readonly maxTokens?: number;
  readonly maxChoices?: number;
  readonly maxBeams?: number;
  readonly maxQueue?: number;
  readonly maxSeconds?: number;
  readonly maxFeedbackBytes?: number;
}

/** A switch for each limit that a server has. */
const limitSwitches: [flag: string, says: string, limit: keyof Limits, option: keyof ServeOptions][] = [
  ["max-body-bytes", "bytes of a request", "bodyBytes", "maxBodyBytes"],
  ["max-pictures", "pictures and videos of a request", "pictures", "maxPictures"],
  ["max-picture-bytes", "bytes of a picture or video", "pictureBytes", "maxPictureBytes"],
  ["max-pixels", "pixels of a picture", "pixels", "maxPixels"],
  ["max-tokens", "new tokens of an answer", "tokens", "maxTokens"],
  ["max-choices", "answers of a request (n)", "choices", "maxChoices"],
  ["max-beams", "beams of an answer", "beams", "maxBeams"],
  ["max-queue", "answers being made or waiting", "queue", "maxQueue"],
  ["max-seconds", "seconds for a request", "seconds", "maxSeconds"],
  ["max-feedback-bytes", "bytes of feedback that are kept", "feedbackBytes", "maxFeedbackBytes"],
];

function limitsOf(options: ServeOptions): Partial<Limits> {
  const given = limitSwitches.flatMap(([, , limit, option]) => {
    const value = options[option];
    return typeof value === "number" ? [[limit, value] as const] : [];
  });
  const limits: Partial<Limits> = Object.fromEntries(given);
  const { bodyBytes = 0 } = limits;
  // One body of the largest size must fit into the limit of all bodies at once.
  return bodyBytes > defaultLimits.bodyBytesAtOnce ? { ...limits, bodyBytesAtOnce: bodyBytes } : limits;
}

/** Parses `NAME=MODEL`, or `MODEL`, which is named after its repo or directory. */
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
  const twice = named.map(([name]) => name).find((name, i, names) => names.indexOf(name) < i);
  if (twice === undefined) return named;
  throw new UsageError(
    `serve: every model must have a name of its own, got ${twice} twice; write NAME=MODEL`,
  );
}

async function loadModels(
  named: readonly NamedModel[],
  options: ServeOptions,
): Promise<Record<string, ServedModel>> {
  const models: Record<string, ServedModel> = {};
  for (const [name, directory] of named) {
    models[name] = { owl: await loadOwl(directory, options), directory };
  }
  return models;
}

/** The key that requests must carry; an empty key, or none when other machines reach the server, is an error. */
function apiKeyOf({ apiKey, host }: ServeOptions): string | undefined {
  if (apiKey === false) return undefined;
  const key = apiKey ?? process.env.OWL_API_KEY;
  if (key === "") throw new UsageError("serve: the API key must not be empty");
  if (key === undefined && !isLoopback(host)) {
    throw new UsageError(
      `serve: others reach ${host}, so an API key must guard it, got none; give --api-key (or OWL_API_KEY), or --no-api-key if everybody may ask`,
    );
  }
  return key;
}

function isLoopback(host: string): boolean {
  return loopback.includes(host) || host === "::1" || /^127\./.test(host);
}

/**
 * The accepted Host headers: this machine's own names and the allowed ones. If other machines reach the server, by names that
 * it cannot know: any, unless some are allowed.
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

/** Fetches pictures from the allowed hosts; undefined if there are none. */
function remoteFrom(hosts: readonly string[]): RemoteFetch | undefined {
  if (hosts.length === 0) return undefined;
  return (url, { maxBytes, signal }) => fetchRemoteFile(url, { hosts, maxBytes, signal });
}

function report(verbose: boolean): (event: ServerEvent) => void {
  return (event) => {
    if (event.kind === "error") {
      const { error, id } = event;
      const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`owl: error ${id}: ${said}\n`);
    } else if (verbose) {
      const { method, path, status, seconds } = event;
      process.stderr.write(`${method} ${JSON.stringify(path)} ${status} ${seconds.toFixed(3)} s\n`);
    }
  };
}

/** Listens with the handler on its port. */
async function listen(server: OwlServer, options: ServeOptions, seconds: number): Promise<HttpSocket> {
  const { host, port } = options;
  const silentSeconds = seconds + 60;
  return listenHttp(server.fetch.bind(server), { host, port, silentSeconds, refuse: refuseMalformed }).catch(
    (error: unknown) => {
      throw listeningError(error, host, port);
    },
  );
}

/** Finishes running answers, then closes the connections: idle ones at once, others when their replies are read. */
async function stop(server: OwlServer, socket: HttpSocket): Promise<void> {
  await server.drain();
  await socket.close(secondsToRead);
}

async function serve(words: readonly string[], options: ServeOptions): Promise<void> {
  const apiKey = apiKeyOf(options);
  const page = await pageOf(options);
  const named = await nameModels(words);
  // A port that is taken is reported before a model is loaded.
  await requireListening(options.host, options.port);
  const models = await loadModels(named, options);
  const limits = limitsOf(options);
  const { maxRunning, prefillChunk, kvCacheBytes, visualCacheBytes, host } = options;
  const server = createServer({
    models,
    limits,
    engine: { maxRunning, prefillChunk, keyValueCacheBytes: kvCacheBytes, visualCacheBytes },
    apiKey,
    hosts: hostsOf(options),
    origins: options.allowOrigin,
    truncation: options.truncation,
    remote: remoteFrom(options.allowImageHost),
    feedback: options.feedback,
    page,
    onEvent: report(options.verbose === true),
  });
  try {
    const socket = await listen(server, options, limits.seconds ?? defaultLimits.seconds);
    await interruptible(async (signal) => {
      const asked = once(signal, "abort");
      process.stdout.write(`${Object.keys(models).join(", ")}: http://${hostOf(host)}:${socket.port}\n`);
      await asked;
      process.stderr.write("(ending the answers under way; once more ends at once)\n");
      await stop(server, socket);
    });
  } finally {
    await server.close();
    for (const { owl } of Object.values(models)) await owl.close();
  }
}

const hostOf = (host: string): string => (host.includes(":") ? `[${host}]` : host);

function portOption(text: string): number {
  const value = numberOption(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) {
    throw new InvalidArgumentError("It must be a port, 0 for any free one.");
  }
  return value;
}

function nameOption(text: string, before: readonly string[]): string[] {
  const name = hostName(text);
  if (name === undefined) {
    throw new InvalidArgumentError("It must be a host's name without a port, as owl.example.");
  }
  return [...before, name];
}

function hostOption(text: string, before: readonly string[]): string[] {
  const host = normalisedHost(text);
  if (host === undefined)
    throw new InvalidArgumentError("It must be a host, as example.org or example.org:8443.");
  return [...before, host];
}

function originOption(text: string, before: readonly string[]): string[] {
  if (!URL.canParse(text) || new URL(text).origin !== text) {
    throw new InvalidArgumentError("It must be an origin, as https://example.org.");
  }
  return [...before, text];
}

export function addServe(program: Command): void {
  const command = program
    .command("serve")
    .argument(
      "[models...]",
      "model directories or fetched repos, each as MODEL or NAME=MODEL (the shipped owl-nano if absent)",
    )
    .option("--host <address>", "where to listen", defaultAddress.host)
    .option("--port <number>", "where to listen; 0 takes a free port", portOption, defaultAddress.port)
    .option("--api-key <key>", "key that every request must carry (default: OWL_API_KEY)")
    .addOption(new Option("--no-api-key", "no key, even if other machines reach the server"))
    .option(
      "--allow-host <name>",
      "accept this Host header too, as behind a proxy; repeatable",
      nameOption,
      [],
    )
    .option("--allow-image-host <host>", "fetch https: pictures from this host; repeatable", hostOption, [])
    .option(
      "--allow-origin <origin>",
      "let pages of this origin read replies (CORS); repeatable",
      originOption,
      [],
    )
    .addOption(
      new Option("--truncation <mode>", "for conversations that no longer fit, unless the request says")
        .choices(["auto", "disabled"])
        .default("disabled"),
    )
    .option("--feedback <file>", "store thumbs up as training rows in this file, other feedback beside it")
    .option("--web <directory>", "the built page (default: the package's own)")
    .addOption(new Option("--no-web", "no page"))
    .addOption(adapterOption())
    .addOption(framesOption())
    .option(
      "--max-running <count>",
      `answers generated at once (default: ${defaults.maxRunning})`,
      countOption,
    )
    .option(
      "--prefill-chunk <positions>",
      `positions of a prompt between two decode steps of others (default: ${defaults.prefillChunk})`,
      countOption,
    )
    .option(
      "--kv-cache-bytes <count>",
      `keys and values kept of conversations (default: ${defaults.keyValueCacheBytes})`,
      countOption,
    )
    .option(
      "--visual-cache-bytes <count>",
      `visual tokens kept of pictures (default: ${defaults.visualCacheBytes})`,
      countOption,
    );
  for (const [flag, says, limit] of limitSwitches) {
    command.option(`--${flag} <count>`, `most ${says} (default: ${defaultLimits[limit]})`, countOption);
  }
  command
    .option("--verbose", "a line on standard error for every request")
    .addOption(deviceOption())
    .addOption(threadsOption())
    .description("serve OpenAI's protocol and a web page")
    .addHelpText(
      "after",
      `
Examples:
  owl serve                                       the shipped owl on http://127.0.0.1:8080
  owl serve big=org/name small=runs/mine/model    two models by name
  OWL_API_KEY=… owl serve MODEL --host 0.0.0.0    for others, who must name the key

SIGTERM or Ctrl-C: new requests are refused, answers under way end, then it exits. docs/serving.md has the rest.`,
    )
    .action((words: readonly string[], options: ServeOptions) => serve(words, options));
}
