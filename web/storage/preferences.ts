import { type SettingRow, settingsRows } from "../../src/generation/index.ts";
import type { ChatSettings, ShownSetting } from "../backends/backend.ts";
import type { BackendName } from "../backends/backends.ts";

export type Theme = "system" | "light" | "dark";

/** The user's preferences, for all conversations. */
export interface Preferences {
  readonly theme: Theme;
  readonly backend: BackendName;
  readonly settings: ChatSettings;
}

/** What the settings panel draws for a setting. */
export interface Control {
  readonly name: ShownSetting;
  readonly type: "integer" | "number" | "boolean";
  readonly label: string;
  readonly hint: string;
  /** Undefined: the setting may be left empty. */
  readonly default: number | boolean | undefined;
  readonly placeholder?: string;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly usedWith: SettingRow["usedWith"];
}

/** The controls of the settings panel in its order. */
export const controls = settingsRows.flatMap(([name, { type, usedWith, page }]) =>
  page === null ? [] : [{ name, type, usedWith, ...page } as Control],
);

export const defaultSettings = {
  model: "",
  ...Object.fromEntries(controls.map((control) => [control.name, control.default])),
} as ChatSettings;

export const defaultPreferences: Preferences = {
  theme: "system",
  backend: "server",
  settings: defaultSettings,
};

/** The settings with another value of one: a number within its control's range. What it cannot be changes nothing. */
export function withSetting(settings: ChatSettings, control: Control, value: unknown): ChatSettings {
  const { name, type, min = -Infinity, max = Infinity } = control;
  const isOptional = control.default === undefined;
  if (isOptional && value === undefined) return { ...settings, [name]: undefined };
  if (typeof value !== typeof (control.default ?? 0) || Number.isNaN(value)) return settings;
  if (type === "boolean") return { ...settings, [name]: value };
  const number = type === "integer" ? Math.round(Number(value)) : Number(value);
  const kept = Math.min(max, Math.max(min, number));
  // A seed out of range is none: the nearest one would be another seed.
  if (isOptional && kept !== value) return settings;
  return Number.isFinite(number) ? { ...settings, [name]: kept } : settings;
}

/** Preferences as they were stored; whatever is missing or wrong is as the defaults have it. */
export function parsePreferences(text: string | null): Preferences {
  let stored: Partial<Preferences>;
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    stored = typeof value === "object" && value !== null ? value : {};
  } catch {
    return defaultPreferences;
  }
  const { theme, backend } = stored;
  return {
    theme: theme === "light" || theme === "dark" ? theme : "system",
    backend: backend === "browser" ? "browser" : "server",
    settings: parseSettings(stored.settings ?? {}),
  };
}

/** Names by which preferences were stored formerly. */
const formerNames: Readonly<Record<string, ShownSetting>> = {
  maxTokens: "maxNewTokens",
  sample: "doSample",
  beams: "numBeams",
  noRepeatNgram: "noRepeatNgramSize",
};

function parseSettings(stored: object): ChatSettings {
  const values = new Map<string, unknown>(
    Object.entries(stored).map(([name, value]) => [formerNames[name] ?? name, value]),
  );
  const model = values.get("model");
  const initial = typeof model === "string" ? { ...defaultSettings, model } : defaultSettings;
  return controls.reduce(
    (settings, control) => withSetting(settings, control, values.get(control.name)),
    initial,
  );
}

const key = "mplug-owl preferences";

export function loadPreferences(): Preferences {
  try {
    return parsePreferences(localStorage.getItem(key));
  } catch {
    return defaultPreferences;
  }
}

/** Calls back with the preferences that another tab has set, until the function that is returned is called. */
export function onPreferences(listener: (preferences: Preferences) => void): () => void {
  const onStorage = (event: StorageEvent): void => {
    if (event.key === key) listener(parsePreferences(event.newValue));
  };
  addEventListener("storage", onStorage);
  return () => removeEventListener("storage", onStorage);
}

export function savePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(key, JSON.stringify(preferences));
  } catch {
    // A browser that keeps nothing: they hold until the page is closed.
  }
}
