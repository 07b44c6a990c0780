import { getHFHubCachePath, HUB_URL } from "@huggingface/hub";
import { type OptionRules, option } from "../platform/index.ts";

/** What happens while a repo is fetched. */
export type PullEvent =
  | {
      readonly kind: "start";
      readonly commit: string;
      readonly files: number;
      /** Bytes of all files, and of them those that are here already. */
      readonly totalBytes: number;
      readonly bytes: number;
    }
  /** Some bytes have come. */
  | { readonly kind: "progress"; readonly file: string; readonly bytes: number; readonly totalBytes: number }
  /** Another process is fetching the file; this one waits for it. */
  | { readonly kind: "waiting"; readonly file: string }
  /** The hub did not answer, or the connection was cut; the fetching goes on after a pause. */
  | { readonly kind: "retry"; readonly reason: string; readonly seconds: number };

/** Where repos come from and go to. What is left out is as the environment says, in the hub's own variables. */
export interface HubOptions {
  /** Directory of the cache (default: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, `$HF_HOME/hub`, `~/.cache/huggingface/hub`). */
  readonly cache?: string | undefined;
  /** The hub's address (default: HF_ENDPOINT, `https://huggingface.co`). */
  readonly endpoint?: string | undefined;
  /** Opens private and gated repos (default: HF_TOKEN). */
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

/** {@link HubOptions} with nothing left out. */
export interface HubSettings {
  readonly cache: string;
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly offline: boolean;
}

export function hubSettings(options: HubOptions): HubSettings {
  const { HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE = "" } = process.env;
  return {
    cache: options.cache ?? getHFHubCachePath(),
    endpoint: (options.endpoint ?? (HF_ENDPOINT || HUB_URL)).replace(/\/+$/, ""),
    token: options.token ?? (HF_TOKEN?.trim() || undefined),
    offline: options.offline ?? /^(1|on|yes|true)$/i.test(HF_HUB_OFFLINE),
  };
}
