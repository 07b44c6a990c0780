/** A panel: a dialog over the page that the top bar opens; `components/panels.ts` has its component. */
export type PanelName = "settings" | "help";

export type Command =
  | PanelName
  | "new"
  | "add"
  | "regenerate"
  | "edit"
  | "copy"
  | "copy-all"
  | "clear"
  | "undo"
  | "sidebar"
  | "write"
  | "stop"
  | "previous"
  | "next";

export interface Shortcut {
  readonly command: Command;
  readonly label: string;
  /** As it is written: `Alt+N`. */
  readonly keys: string;
}

/** The keys of every command, in the order of the help's list. */
const keysOfCommands: Readonly<Record<Command, Omit<Shortcut, "command">>> = {
  write: { label: "Go to the message field", keys: "/" },
  add: { label: "Add pictures or videos", keys: "Alt+A" },
  stop: { label: "Stop the answer", keys: "Escape" },
  regenerate: { label: "Another answer", keys: "Alt+R" },
  edit: { label: "Edit the last question", keys: "Alt+E" },
  previous: { label: "Previous branch of the last fork", keys: "Alt+[" },
  next: { label: "Next branch of the last fork", keys: "Alt+]" },
  copy: { label: "Copy the last answer", keys: "Alt+C" },
  "copy-all": { label: "Copy the conversation as Markdown", keys: "Alt+M" },
  clear: { label: "Clear the conversation", keys: "Alt+X" },
  undo: { label: "Undo, or whatever else the latest notice offers", keys: "Alt+Z" },
  new: { label: "New conversation", keys: "Alt+N" },
  sidebar: { label: "Show or hide the conversations", keys: "Alt+B" },
  settings: { label: "Settings", keys: "Alt+S" },
  help: { label: "This list", keys: "?" },
};

export const shortcuts: readonly Shortcut[] = Object.entries(keysOfCommands).map(([command, keys]) => ({
  command: command as Command,
  ...keys,
}));

/** Keys that do something where they are pressed, for the list in the help. */
export const otherKeys: readonly Omit<Shortcut, "command">[] = [
  { label: "Send the message", keys: "Enter" },
  { label: "A new line in the message", keys: "Shift+Enter" },
  { label: "Edit the last question (in an empty message field)", keys: "↑" },
];

/** The part of a KeyboardEvent that identifies a shortcut. `code` names the physical key, which Alt does not change. */
export interface KeyPress {
  readonly key: string;
  readonly code: string;
  readonly altKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
}

/**
 * Whether a key only serves an input method, as the Enter that takes its word. Safari ends the composition before it
 * tells of that key, which then has the code of such keys alone.
 */
export function isComposing({ isComposing, keyCode }: KeyboardEvent): boolean {
  return isComposing || keyCode === 229;
}

const codes: Record<string, string> = { "[": "BracketLeft", "]": "BracketRight" };

/**
 * The command of a key.
 *
 * @param isWriting the cursor is in a field: keys that write a character then do that
 */
export function commandOf(press: KeyPress, isWriting: boolean): Command | undefined {
  if (press.ctrlKey || press.metaKey) return undefined;
  return shortcuts.find(({ keys }) => {
    if (keys.startsWith("Alt+")) {
      const letter = keys.slice("Alt+".length);
      return press.altKey && press.code === (codes[letter] ?? `Key${letter}`);
    }
    return !press.altKey && press.key === keys && (keys === "Escape" || !isWriting);
  })?.command;
}
