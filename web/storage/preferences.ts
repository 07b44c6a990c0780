import type { ChatSettings } from "../backends/backend.ts";
import type { BackendName } from "../backends/choice.ts";

export type Theme = "system" | "light" | "dark";

/** What a person has set, for all conversations. */
export interface Preferences {
  readonly theme: Theme;
  readonly backend: BackendName;
  readonly settings: ChatSettings;
}

export const defaultSettings: ChatSettings = {
  model: "",
  maxTokens: 256,
  sample: false,
  temperature: 0.8,
  topK: 40,
  topP: 0.95,
  beams: 1,
  noRepeatNgram: 0,
  lengthPenalty: 1,
};

export const defaultPreferences: Preferences = {
  theme: "system",
  backend: "server",
  settings: defaultSettings,
};

type NumberSetting = {
  [Name in keyof ChatSettings]: ChatSettings[Name] extends number ? Name : never;
}[Exclude<keyof ChatSettings, "seed">];

/** A setting that is a number: its range, and what it does. */
export interface Control {
  readonly name: NumberSetting;
  readonly label: string;
  readonly hint: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Counts only with this: drawing, or more than one beam. */
  readonly needs?: "sample" | "beams";
}

export const controls: readonly Control[] = [
  {
    name: "maxTokens",
    label: "Longest answer",
    hint: "Tokens after which an answer is cut",
    min: 1,
    max: 4096,
    step: 1,
  },
  {
    name: "temperature",
    label: "Temperature",
    hint: "Low: the likely words. High: bold ones",
    min: 0.05,
    max: 2,
    step: 0.05,
    needs: "sample",
  },
  {
    name: "topK",
    label: "Top-k",
    hint: "Draw among this many best tokens; 0 for all",
    min: 0,
    max: 1000,
    step: 1,
    needs: "sample",
  },
  {
    name: "topP",
    label: "Top-p",
    hint: "Draw among the best tokens that make up this probability",
    min: 0.01,
    max: 1,
    step: 0.01,
    needs: "sample",
  },
  {
    name: "beams",
    label: "Beams",
    hint: "Answers followed at once, of which the best is taken",
    min: 1,
    max: 8,
    step: 1,
  },
  {
    name: "lengthPenalty",
    label: "Length penalty",
    hint: "With beams: above 0 favours long answers",
    min: -10,
    max: 10,
    step: 0.1,
    needs: "beams",
  },
  {
    name: "noRepeatNgram",
    label: "No repeats of",
    hint: "Runs of this many tokens come once an answer; 0 allows all",
    min: 0,
    max: 20,
    step: 1,
  },
];

/** The settings with a number within its control's range. */
export function withNumber(settings: ChatSettings, control: Control, value: number): ChatSettings {
  if (!Number.isFinite(value)) return settings;
  const whole = Number.isInteger(control.step) ? Math.round(value) : value;
  return { ...settings, [control.name]: Math.min(control.max, Math.max(control.min, whole)) };
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

function parseSettings(stored: Partial<ChatSettings>): ChatSettings {
  const { model, sample, seed } = stored;
  const plain: ChatSettings = {
    ...defaultSettings,
    ...(typeof model === "string" && { model }),
    ...(typeof sample === "boolean" && { sample }),
    ...(Number.isSafeInteger(seed) && Number(seed) >= 0 && { seed }),
  };
  return controls.reduce((settings, control) => {
    const value = stored[control.name];
    return typeof value === "number" ? withNumber(settings, control, value) : settings;
  }, plain);
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
