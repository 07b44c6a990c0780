import { type Command, InvalidArgumentError, Option } from "commander";
import { engineDefaultWords } from "../inference/index.ts";
import { normalisedHost } from "../platform/index.ts";
import type { Truncation } from "../prompt/index.ts";
import { defaultLimits, hostName, type Limits } from "../server/index.ts";
import { defaultAddress } from "./listening.ts";
import {
  activationsOption,
  adapterOption,
  framesOption,
  kvCacheOption,
  type LoadingOptions,
} from "./load-owl.ts";
import { countOption, deviceOption, portOption, threadsOption } from "./options.ts";

/** The options of `owl serve` as commander parsed them, but for {@link engineOptions} and {@link limitOptions}. */
export interface ServeOptions extends LoadingOptions {
  readonly host: string;
  readonly port: number;
  /** False: no key is required. */
  readonly apiKey?: string | false;
  readonly allowHost: readonly string[];
  readonly allowImageHost: readonly string[];
  readonly allowOrigin: readonly string[];
  readonly truncation: Truncation;
  readonly feedback?: string;
  /** False: no page. */
  readonly web: string | boolean;
  readonly verbose?: boolean;
}

type EngineSetting = keyof typeof engineDefaultWords;
type LimitSetting = Exclude<keyof Limits, "bodyBytesAtOnce" | "bodySeconds" | "readingSeconds">;

/** Options whose values are whole numbers, by what they set. */
type CountOptions<Name extends string> = Readonly<Record<Name, Option>>;

const count = (flags: string, description: string, standard: string | number): Option =>
  new Option(flags, `${description} (default: ${standard})`).argParser(countOption);

const engine = (name: EngineSetting, flags: string, description: string): Option =>
  count(flags, description, engineDefaultWords[name]);

const engineOptions: CountOptions<EngineSetting> = {
  maxRunning: engine("maxRunning", "--max-running <count>", "answers generated at once"),
  prefillChunk: engine(
    "prefillChunk",
    "--prefill-chunk <positions>",
    "positions of a prompt that are prefilled between two decode steps of other answers",
  ),
  keyValueCacheBytes: engine(
    "keyValueCacheBytes",
    "--kv-cache-bytes <count>",
    "KV cache kept of finished conversations, to be continued",
  ),
  visualCacheBytes: engine(
    "visualCacheBytes",
    "--visual-cache-bytes <count>",
    "visual tokens kept of pictures, to be asked about again",
  ),
};

const limit = (name: LimitSetting, description: string): Option => {
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return count(`--max-${flag} <count>`, `most ${description}`, defaultLimits[name]);
};

const limitOptions: CountOptions<LimitSetting> = {
  bodyBytes: limit("bodyBytes", "bytes of a request"),
  pictures: limit("pictures", "pictures and videos of a request"),
  pictureBytes: limit("pictureBytes", "bytes of a picture or video"),
  pixels: limit("pixels", "pixels of a picture"),
  tokens: limit("tokens", "new tokens of an answer"),
  choices: limit("choices", "answers of a request (n)"),
  beams: limit("beams", "beams of an answer"),
  queue: limit("queue", "answers running or waiting"),
  seconds: limit("seconds", "seconds for a request"),
  feedbackBytes: limit("feedbackBytes", "bytes of feedback that are kept"),
};

/** The values that were given of such options. */
function givenOf<Name extends string>(
  table: CountOptions<Name>,
  options: object,
): Partial<Record<Name, number>> {
  const values = new Map<string, unknown>(Object.entries(options));
  const entries = Object.entries<Option>(table).map(([name, option]) => [
    name,
    values.get(option.attributeName()),
  ]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

export const engineSettings = (options: object): Partial<Record<EngineSetting, number>> =>
  givenOf(engineOptions, options);

export function limitSettings(options: object): Partial<Limits> {
  const limits = givenOf(limitOptions, options);
  const { bodyBytes = 0 } = limits;
  // The memory of all request bodies together must hold at least one of the largest.
  return bodyBytes > defaultLimits.bodyBytesAtOnce ? { ...limits, bodyBytesAtOnce: bodyBytes } : limits;
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

function addAccessOptions(command: Command): void {
  command
    .option("--host <address>", "the address to listen on", defaultAddress.host)
    .option("--port <number>", "the port to listen on; 0 takes a free one", portOption, defaultAddress.port)
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
    );
}

/** Adds all options of `owl serve`, in the order of its help. */
export function addServeOptions(command: Command): void {
  addAccessOptions(command);
  command
    .addOption(
      new Option(
        "--truncation <mode>",
        "auto: leave out the oldest turns of a conversation that does not fit, unless the request says otherwise",
      )
        .choices(["auto", "disabled"])
        .default("disabled"),
    )
    .option("--feedback <file>", "store thumbs up as training rows in this file, other feedback beside it")
    .option("--web <directory>", "the built page (default: the package's own)")
    .addOption(new Option("--no-web", "serve no page"))
    .addOption(adapterOption())
    .addOption(framesOption())
    .addOption(kvCacheOption())
    .addOption(activationsOption());
  for (const option of Object.values({ ...engineOptions, ...limitOptions })) command.addOption(option);
  command
    .option("--verbose", "log every request on standard error")
    .addOption(deviceOption())
    .addOption(threadsOption());
}
