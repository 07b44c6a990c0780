import {
  expandedPath,
  joinPath,
  type OptionRules,
  option,
  pathKind,
  readText,
  shortened,
} from "../platform/index.ts";
import { HubError } from "./errors.ts";

/** The events of fetching a repo. */
export type PullEvent =
  | {
      readonly kind: "start";
      readonly commit: string;
      readonly files: number;
      /** Bytes of all files, and of them those that are in the cache already. */
      readonly totalBytes: number;
      readonly bytes: number;
    }
  /** More bytes have arrived. */
  | { readonly kind: "progress"; readonly file: string; readonly bytes: number; readonly totalBytes: number }
  /** Another process is fetching the file; this one waits for it. */
  | { readonly kind: "waiting"; readonly file: string }
  /** A transient error; the request is repeated after a pause. */
  | { readonly kind: "retry"; readonly reason: string; readonly seconds: number };

/** The hub and its cache. Absent options default to the environment variables of the hub's own programs. */
export interface HubOptions {
  /**
   * Directory of the cache (default: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, `$HF_HOME/hub`,
   * `$XDG_CACHE_HOME/huggingface/hub`, `~/.cache/huggingface/hub`).
   */
  readonly cache?: string | undefined;
  /** The hub's address (default: HF_ENDPOINT, `https://huggingface.co`). */
  readonly endpoint?: string | undefined;
  /**
   * Opens private and gated repos (default: HF_TOKEN, HUGGING_FACE_HUB_TOKEN, or what `hf auth login` saved: the file
   * HF_TOKEN_PATH, `$HF_HOME/token`; none with HF_HUB_DISABLE_IMPLICIT_TOKEN). It goes to the hub's address only.
   */
  readonly token?: string | undefined;
  /** Never asks the network (default: whether HF_HUB_OFFLINE is set). */
  readonly offline?: boolean | undefined;
}

/** What each of the hub's options must be. */
export const hubRules: OptionRules<HubOptions> = {
  cache: option.text,
  endpoint: option.text,
  token: option.text,
  offline: option.flag,
};

/** {@link HubOptions} with the defaults filled in, without the token, which may have to be read from a file. */
export interface HubSettings {
  readonly cache: string;
  readonly endpoint: string;
  readonly offline: boolean;
}

/** A token, and where it was found. */
export interface HubToken {
  readonly token: string;
  readonly from: string;
}

const hubAddress = "https://huggingface.co";

/** @throws HubError where the hub's address is none */
export function hubSettings(options: HubOptions): HubSettings {
  return {
    cache: options.cache ?? cachePath(),
    endpoint: endpointOf(options),
    offline: options.offline ?? isOn("HF_HUB_OFFLINE"),
  };
}

function endpointOf({ endpoint }: HubOptions): string {
  const { HF_ENDPOINT } = process.env;
  const address = (endpoint ?? (HF_ENDPOINT || hubAddress)).trim().replace(/\/+$/, "");
  const protocol = URL.canParse(address) ? new URL(address).protocol : "";
  if (/^https?:\/\/./i.test(address) && /^https?:$/.test(protocol)) return address;
  const where = endpoint === undefined ? "HF_ENDPOINT" : "endpoint";
  const next = /^[\w.-]+(:\d+)?(\/|$)/.test(address) ? `https://${address}` : hubAddress;
  throw new HubError(
    `${where}: must be an address of http or https, got ${shortened(JSON.stringify(address))}; write ${next}`,
  );
}

const isOn = (name: string): boolean => /^(1|on|yes|true)$/i.test(process.env[name] ?? "");

/** The home directory of the hub's programs. */
function hubHome(): string {
  const { HF_HOME, XDG_CACHE_HOME } = process.env;
  return HF_HOME
    ? expandedPath(HF_HOME)
    : joinPath(expandedPath(XDG_CACHE_HOME || "~/.cache"), "huggingface");
}

/** The directory of the hub's cache: {@link HubOptions.cache}. */
export function cachePath(): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE } = process.env;
  const named = HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE;
  return named ? expandedPath(named) : joinPath(hubHome(), "hub");
}

/**
 * The token that opens private and gated repos, as the hub's own programs find it; undefined where there is none.
 *
 * @throws HubError where what was found cannot be one
 */
export async function hubToken(options: Pick<HubOptions, "token">): Promise<HubToken | undefined> {
  if (options.token !== undefined) return tokenOf(options.token, "token");
  if (isOn("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return undefined;
  for (const name of ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]) {
    const found = tokenOf(process.env[name] ?? "", name);
    if (found !== undefined) return found;
  }
  const { HF_TOKEN_PATH } = process.env;
  const path = HF_TOKEN_PATH ? expandedPath(HF_TOKEN_PATH) : joinPath(hubHome(), "token");
  return (await pathKind(path)) === "file" ? tokenOf(await readText(path), path) : undefined;
}

function tokenOf(text: string, from: string): HubToken | undefined {
  const token = text.trim();
  if (token === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return { token, from };
  throw new HubError(
    `${from}: must hold one token of the hub, got a text with blanks or letters that none has`,
  );
}
